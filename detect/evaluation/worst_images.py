"""Which images have the worst mistakes, and what is wrong in each, in words. Nothing is drawn here."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.mistakes import Kind
from detect.evaluation.outcomes import Outcomes
from detect.evaluation.pairs import Rows

NAMED = 6  # mistakes of one image that are spelled out


def worst(outcomes: Outcomes, mistake: str) -> Rows:
    """The places of the images with this mistake, the worst first: by number of boxes, or by the surest mistake."""
    table, images = outcomes.table, len(outcomes.table.images)
    cost = np.zeros(images)
    if mistake == "overlooked":
        cost += np.bincount(table.truths.image[overlooked(outcomes)], minlength=images)
    else:
        rows = outcomes.rows[outcomes.kind == Kind[mistake.upper()]]
        np.maximum.at(cost, table.detections.image[rows], table.detections.score[rows])
    order = np.argsort(-cost, kind="stable")
    return order[cost[order] > 0]


def overlooked(outcomes: Outcomes) -> NDArray[np.bool_]:
    """(G,) missed true boxes that no detection means, neither by another class nor by a poor box."""
    unmet = outcomes.missed.copy()
    meant = (outcomes.kind == Kind.WRONG_CLASS) | (outcomes.kind == Kind.POOR_BOX) | (outcomes.kind == Kind.BOTH)
    unmet[outcomes.truth[meant]] = False
    return unmet


def what_is_wrong(outcomes: Outcomes, image: int) -> str:
    """One line: "overlooked 2 dent; took crack for scratch (0.81); nothing there: dent (0.67)"."""
    table, classes = outcomes.table, outcomes.table.classes
    here = (table.detections.image[outcomes.rows] == image) & outcomes.wrong
    unmet = np.flatnonzero(overlooked(outcomes) & (table.truths.image == image)).tolist()
    lost = Counter(classes[table.truths.label[g]] for g in unmet)
    parts = [f"overlooked {name if n == 1 else f'{n} {name}'}" for name, n in lost.items()]
    for place in np.flatnonzero(here).tolist():
        row, truth = outcomes.rows[place], outcomes.truth[place]
        name, score = classes[table.detections.label[row]], table.detections.score[row]
        true = classes[table.truths.label[truth]] if truth >= 0 else ""
        parts.append(f"{_in_words(Kind(outcomes.kind[place]), name, true)} ({score:.2f})")
    more = [f"and {len(parts) - NAMED} more"] if len(parts) > NAMED else []
    return "; ".join(parts[:NAMED] + more)


def _in_words(kind: Kind, name: str, true: str) -> str:
    if kind is Kind.WRONG_CLASS:
        return f"took {true} for {name}"
    if kind is Kind.BOTH:
        return f"took {true} for {name}, and a poor box"
    if kind is Kind.DUPLICATE:
        return f"{name} a second time"
    if kind is Kind.POOR_BOX:
        return f"poor box around {name}"
    return f"nothing there: {name}"
