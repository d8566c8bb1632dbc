"""`detect export`: a trained detector for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detect.cli import options

if TYPE_CHECKING:
    from detect.models.detector import Picture
    from detect.models.parity import Parity

SUFFIXES = {"onnx": ".onnx", "openvino": "-openvino", "torchscript": ".torchscript"}
LOOKED_AT = 8  # photos, at most


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=options.OneOf(SUFFIXES), help="The runtime that it is for.")
@click.option("--out", type=click.Path(path_type=Path), help="[default: beside the weights, best.onnx and so on]")
@click.option(
    "--photos", metavar="IMAGES", help=f"Check it on up to {LOOKED_AT} of these.  [default: photos drawn for that]"
)
@options.quiet
@options.as_json
def export(weights: Path, to: str, out: Path | None, photos: str | None, as_json: bool) -> None:
    """Write trained WEIGHTS (a run folder or a file) for ONNX Runtime, OpenVINO or TorchScript.

    Suppression and fitted thresholds go along. The exported model is then opened and compared with the trained one on
    photos: boxes must agree to 0.001 pixels of the input and scores to 0.0001, but for the order and the choice among
    equal scores. Where the model finds nothing in them, the raw outputs of its network are compared, before the score
    threshold. `detect predict` takes it like a run.

    \b
    Examples:
      detect export runs/first --to onnx --photos photos/
      detect export runs/first --to openvino --out models/first
    """
    from dataclasses import asdict

    from detect.files import refuse_to_overwrite
    from detect.models import load_detector
    from detect.models.export import check
    from detect.models.export import export as write
    from detect.models.weights import weights_file

    file = weights_file(weights)
    target = out or file.with_name(file.stem + SUFFIXES[to])
    if (suffix := SUFFIXES[to])[0] == "." and target.suffix != suffix:
        raise click.UsageError(f"--out {target}: the name of a model for {to} ends in {suffix}")
    refuse_to_overwrite(target)
    detector = load_detector(weights, device="cpu")
    pictures = _pictures(photos)
    written = write(detector, target, to)
    try:
        parity = check(load_detector(weights, device="cpu"), load_detector(written, device="cpu"), pictures)
    except BaseException:
        _remove(target)
        raise
    if as_json:
        options.print_json({"model": str(written), **asdict(parity)})
        return
    click.echo(f"{written}: {_summary(parity, len(pictures))}")


def _summary(parity: Parity, photos: int) -> str:
    """What was compared, and how far it agrees."""
    shown = "1 photo" if photos == 1 else f"{photos} photos"
    if parity.raw:
        ties = f"; {parity.ties} proposals are only in one of the two, since scores tie" if parity.ties else ""
        return (
            f"no box is found in {shown}, so the raw outputs of the network were compared, before the score "
            f"threshold: {parity.raw:,} numbers, different by at most {parity.raw_difference:.1g} of their size{ties}"
        )
    apart = f"different by at most {parity.box:.1g} pixels and {parity.score:.1g} in score"
    ties = f"; {parity.ties} are only in one of the two, since scores or overlaps tie" if parity.ties else ""
    return f"{parity.boxes} boxes compared on {shown}, {apart}{ties}"


def _remove(target: Path) -> None:
    """Take back what was written: nobody is to use a model that differs."""
    from shutil import rmtree

    if target.is_dir():
        rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _pictures(photos: str | None) -> list[Picture]:
    """Some photos to compare on: the user's, or drawn ones."""
    from detect.prediction import sources
    from detect.sample import draw_sample

    if photos is None:
        return [picture for picture, _ in draw_sample(LOOKED_AT)]
    chosen = sources(photos)
    return [chosen.picture(image) for image in chosen.images[:LOOKED_AT]]
