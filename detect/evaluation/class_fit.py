"""Whether detections lie on true boxes of their own class, or ids are shifted, names exchanged, a name is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from shlex import quote

import numpy as np
from numpy.typing import NDArray

from detect.data import Dataset, Predictions
from detect.evaluation.columns import Detections
from detect.evaluation.fit import FEWEST, Sample, gain, surest
from detect.evaluation.match import MatchTable
from detect.evaluation.pairs import Rows, overlap
from detect.evaluation.remarks import Finding
from detect.geometry import Boxes

OVERLAP = 0.5  # IoU from which a detection lies on a true box
MOSTLY, HARDLY = 0.6, 0.2  # shares of the boxes that meet
TIMES = 2.0  # by how much a class has to fit another better than itself
DEVIATIONS = 5.0
MET = 5  # boxes of a class that have to meet
UNLIKELY = 1e-3  # the probability below which a class that is never right is no chance
ALIKE = 0.8  # of two names, as difflib measures it


def exchanged(sample: Sample, xyxy: Boxes, classes: Sequence[str]) -> dict[int, int]:
    """Classes whose detections mean another class: from the one to the other."""
    mine, theirs = met(sample, xyxy)
    if len(np.unique(sample.image[mine])) < FEWEST:
        return {}
    count = np.zeros((len(classes), len(classes)))
    np.add.at(count, (sample.truth_label[theirs], sample.label[mine]), 1)
    orders = [pairs for pairs in (*_orders(classes), _mutual(count)) if _beyond_chance(count, pairs)]
    best = max(orders, key=lambda pairs: sum(count[pairs.get(p, p), p] for p in range(len(classes))), default={})
    return {p: t for p, t in best.items() if count[t, p]}


def _orders(classes: Sequence[str]) -> Iterator[dict[int, int]]:
    """Usual ways in which the ids of all classes are wrong: too high or too low by one, or by the alphabet."""
    number = len(classes)
    if number > 2:
        yield {p: (p - 1) % number for p in range(number)}
        yield {p: (p + 1) % number for p in range(number)}
        alphabetical = [classes.index(name) for name in sorted(classes)]
        yield {p: t for p, t in enumerate(alphabetical) if p != t}


def _mutual(count: NDArray[np.float64]) -> dict[int, int]:
    """Pairs in which both ways agree.

    Detections of p lie on true boxes of t and not of p, and true boxes of t are found as p and not as t. A detector
    that confuses classes, or knows one alone, fails one of the two.
    """
    down, across = np.maximum(count.sum(axis=0), 1), np.maximum(count.sum(axis=1), 1)
    pairs = {}
    for p, t in enumerate(count.argmax(axis=0).tolist()):
        mutual = min(count[t, p] / down[p], count[t, p] / across[t])
        own = max(count[p, p] / down[p], count[t, t] / across[t], count[p, p] / across[p])
        if p != t and count[t, p] >= MET and mutual >= MOSTLY and own <= HARDLY:
            pairs[p] = t
    return pairs


def _beyond_chance(count: NDArray[np.float64], pairs: dict[int, int]) -> bool:
    """Whether these meet more often than each meets its own, and than classes that know nothing of each other."""
    mine, theirs = (np.array(list(part), dtype=np.int64) for part in (pairs.keys(), pairs.values()))
    share, number = count.sum(axis=1) / max(1, count.sum()), count.sum(axis=0)[mine]
    fit, own = count[theirs, mine].sum(), count[mine, mine].sum()
    expected, variance = (number * share[theirs]).sum(), (number * share[theirs] * (1 - share[theirs])).sum()
    return bool(fit > max(TIMES * own, expected + DEVIATIONS * np.sqrt(variance)))


def met(sample: Sample, xyxy: Boxes) -> tuple[Rows, Rows]:
    """Each detection that lies on a true box, with the one on which it lies best."""
    i, j = sample.pairs
    shared = overlap(xyxy[i], sample.truth[j])
    order = np.lexsort((shared, i))
    last = order[np.append(i[order][1:] != i[order][:-1], True)] if len(i) else order
    last = last[shared[last] >= OVERLAP]
    return i[last], j[last]


def about_order(pairs: dict[int, int], classes: Sequence[str]) -> Iterator[Finding]:
    """The note on classes that mean others."""
    if not pairs:
        return
    names = [f"boxes of {classes[p]!r} lie on true boxes of {classes[t]!r}" for p, t in pairs.items()]
    steps = {(p - t + 1) % len(classes) - 1 for p, t in pairs.items()}
    alphabetical = sorted(classes)
    if len(pairs) > 1 and len(steps) == 1 and abs(step := steps.pop()) == 1:
        way, remedy = ("high", "lower") if step == 1 else ("low", "raise")
        why = f"The class ids look shifted: each is one too {way}; {remedy} them by one."
    elif all(classes[t] == alphabetical[p] for p, t in pairs.items()):
        why = "The ids look like those of the classes in alphabetical order; the data has them in another order."
    else:
        why = "The classes look exchanged: the predictions' ids or names are in another order than the data's."
    yield Finding("classes exchanged", f"{why} {_sentence(names)}.")


def about_missing(
    dataset: Dataset, predictions: Predictions, table: MatchTable, sample: Sample, explained: set[int]
) -> Iterator[Finding]:
    """Classes that are never right, though the others are right too often for that to be chance.

    Those whose fate is `explained` already are named only where the predictions have another name for them.
    """
    right = np.bincount(table.detections.label[table.found[0, 0]], minlength=len(dataset.classes))
    looked = np.bincount(table.detections.image, minlength=len(dataset)) > 0
    counted = ~table.truth_ignored[0]
    total = np.bincount(table.truths.label[counted], minlength=len(dataset.classes))
    seen = np.bincount(table.truths.label[counted & looked[table.truths.image]], minlength=len(dataset.classes))
    rows = np.bincount(table.detections.label, minlength=len(dataset.classes))
    unknown = [name for name in predictions.classes if name not in dataset.classes]
    recall = _recall(sample, np.flatnonzero(right))
    silent = []
    for k in np.flatnonzero((total > 0) & (right == 0)).tolist():
        name, boxes = dataset.classes[k], f"{total[k]} true box{'es' if total[k] > 1 else ''}"
        if rows[k] == 0 and (other := _other_name(dataset, predictions, table, k, unknown)):
            yield Finding(
                "class renamed",
                f"{name!r} has {boxes} and no detection, while the predictions have {other!r}, which the data does not "
                f"have: did you mean {name!r}? Rename it with --map {quote(f'{other}={name}')}.",
            )
        elif k not in explained and (1 - recall / 2) ** seen[k] < UNLIKELY:
            wrong = f"none of its {rows[k]} detections is right" if rows[k] > 1 else "its one detection is wrong"
            fate = wrong if rows[k] else "no detection"
            silent.append(f"{name!r} has {boxes} and {fate}")
    if silent:
        yield Finding(
            "class never right",
            f"{_sentence(silent)}, while the surest detections find {recall:.0%} of the others. Does the detector know "
            f"{'it' if len(silent) == 1 else 'them'}, and under the same name or id?{_others(unknown)}",
        )


def _recall(sample: Sample, classes: Rows) -> float:
    """The share of true boxes of these classes that the surest detections find: among all, some find any by chance."""
    mine, theirs = met(sample, sample.xyxy)
    right = theirs[sample.label[mine] == sample.truth_label[theirs]]
    found = np.isin(sample.truth_label[np.unique(right)], classes).sum()
    return float(found / max(1, np.isin(sample.truth_label, classes).sum()))


def _other_name(
    dataset: Dataset, predictions: Predictions, table: MatchTable, missing: int, unknown: list[str]
) -> str | None:
    """The predicted class, unknown to the data, that is spelled nearly so, or whose boxes lie on these true boxes."""
    name = dataset.classes[missing]
    plain = {_plain(one): one for one in unknown}
    if close := get_close_matches(_plain(name), plain, n=1, cutoff=ALIKE):
        return plain[close[0]]
    size = np.array([(image.width, image.height) for image in dataset.images], dtype=np.float64)
    rest = table.truths._replace(ignored=table.truths.ignored | (table.truths.label != missing))
    shares: dict[float, str] = {}
    for other in unknown:
        sample = surest(rest, _of(dataset, predictions, other), size)
        if not len(sample.image):
            continue
        best = sample.best(sample.xyxy)
        if worth := gain(np.zeros_like(best), best, sample.by_chance(sample.xyxy), len(sample.photos)):
            shares[worth.read] = other
    return shares[max(shares)] if shares else None


def _of(dataset: Dataset, predictions: Predictions, label: str) -> Detections:
    """The detections of one class, which the data does not have."""
    named = enumerate(image.name for image in dataset.images)
    found = [(box, place) for place, name in named for box in predictions.images.get(name, ()) if box.label == label]
    image = np.array([i for _, i in found], dtype=np.int64)
    corners = np.array([box.xyxy for box, _ in found], dtype=np.float64).reshape(-1, 4)
    return Detections(corners, np.zeros_like(image), image, np.array([box.score for box, _ in found], dtype=np.float64))


def _others(unknown: list[str]) -> str:
    """What predictions call classes that the data does not have."""
    if not unknown:
        return ""
    return f" The predictions have {', '.join(map(repr, unknown[:5]))}, which the data does not: --map OLD=NEW renames."


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").replace("-", " ")


def _sentence(parts: list[str]) -> str:
    shown = parts[:5] + ([f"{len(parts) - 5} more"] if len(parts) > 5 else [])
    text = ", ".join(shown)
    return text[0].upper() + text[1:] if text else text
