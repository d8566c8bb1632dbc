"""The result in one sentence, for people who do not know the metrics."""

from __future__ import annotations

import math

from detect.evaluation.evaluation import Evaluation
from detect.evaluation.metrics import Estimate
from detect.evaluation.remarks import PLACES

FEW = 20  # true boxes, below which they are counted and not told as so many of 100
ROUNDING = 1e-9
WRONG = PLACES | {"other photos", "classes exchanged", "scores inverted"}  # findings that are of all predictions


def summary(evaluation: Evaluation) -> str:
    """How much of the damage is found and how many false alarms are raised, each with how far that is known.

    The numbers are recall and false alarms per image at the operating point with their 95 % intervals, of 100, the ends
    rounded outwards. It says so where the predictions look wrong, or the confidences were chosen on the same data.
    """
    if not evaluation.table.images:
        return "There are no photos to measure on."
    expect = "; on new photos it will do worse, since the confidences were chosen on these" if evaluation.chosen else ""
    found = f"{_found(evaluation)}, and {_alarms(evaluation)}{expect}."
    if not any(finding.kind in WRONG for finding in evaluation.implausible):
        return found
    return f"The predictions look wrong, as a note says, and then these numbers mean nothing: {_inside(found)}"


def _inside(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _found(evaluation: Evaluation) -> str:
    made = evaluation.outcomes.overall
    truths = made.true_positives + made.misses
    recall = evaluation.estimate("recall")
    if not truths:
        return "There is no damage in these photos to find"
    if truths < FEW:
        likely = f" (of 100 it would find {_between(recall)})" if _known(recall) else ""
        noun = "place" if truths == 1 else "places"
        return f"The model finds {made.true_positives} of {truths} damaged {noun}{likely}"
    return f"Of 100 damaged places the model finds {_about(recall.value)}{_range(recall)}"


def _alarms(evaluation: Evaluation) -> str:
    alarms = evaluation.estimate("false_alarms_per_image")
    if not alarms.value:
        number = len(evaluation.table.images)
        return f"in {number:,} {'photo' if number == 1 else 'photos'} it raises no false alarm"
    noun = "false alarm" if _about(alarms.value) in ("about 1", "fewer than 1") else "false alarms"
    return f"in 100 photos it raises {_about(alarms.value, share=False)} {noun}{_range(alarms)}"


def _about(value: float, share: bool = True) -> str:
    """A share or a rate as a number of 100."""
    number = round(100 * value)
    if share and number == 100:
        return "all" if value > 1 - ROUNDING else "more than 99"
    if number == 0:
        return "none" if value < ROUNDING else "fewer than 1"
    return f"about {number:,}"


def _known(one: Estimate) -> bool:
    """Whether there is an interval that says anything; one without width comes from resamples that are all alike."""
    return not math.isnan(one.low) and one.high - one.low > ROUNDING


def _between(one: Estimate) -> str:
    return f"between {math.floor(100 * one.low + ROUNDING):,} and {math.ceil(100 * one.high - ROUNDING):,}"


def _range(one: Estimate) -> str:
    return f" ({_between(one)})" if _known(one) else ""
