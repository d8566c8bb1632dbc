"""The command `detect predict`."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detect.cli.options import Share, as_json, counted, print_json, quiet, read_point, report, threads
from detect.cli.reading import Reading, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detect.data import Box
    from detect.errors import Problems
    from detect.models.detector import Detector
    from detect.operating_point import OperatingPoint, Suppression
    from detect.prediction import Look
    from detect.prediction.confidence import Kept


WHY = {
    "annotated": "those of score {} or more, since the photos are annotated and measuring needs the weak ones, too",
    "fitted": "those of score {} or more, as `detect thresholds` fitted it",
    "default": "those of score {} or more, since no thresholds were fitted; --confidence chooses another",
    "given": "those of score {} or more",
    "point": "what counts at the operating point",
}
"""From which score boxes are kept, by the reason for it."""


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The predictions, a COCO JSON file.")
@click.option("--split", help="Only the images of this split, when IMAGES is annotated data.")
@click.option(
    "--every", type=click.IntRange(1), metavar="N", help="Every Nth frame of videos, those in folders, too.  [default: "
    "all of a video that is named, none in folders]",
)  # fmt: skip
@click.option("--draw", type=click.Path(path_type=Path), help="A new folder for the photos with boxes on them.")
@click.option("--draw-above", type=Share(), help="Draw boxes of at least this score.  [default: fitted, or 0.25]")
@click.option(
    "--confidence",
    type=Share(),
    help="Keep boxes of at least this score.  [default: 0.001 for annotated data, which will be measured; else fitted, "
    "or 0.25]",
)
@click.option(
    "--point",
    type=click.Path(path_type=Path),
    help="Operating point of `detect evaluate --out`, or a run with fitted thresholds: keep what counts there.",
)
@click.option(
    "--nms-iou",
    type=Share(),
    help="Of two boxes that overlap more, drop the weaker.  [default: fitted, or as in training]",
)
@click.option(
    "--tiles", type=click.IntRange(64), metavar="PIXELS", help="Test-time augmentation: also in tiles of this size."
)
@click.option("--mirror", is_flag=True, help="Test-time augmentation: also mirrored; twice the time.")
@click.option("--flip", is_flag=True, help="Also upside down, for photos without an upper side; twice the time.")
@click.option("--batch", default=8, show_default=True, type=click.IntRange(1), help="Photos, or tiles, per pass.")
@threads
@click.option("--device", default="auto", show_default=True, help="cpu, cuda:0 ...")
@reading("Photos that cannot be read, bad items of data: an error, or left out, listed in rejects.jsonl beside --out.")
@as_json
@quiet
def predict(
    weights: Path, images: tuple[str, ...], out: Path, draw: Path | None, reading: Reading, as_json: bool, **given: Any
) -> None:
    """Find damage in photos with trained WEIGHTS (a run folder, a file, an exported model).

    IMAGES are photos, folders, patterns in quotes, videos, or annotated data alone. In annotated data all boxes of a
    score of 0.001 or more are kept, since measuring needs the weak ones, too; in others those that count: from the
    confidences that `detect thresholds` fitted, or 0.25. With --point what counts there, also in annotated data.

    \b
    Examples:
      detect predict runs/first data/ --split test --out predictions.json
      detect predict runs/first photos/ --out predictions.json --draw drawn/
      detect predict runs/first 'photos/*.jpg' --out predictions.json --point runs/first
      detect predict runs/first blade.jpg --out predictions.json --tiles 640
      detect predict runs/first walk-around.mp4 --every 10 --out predictions.json
    """
    from detect.errors import DetectError
    from detect.files import refuse_to_overwrite
    from detect.models import load_detector
    from detect.prediction import looked_at, sources
    from detect.progress import remark

    if given["point"] is not None and given["confidence"] is not None:
        raise click.UsageError("--point excludes --confidence")
    known = None if given["point"] is None else read_point(given["point"])
    if draw:
        refuse_to_overwrite(draw)
    if out.is_dir():
        raise DetectError(f"{out}: is a folder; --out names a file, such as {out / 'predictions.json'}")
    chosen = sources(images, given["split"], every=given["every"], **reading.arguments)
    detector = load_detector(weights, device=given["device"], threads=given["threads"])
    suppression = _suppression(given["nms_iou"], detector, known.suppression if known else None)
    _note_other_augmentation(known or detector.point, given)
    above = _above(given["draw_above"], known, detector)
    kept = _kept(given, known, detector, chosen.annotated)
    detector = _augmented(detector, given)
    how = {"batch": given["batch"], "on_error": reading.on_error, "problems": reading.problems}
    looks = looked_at(detector, chosen, kept.above, suppression, **how)
    counts = _write(looks, detector.classes, known, above, out, draw)
    report(reading.problems)
    if known is not None:
        dropped = f"{counts.seen - counts.boxes} of {counts.seen} boxes dropped"
        remark(f"{dropped}: below the confidence of their class in the operating point")
    reading.keep_rejects(out.parent)
    _print(counts, out, above, kept, reading.problems if as_json else None)


@dataclass
class Counts:
    """How many images were looked at, boxes seen in them, boxes written, and boxes that reach what is drawn."""

    images: int = 0
    seen: int = 0
    boxes: int = 0
    shown: int = 0


def _write(
    looks: Iterable[Look],
    classes: tuple[str, ...],
    point: OperatingPoint | None,
    above: dict[str, float],
    out: Path,
    draw: Path | None,
) -> Counts:
    """Write and draw what is found while it is found; where that fails or is interrupted, nothing is changed."""
    from detect.conversion.predictions.writer import writing_predictions
    from detect.prediction.drawn import drawing_into

    counts = Counts()
    drawing = nullcontext() if draw is None else drawing_into(draw, classes, above)
    with writing_predictions(out, classes) as file, drawing as drawn:
        for look in looks:
            image, boxes = look.image, look.boxes if point is None else _what_counts(look.boxes, classes, point)
            file.add(image.name, boxes, size=(image.width, image.height), seconds=look.seconds)
            if drawn is not None:
                drawn(image.name, look.picture, boxes)
            counts.images += 1
            counts.seen += len(look.boxes)
            counts.boxes += len(boxes)
            counts.shown += sum(box.score is not None and box.score >= above.get(box.label, 0.0) for box in boxes)
    return counts


def _suppression(nms_iou: float | None, detector: Detector, fitted: Suppression | None) -> Suppression | None:
    """What the user asks for instead of the detector's own, or what an operating point was fitted with.

    Raises ModelError where that would do nothing.
    """
    from detect.errors import ModelError
    from detect.models.exported import Exported

    own = detector.suppression.iou
    if nms_iou is None and fitted is not None:
        if isinstance(detector, Exported) and fitted != detector.suppression:
            raise ModelError(
                "--point was fitted with another suppression than the one that is part of the exported model; export "
                "the run again after `detect thresholds`"
            )
        return fitted
    if isinstance(detector, Exported) and nms_iou is not None and nms_iou > own:
        raise ModelError(
            f"--nms-iou {nms_iou:g} would do nothing: suppression at {own:g} is part of the exported model; "
            "`detect thresholds` and a new `detect export` change that"
        )
    return None if nms_iou is None else detector.suppression._replace(iou=nms_iou)


def _note_other_augmentation(point: OperatingPoint | None, given: dict[str, Any]) -> None:
    """A note where scores will differ from those that the thresholds were fitted to."""
    from detect.operating_point import TEST_TIME_AUGMENTATIONS
    from detect.progress import remark

    here = [name for name in TEST_TIME_AUGMENTATIONS if given[name]]
    if point is not None and point.suppression is not None and set(point.test_time_augmentation) != set(here):
        fitted, now = (_options(names) for names in (point.test_time_augmentation, here))
        remark(f"the thresholds were fitted {fitted}, and this prediction is made {now}: the scores differ")
    elif point is not None and point.suppression is not None and given["tiles"]:
        remark("the thresholds were fitted without --tiles: the scores of small damage differ in a tile")


def _options(augmentations: Sequence[str]) -> str:
    return (
        " ".join(["with", *(f"--{name}" for name in augmentations)]) if augmentations else "without --mirror or --flip"
    )


def _augmented(detector: Detector, given: dict[str, Any]) -> Detector:
    """The detector with the test-time augmentation and the tiles that were asked for."""
    from detect.prediction.augmentation import augmented
    from detect.prediction.tiles import Tiled

    detector = augmented(detector, mirror=given["mirror"], flip=given["flip"])
    return Tiled(detector, given["tiles"], given["batch"]) if given["tiles"] else detector


def _kept(given: dict[str, Any], point: OperatingPoint | None, detector: Detector, annotated: bool) -> Kept:
    """From which score boxes of each class are kept, and why; never from a higher one than they are drawn from."""
    from detect.prediction.confidence import CONFIDENCE, Kept, kept_by_default

    if point is not None:  # what is left of these is decided on calibrated scores
        return Kept(dict.fromkeys(detector.classes, CONFIDENCE), "point")
    if given["confidence"] is not None:
        return Kept(dict.fromkeys(detector.classes, given["confidence"]), "given")
    kept = kept_by_default(detector, annotated)
    drawn = 1.0 if given["draw_above"] is None else given["draw_above"]
    return kept._replace(above={label: min(least, drawn) for label, least in kept.above.items()})


def _above(given: float | None, point: OperatingPoint | None, detector: Detector) -> dict[str, float]:
    """From which score a box of each class is drawn and counted in the answer."""
    from detect.prediction.confidence import counting

    if given is None and point is None:
        return counting(detector).above
    return dict.fromkeys(detector.classes, given or 0.0)  # what is left at a point counts


def _what_counts(found: tuple[Box, ...], classes: tuple[str, ...], point: OperatingPoint) -> tuple[Box, ...]:
    """The boxes of a photo that count at the operating point, with calibrated scores."""
    from detect.data import Predictions

    return point.apply(Predictions(classes, {"photo": found})).images["photo"]


def _print(counts: Counts, out: Path, above: dict[str, float], kept: Kept, problems: Problems | None) -> None:
    """How much was found, from which score it is kept and why, and where it is; as JSON with the problems."""
    if problems is not None:
        found = {"images": counts.images, "boxes": counts.boxes, "above": above, "shown": counts.shown}
        print_json({"predictions": str(out), **found, "kept": kept._asdict(), "problems": counted(problems)})
    else:
        click.echo(f"{out}: {counts.images} images, {counts.shown} boxes of score {_score(above)} or more")
        click.echo(f"{counts.boxes} boxes are kept: {WHY[kept.reason].format(_score(kept.above))}")


def _score(above: Mapping[str, float]) -> str:
    same = set(above.values())
    return f"{same.pop():g}" if len(same) == 1 else "their class's confidence"
