"""The evaluation as files: metrics.json for machines, metrics.md for a pull request, report.html for people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.data import Dataset, Predictions
from detect.evaluation import tables
from detect.evaluation.document import metrics_document
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.gallery import LEGEND, gallery
from detect.files import atomic_folder
from detect.operating_point import write_point

if TYPE_CHECKING:
    from markupsafe import Markup

MATRIX_CLASSES = 14  # with more, a confusion matrix is wallpaper: the most frequent confusions are listed instead


def write_report(
    evaluation: Evaluation, dataset: Dataset, out: str | Path, *, predictions: Predictions | None = None
) -> None:
    """Write report.html, metrics.json, metrics.md and point.json into the new folder `out`, all or nothing.

    report.html is one file: styles, plots and pictures are inside. Photos that cannot be read are left out of it and
    named without a picture. point.json is the operating point, as predict takes it. `predictions`, where given, are
    kept as predictions.json.

    Raises DetectError where `out` has something in it or cannot be written.
    """
    import orjson

    from detect.conversion.predictions import write_predictions

    with atomic_folder(Path(out)) as folder:
        numbers = orjson.dumps(metrics_document(evaluation), option=orjson.OPT_INDENT_2)
        (folder / "metrics.json").write_bytes(numbers + b"\n")
        (folder / "metrics.md").write_text(tables.markdown(evaluation), encoding="utf-8")
        (folder / "report.html").write_text(_html(evaluation, dataset), encoding="utf-8")
        write_point(evaluation.operating_point, folder / "point.json")
        if predictions is not None:
            write_predictions(predictions, folder / "predictions.json", dataset=dataset)


def _html(evaluation: Evaluation, dataset: Dataset) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from detect.version import __version__

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        tables=tables,
        mistake_names={key: (name, meaning) for key, name, meaning in tables.MISTAKES},
        matrix=_matrix(evaluation) if len(evaluation.table.classes) <= MATRIX_CLASSES else None,
        column_sums=evaluation.outcomes.confusion.sum(axis=0).tolist(),
        breakable=_breakable,
        plots=_plots(evaluation),
        walls=gallery(evaluation.outcomes, dataset),
        legend=LEGEND,
        version=__version__,
        today=date.today().isoformat(),
    )


def _plots(evaluation: Evaluation) -> dict[str, Markup]:
    """Every plot by name; "" where there is nothing to show."""
    from markupsafe import Markup

    from detect.evaluation import charts, plots

    drawn = {
        "precision_recall": plots.precision_recall(evaluation),
        "over_confidence": plots.over_confidence(evaluation),
        "by_class": charts.by_class(evaluation),
        "by_size": charts.by_size(evaluation),
        "by_slice": charts.by_slice(evaluation),
        "roc": charts.roc_curve(evaluation),
        "calibration": charts.calibration(evaluation),
    }
    return {name: Markup(text) for name, text in drawn.items()}  # noqa: S704 - our own SVG, escaped by matplotlib


def _breakable(name: str) -> Markup:
    """The name, escaped, that may break after an underscore."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def _matrix(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the confusion matrix: class, sum, and per cell the count, its share of the row and if it is right."""
    counts = evaluation.outcomes.confusion
    rows: list[dict[str, Any]] = []
    for i, name in enumerate([*evaluation.table.classes, "nothing"]):
        total = int(counts[i].sum())
        cells = [{"count": int(n), "share": float(n) / max(1, total), "right": i == k} for k, n in enumerate(counts[i])]
        rows.append({"name": name, "cells": cells, "total": total})
    rows[-1]["cells"][-1] = None  # what is not there and was not found cannot be counted
    return rows
