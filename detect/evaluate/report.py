"""The evaluation as files: metrics.json for machines, metrics.md for a pull request, report.html for people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.data import Dataset
from detect.evaluate.evaluation import Evaluation
from detect.evaluate.gallery import LEGEND, MOST, gallery
from detect.evaluate.tables import (
    CLASS_COLUMNS,
    class_rows,
    confusions,
    figure_rows,
    markdown,
    point_rows,
    point_title,
    show,
    size_line,
)
from detect.files import atomic_folder
from detect.progress import track

if TYPE_CHECKING:
    from markupsafe import Markup

MATRIX_CLASSES = 14  # with more, a confusion matrix is wallpaper: the most frequent confusions are listed instead


def write_report(evaluation: Evaluation, dataset: Dataset, out: Path) -> None:
    """Write metrics.json, metrics.md and report.html into the new folder `out`, all or nothing.

    report.html is one file: styles, plots and pictures are inside. Photos that cannot be read are left out of it and
    named without a picture. Raises DetectError where `out` has something in it or cannot be written.
    """
    import orjson

    with atomic_folder(Path(out)) as folder:
        numbers = orjson.dumps(evaluation.as_dict(), option=orjson.OPT_INDENT_2)
        (folder / "metrics.json").write_bytes(numbers + b"\n")
        (folder / "metrics.md").write_text(markdown(evaluation), encoding="utf-8")
        (folder / "report.html").write_text(_html(evaluation, dataset), encoding="utf-8")


def _html(evaluation: Evaluation, dataset: Dataset) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from detect import __version__
    from detect.evaluate.plots import over_confidence, precision_recall

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    cases = list(track(gallery(evaluation.point, dataset), "drawing the worst images", MOST))
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        size_line=size_line(evaluation),
        figures=figure_rows(evaluation),
        point=point_rows(evaluation),
        point_title=point_title(evaluation),
        class_columns=CLASS_COLUMNS,
        class_rows=class_rows(evaluation),
        matrix=_matrix(evaluation) if len(evaluation.table.classes) <= MATRIX_CLASSES else None,
        column_sums=evaluation.point.confusion.sum(axis=0).tolist(),
        breakable=_breakable,
        confusions=confusions(evaluation),
        precision_recall=Markup(precision_recall(evaluation)),  # noqa: S704 - our own SVG, text escaped by matplotlib
        over_confidence=Markup(over_confidence(evaluation)),  # noqa: S704
        cases=cases,
        legend=LEGEND,
        show=show,
        version=__version__,
        today=date.today().isoformat(),
    )


def _breakable(name: str) -> Markup:
    """The name, escaped, that may break after an underscore."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def _matrix(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the confusion matrix: class, sum, and per cell the count, its share of the row and if it is right."""
    counts = evaluation.point.confusion
    rows: list[dict[str, Any]] = []
    for i, name in enumerate([*evaluation.table.classes, "nothing"]):
        total = int(counts[i].sum())
        cells = [{"count": int(n), "share": float(n) / max(1, total), "right": i == k} for k, n in enumerate(counts[i])]
        rows.append({"name": name, "cells": cells, "total": total})
    rows[-1]["cells"][-1] = None  # what is not there and was not found cannot be counted
    return rows
