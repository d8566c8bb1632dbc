"""The evaluation as files: metrics.json for machines, metrics.md for a pull request, report.html for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from detect.data import Dataset, Predictions
from detect.evaluation import tables
from detect.evaluation.document import metrics_document
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.gallery import LEGEND, gallery
from detect.evaluation.mistake_list import as_csv, mistake_list
from detect.evaluation.photo_links import photo_links
from detect.evaluation.provenance import Provenance, about_rows
from detect.evaluation.summary import summary
from detect.files import atomic_folder
from detect.operating_point import write_point

if TYPE_CHECKING:
    from markupsafe import Markup

MATRIX_CLASSES = 14  # with more, a confusion matrix is wallpaper: the most frequent confusions are listed instead


CURVES = 12  # classes whose own curves are drawn, those with most true boxes; metrics.json has all


def write_report(
    evaluation: Evaluation,
    dataset: Dataset,
    out: str | Path,
    *,
    predictions: Predictions | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write report.html, metrics.json, metrics.md, mistakes.csv and point.json into the new folder `out`, or nothing.

    report.html is one file: styles, plots and pictures are inside. Photos that cannot be read are left out of it and
    named without a picture; those beside the report are linked, by paths relative to `out`. mistakes.csv lists every
    mistake. point.json is the operating point, as predict takes it. `predictions`, where given, are kept as
    predictions.json. `provenance` names what was compared, for the head of the report.

    Raises DetectError where `out` has something in it or cannot be written.
    """
    import orjson

    from detect.conversion.predictions.writer import write_predictions

    named = provenance or Provenance()
    with atomic_folder(Path(out)) as folder:
        numbers = orjson.dumps(metrics_document(evaluation, named), option=orjson.OPT_INDENT_2)
        (folder / "metrics.json").write_bytes(numbers + b"\n")
        (folder / "metrics.md").write_text(tables.markdown(evaluation, about_rows(named)), encoding="utf-8")
        links = photo_links(dataset.images, Path(out))
        (folder / "report.html").write_text(_html(evaluation, dataset, links, named), encoding="utf-8")
        (folder / "mistakes.csv").write_text(as_csv(mistake_list(evaluation.outcomes, links)), "utf-8", newline="")
        write_point(evaluation.operating_point, folder / "point.json")
        if predictions is not None:
            write_predictions(predictions, folder / "predictions.json", dataset=dataset)


def _html(evaluation: Evaluation, dataset: Dataset, links: dict[str, str], provenance: Provenance) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        summary=summary(evaluation),
        about=about_rows(provenance),
        tables=tables,
        mistake_names={key: (name, meaning) for key, name, meaning in tables.MISTAKES},
        matrix=_matrix(evaluation) if len(evaluation.table.classes) <= MATRIX_CLASSES else None,
        column_sums=evaluation.outcomes.confusion.sum(axis=0).tolist(),
        breakable=_breakable,
        plots=_plots(evaluation),
        curves=_curves(evaluation),
        walls=gallery(evaluation.outcomes, dataset),
        legend=LEGEND,
        links={name: quote(path) for name, path in links.items()},
    )


def _plots(evaluation: Evaluation) -> dict[str, Markup]:
    """Every plot by name; "" where there is nothing to show."""
    from markupsafe import Markup

    from detect.evaluation import charts, plots

    drawn = {
        "precision_recall": plots.precision_recall(evaluation),
        "over_confidence": plots.of_all_classes(evaluation),
        "by_class": charts.by_class(evaluation),
        "by_size": charts.by_size(evaluation),
        "by_slice": charts.by_slice(evaluation),
        "roc": charts.roc_curve(evaluation),
        "calibration": charts.calibration(evaluation),
    }
    return {name: Markup(text) for name, text in drawn.items()}  # noqa: S704 - our own SVG, escaped by matplotlib


def _curves(evaluation: Evaluation) -> list[tuple[str, Markup]]:
    """The classes with most true boxes and their curves over the confidence, in the order of the data."""
    from markupsafe import Markup

    from detect.evaluation import plots

    truths = np.array([made.true_positives + made.misses for made in evaluation.outcomes.classes])
    most = sorted(np.argsort(-truths, kind="stable")[:CURVES].tolist())
    kept = most if len(truths) > 1 else []  # the curves of one class are those of all
    names = evaluation.table.classes
    return [(names[k], Markup(plots.of_class(evaluation, k))) for k in kept if truths[k]]  # noqa: S704 - our own SVG


def _breakable(name: str) -> Markup:
    """The name, escaped, that may break after an underscore."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def _matrix(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the confusion matrix: class, sum, and per cell the count, its percentage of the row and a colour."""
    counts = evaluation.outcomes.confusion
    rows: list[dict[str, Any]] = []
    for i, name in enumerate([*evaluation.table.classes, "nothing"]):
        total = int(counts[i].sum())
        cells: list[Any] = [_matrix_cell(int(n), total, right=i == k) for k, n in enumerate(counts[i])]
        rows.append({"name": name, "cells": cells, "total": total})
    rows[-1]["cells"][-1] = None  # what is not there and was not found cannot be counted
    return rows


def _matrix_cell(count: int, total: int, *, right: bool) -> dict[str, Any]:
    share = count / max(1, total)
    rgb = "0, 114, 178" if right else "213, 94, 0"
    percent = "<1" if 0 < 100 * share < 0.5 else f"{100 * share:.0f}"
    return {"count": count, "percent": percent, "colour": f"rgba({rgb}, {0.12 + 0.58 * share:.3f})"}
