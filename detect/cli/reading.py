"""How a command reads DATA: `--from`, `--images` and `--on-error`, which mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from detect.cli.options import F, OneOf, pairs, report
from detect.errors import ConfigError, Problems

if TYPE_CHECKING:
    from detect.data import Dataset, Predictions

FORMATS = ("voc", "voc-devkit", "yolo", "darknet", "createml", "cvat", "cvat-video", "coco", "coco-results",
           "csv", "class-folders", "label-studio", "labelme", "via")  # fmt: skip
REJECTS = "rejects.jsonl"


@dataclass(frozen=True)
class Reading:
    """How DATA is read, by `--from`, `--images` and `--on-error`; `problems` are those found so far."""

    origin: str | None
    photos: Path | None
    on_error: Literal["fail", "skip"]
    problems: Problems = field(default_factory=Problems)

    @property
    def arguments(self) -> dict[str, Any]:
        """As `conversion.read` takes them."""
        return {"format": self.origin, "images": self.photos, "on_error": self.on_error, "problems": self.problems}

    def read(self, data: Path) -> Dataset:
        """The dataset at DATA, with what was found wrong in it reported on stderr; see `conversion.read`."""
        from detect import conversion

        dataset = conversion.read(data, **self.arguments)
        report(self.problems)
        return dataset

    def write_rejects(self, folder: Path) -> Path | None:
        """List what `--on-error skip` left out in a file in this folder; None where that is nothing."""
        from detect.conversion import write_rejects

        path = folder / REJECTS
        return path if self.on_error == "skip" and write_rejects(self.problems, path) else None

    def keep_rejects(self, folder: Path) -> None:
        """`write_rejects`, with a remark."""
        from detect.progress import remark

        if path := self.write_rejects(folder):
            remark(f"{path}: what was left out")


def reading(skipped: str) -> Callable[[F], F]:
    """`--from`, `--images` and `--on-error`, which the command gets as one `reading`.

    `skipped` says what becomes of bad items.
    """
    choices = [
        click.option("--from", "origin", type=OneOf(FORMATS), metavar="FORMAT", help="The format of the data where "
                     "its content does not show it: one that `detect formats` lists."),
        click.option("--images", "photos", type=click.Path(path_type=Path), metavar="DIR", help="Where the images "
                     "are, if elsewhere."),
        click.option("--on-error", type=OneOf(["fail", "skip"]), default="fail", show_default=True, help=skipped),
    ]  # fmt: skip

    def decorate(command: F) -> F:
        @wraps(command)
        def reads(
            *args: Any, origin: str | None, photos: Path | None, on_error: Literal["fail", "skip"], **given: Any
        ) -> Any:
            return command(*args, reading=Reading(origin, photos, on_error), **given)

        for option in reversed(choices):
            reads = option(reads)
        return cast(F, reads)

    return decorate


@dataclass(frozen=True)
class Naming:
    """What predictions call images and classes, by `--ids` and `--map`."""

    ids: Path | None
    mapping: tuple[str, ...]

    def read(self, paths: Sequence[Path], dataset: Dataset, data: Path) -> list[Predictions]:
        """The predictions on a dataset, which was read from `data`; what was matched is reported on stderr.

        Raises ConfigError for a class in `--map` that none of them has.
        """
        from detect import conversion

        found, unused, ids = [], [], self.ids or _own_ids(data)
        for path in paths:
            seen = Problems()
            try:
                with conversion.gc_paused():
                    one = conversion.read_predictions(
                        path, ids=ids, dataset=dataset, mapping=self.mapping, problems=seen
                    )
            finally:
                report(Problems([problem for problem in seen if problem.level != "error"]))
            found.append(one)
            unused.append({str(replace(problem, file="")) for problem in seen if problem.kind == "nothing to map"})
        if nowhere := set.intersection(*unused):
            raise ConfigError("\n".join(sorted(nowhere)))
        return found

    def numbered(self, dataset: Dataset) -> Dataset:
        """The dataset with the image ids of `--ids`, which put detections of equal score in order."""
        from detect.conversion.predictions.image_ids import with_ids

        return dataset if self.ids is None else with_ids(dataset, self.ids)


def naming(command: F) -> F:
    """`--ids` and `--map`, for commands that read predictions; the command gets them as one `naming`."""

    @wraps(command)
    def names(*args: Any, ids: Path | None, mapping: tuple[str, ...], **given: Any) -> Any:
        return command(*args, naming=Naming(ids, mapping), **given)

    renamed = click.option(
        "--map", "mapping", multiple=True, callback=pairs, metavar="OLD=NEW|FILE", help="Rename a class of the "
        "predictions, or all that a YAML file lists; may be repeated.",
    )  # fmt: skip
    named = click.option(
        "--ids", type=click.Path(path_type=Path), metavar="GT.json", help="COCO ground truth that names the image and "
        "category ids of a bare result list.  [default: DATA, if it is such a file]",
    )  # fmt: skip
    return named(renamed(cast(F, names)))


def _own_ids(data: Path) -> Path | None:
    """The data itself where it is one COCO file: bare results without `--ids` refer to its ids."""
    from detect.conversion import FORMATS
    from detect.conversion.source import Source

    is_file = data.suffix.lower() == ".json" and data.is_file()
    return data if is_file and FORMATS["coco"].recognise(Source(data, None, Problems())) else None
