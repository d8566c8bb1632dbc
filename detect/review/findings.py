"""What an evaluation says about each box and each image, as columns: what the reviewer is going to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation import Evaluation
from detect.evaluation.ap_cost import ap_cost
from detect.evaluation.label_issues import ISSUES, LIKELY, LabelIssues, label_issues
from detect.evaluation.mistakes import Kind
from detect.evaluation.outcomes import Outcomes
from detect.evaluation.pairs import Rows, overlap
from detect.geometry import Boxes

Floats = NDArray[np.float64]
Words = NDArray[np.str_]

RIGHT, FALSE, UNSURE = "right", "false", "unsure"  # of a prediction; unsure: below the confidence of its class
FOUND, MISSED = "found", "missed"  # of a true box
IGNORED = "ignored"  # of either: a crowd, or a true box marked `ignore`
NOTHING = "nothing"  # a missed box where nothing is seen


class TruthFindings(NamedTuple):
    """G true boxes, in the order of the data.

    `status`: found, missed or ignored. `reason` of a miss: wrong_class, poor_box or both (a detection means it, but is
    wrong), unsure (found, below the confidence), nothing. `score` and `iou` are of the detection that found or means
    it, NaN without one. `cost`: points of mean AP, see `ap_cost`. `issue`: what may be wrong with the annotation, with
    `issue_score` in 0..1; `other`: the label that a issue about the class would rather see.
    """

    status: Words
    reason: Words
    score: Floats
    iou: Floats
    cost: Floats
    issue: Words
    issue_score: Floats
    other: Words


class DetectionFindings(NamedTuple):
    """D detections, sorted by image and falling score.

    `status`: right, false, ignored or unsure. `mistake` of a false one: a kind of `mistakes.NAMES`. `truth`: the place
    among its image's true boxes of the one that it found or means, or -1; `iou` the overlap with that, NaN without.
    """

    image: Rows
    xyxy: Boxes
    label: Words
    score: Floats
    status: Words
    mistake: Words
    truth: Rows
    iou: Floats
    cost: Floats
    issue: Words
    issue_score: Floats


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one set of predictions. Of I images: `mistakes` (I,), `f1` (I,) NaN without boxes, `worst` (I,) cost.

    `starts` (I + 1,) where the detections of each image begin; `truth_starts` those of its true boxes.
    """

    truths: TruthFindings
    detections: DetectionFindings
    starts: Rows
    truth_starts: Rows
    mistakes: Rows
    f1: Floats
    worst: Floats


def read_off(result: Evaluation) -> Findings:
    """Read off an evaluation what each box and image is worth looking at for."""
    outcomes, issues = result.outcomes, label_issues(result.table, result.outcomes.iou)
    costs, count = ap_cost(outcomes), len(result.table.images)
    order = np.lexsort((-result.table.detections.score, result.table.detections.image))
    truth_starts = np.searchsorted(outcomes.table.truths.image, np.arange(count + 1))
    truths = _truths(outcomes, costs.truth, issues)
    found = _detections(outcomes, costs.detection, issues, order, truth_starts)
    wrong = found.status == FALSE
    hits = np.bincount(found.image[found.status == RIGHT], minlength=count)
    alarms = np.bincount(found.image[wrong], minlength=count)
    misses = np.bincount(outcomes.table.truths.image[truths.status == MISSED], minlength=count)
    whole = 2 * hits + alarms + misses
    worst = np.zeros(count)
    np.maximum.at(worst, found.image, found.cost)
    np.maximum.at(worst, outcomes.table.truths.image, truths.cost)
    return Findings(
        truths=truths,
        detections=found,
        starts=np.searchsorted(found.image, np.arange(count + 1)),
        truth_starts=truth_starts,
        mistakes=alarms + misses,
        f1=np.divide(2.0 * hits, whole, out=np.full(count, np.nan), where=whole > 0),
        worst=worst,
    )


def _truths(outcomes: Outcomes, cost: Floats, issues: LabelIssues) -> TruthFindings:
    table, judged = outcomes.table, outcomes.judged
    ignored = table.truth_ignored[0]
    status = np.where(ignored, IGNORED, np.where(outcomes.missed, MISSED, FOUND))
    reason = np.where(outcomes.missed, NOTHING, "").astype("U16")
    row = np.full(len(status), -1, dtype=np.int64)
    below = np.ones(len(judged.kind), dtype=bool)
    below[outcomes.rows] = False
    _set_reason(row, reason, "unsure", np.flatnonzero(below & (judged.kind == Kind.FOUND)), outcomes)
    for kind in (Kind.BOTH, Kind.POOR_BOX, Kind.WRONG_CLASS):  # the last one set is the one that stays
        _set_reason(row, reason, kind.name.lower(), outcomes.rows[outcomes.kind == kind], outcomes)
    hits = outcomes.rows[outcomes.kind == Kind.FOUND]
    row[judged.truth[hits]] = hits
    reason[~outcomes.missed] = ""
    has, ours = row >= 0, table.detections
    score, iou = np.full(len(row), np.nan), np.full(len(row), np.nan)
    score[has] = ours.score[row[has]]
    iou[has] = overlap(ours.xyxy[row[has]], table.truths.xyxy[has])
    likely = np.where(issues.truth_score >= LIKELY, issues.truth, 0)
    names = np.array([*table.classes, ""])
    other = np.where(likely > 0, names[issues.other], "")
    return TruthFindings(status, reason, score, iou, cost, np.array(ISSUES)[likely], issues.truth_score, other)


def _set_reason(row: Rows, reason: Words, word: str, detections: Rows, outcomes: Outcomes) -> None:
    """Set the row and reason of the true boxes that these detections mean; the surest is set last."""
    judged, score = outcomes.judged, outcomes.table.detections.score
    detections = detections[np.argsort(score[detections], kind="stable")]
    detections = detections[judged.truth[detections] >= 0]
    row[judged.truth[detections]], reason[judged.truth[detections]] = detections, word


def _detections(
    outcomes: Outcomes, cost: Floats, issues: LabelIssues, order: Rows, truth_starts: Rows
) -> DetectionFindings:
    table, judged = outcomes.table, outcomes.judged
    ours = table.detections
    status = np.full(len(order), UNSURE, dtype="U8")
    judgement = np.where(outcomes.kind == Kind.FOUND, RIGHT, np.where(outcomes.kind == Kind.IGNORED, IGNORED, FALSE))
    status[outcomes.rows] = judgement
    names = np.array([kind.name.lower() if kind not in (Kind.FOUND, Kind.IGNORED) else "" for kind in Kind])
    mistake = np.where(status == FALSE, names[judged.kind], "")
    costs = np.zeros(len(order))
    costs[outcomes.rows] = cost
    has = judged.truth >= 0
    iou = np.full(len(order), np.nan)
    iou[has] = overlap(ours.xyxy[has], table.truths.xyxy[judged.truth[has]])
    place = np.where(has, judged.truth - truth_starts[ours.image], -1)
    likely = np.where((issues.detection_score >= LIKELY) & (status == FALSE), issues.detection, 0)
    return DetectionFindings(
        image=ours.image[order],
        xyxy=ours.xyxy[order],
        label=np.array([*table.classes, ""])[ours.label[order]],
        score=ours.score[order],
        status=status[order],
        mistake=mistake[order],
        truth=place[order],
        iou=iou[order],
        cost=costs[order],
        issue=np.array(ISSUES)[likely[order]],
        issue_score=issues.detection_score[order],
    )
