"""`detect thresholds`: which of several boxes on one damage stay, and from which score a box counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detect.cli import options
from detect.cli.reading import Reading, reading

if TYPE_CHECKING:
    from detect.operating_point import Suppression
    from detect.training.thresholds import Fitted

SHOWN = 5


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Photos that the model was not trained on."
)
@click.option("--split", default="val", show_default=True, metavar="NAME", help="Only the photos of this split.")
@click.option(
    "--metric",
    type=options.OneOf(["map", "map50", "map75", "f1", "precision", "recall"]),
    default="map",
    show_default=True,
    help="What the suppression is chosen for.",
)
@click.option(
    "--choose",
    metavar="GOAL",
    callback=options.parsed(options.goal),
    default="f1",
    show_default=True,
    help="What the confidence of each class is chosen for: f1, precision=0.9, recall=0.8 or cost=FILE.",
)
@click.option("--mirror", is_flag=True, help="For use with `detect predict --mirror`, where scores differ.")
@click.option("--flip", is_flag=True, help="For use with `detect predict --flip`.")
@click.option("--hard", is_flag=True, help="Without soft suppression, as `detect export` needs it.")
@options.threads
@click.option("--device", default="auto", show_default=True, help="cpu, cuda:0 ...")
@reading("Bad items of DATA: an error, or left out.")
@options.quiet
@options.as_json
def thresholds(
    weights: Path,
    data: Path,
    split: str,
    metric: str,
    choose: str,
    mirror: bool,
    flip: bool,
    hard: bool,
    device: str,
    threads: int,
    reading: Reading,
    as_json: bool,
) -> None:
    """Fit the suppression and the confidence of each class to validation photos, and keep both in the WEIGHTS.

    WEIGHTS is a run folder or a weights file. Tried are the IoU of suppression from 0.3 to 0.9, soft suppression, and
    both with and without regard to classes; one that lowers F1 is not taken. `detect predict` then suppresses by the
    best; the confidences say which boxes it counts and draws, and with `--point` which it keeps at all. `detect
    evaluate` measures what that is worth on other photos. Soft suppression cannot be exported: --hard does without.

    \b
    Examples:
      detect thresholds runs/first --data data/
      detect thresholds runs/first --data data/ --metric map50 --choose precision=0.9 --hard
    """
    from detect.errors import ModelError
    from detect.models import EXPORTED, load_detector, model_file
    from detect.operating_point import TEST_TIME_AUGMENTATIONS
    from detect.prediction.augmentation import augmented
    from detect.training.thresholds import fit_thresholds, keep

    if model_file(weights).suffix in EXPORTED:
        raise ModelError(f"{weights}: thresholds are fitted before export; fit the run, then export it again")
    detector = augmented(load_detector(weights, device=device, threads=threads), mirror=mirror, flip=flip)
    dataset = reading.read(data).only(split)
    fitted = fit_thresholds(detector, dataset, metric=metric, choose=choose, hard=hard)
    used = tuple(name for name, wanted in zip(TEST_TIME_AUGMENTATIONS, (mirror, flip), strict=True) if wanted)
    file = keep(replace(fitted.point, test_time_augmentation=used), weights)
    if as_json:
        gain = fitted.gain.of(metric)
        tried = [{**how._asdict(), metric: value} for how, value in fitted.tried]
        change = {"usual": gain.a, "fitted": gain.b, "low": gain.low, "high": gain.high, "verdict": gain.verdict}
        confidence = dict(fitted.point.confidence)
        options.print_json({"weights": str(file), metric: change, "confidence": confidence, "tried": tried})
        return
    _print(fitted, metric)
    click.echo(f"\nkept in {file}; `detect predict` suppresses and counts by it from now on")
    if fitted.point.suppression and fitted.point.suppression.sigma:
        click.echo("soft suppression cannot be exported; for `detect export` fit once more with --hard")


def _print(fitted: Fitted, metric: str) -> None:
    screen = options.console()
    best = [(_words(how), f"{value:.3f}") for how, value in fitted.tried[:SHOWN]]
    gain = fitted.gain.of(metric)
    rows = [*best, (f"so far: {_words(fitted.usual)}", f"{gain.a:.3f}")]
    options.print_table(screen, f"The best of {len(fitted.tried)} ways", ("suppression", metric), rows)
    screen.print(
        f"{metric} {gain.difference:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}) on the photos that it was chosen on",
        highlight=False,
    )
    confidences = [(name, f"{value:.3g}") for name, value in fitted.point.confidence.items()]
    options.print_table(screen, f"Chosen by {fitted.point.goal}", ("class", "confidence"), confidences)


def _words(how: Suppression) -> str:
    kind = f"IoU {how.iou:g}, soft with sigma {how.sigma:g}" if how.sigma else f"IoU {how.iou:g}"
    return kind if how.per_class else f"{kind}, across classes"
