"""Are 8 of 10 detections with a score of 0.8 right? How far off it is, and a fit that makes it so.

Sources: Kueppers et al., Multivariate Confidence Calibration for Object Detection, CVPRW 2020; Guo et al., On
Calibration of Modern Neural Networks, ICML 2017; Zadrozny and Elkan, Transforming Classifier Scores, KDD 2002.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.errors import ConfigError
from detect.evaluation.bootstrap import Floats, Rows, Weights, divided, per_image
from detect.operating_point import LOGIT_MARGIN, SLOPE, Calibration, Curve, Temperature

Scaling = Literal["isotonic", "temperature"]
Flags = NDArray[np.bool_]

FLOOR = 0.05  # detections below take no part: hundreds of boxes that nobody believes would drown the rest
BINS = 10
MIN_OF_CLASS, MIN_OF_ALL = 50, 20  # detections: of a class for a fit of its own, of all classes for any fit


class Reliability(NamedTuple):
    """Per bin of equal width over 0..1, (BINS,): how many detections, their mean score, the share that is right.

    NaN where the bin is empty.
    """

    detections: Floats
    score: Floats
    right: Floats


def reliability(score: Floats, right: Flags, bins: int = BINS) -> Reliability:
    """The reliability diagram of detections (N,)."""
    place = bins_of(score, bins)
    count = np.bincount(place, minlength=bins).astype(np.float64)
    sums = (np.bincount(place, values, minlength=bins) for values in (score, right.astype(np.float64)))
    return Reliability(count, *(divided(np.asarray(total, dtype=np.float64), count) for total in sums))


def expected_calibration_error(score: Floats, right: Flags, image: Rows, weights: Weights) -> Floats:
    """ECE (B,) as papers define it, of detections (N,) for weights (I, B) of their images; NaN without detections.

    The mean over the bins of |mean score - share right|, weighted by the detections in each. On average it lies above
    the true error, the more so the fewer detections there are; see `calibration_error`.
    """
    images = len(weights)
    place = bins_of(score, BINS)
    gap = per_image(images, image, place, BINS, score - right) @ weights
    count = per_image(images, image, np.zeros_like(place), 1) @ weights
    return divided(np.abs(gap).sum(axis=0), count[0])


def fit(kind: Scaling, score: Floats, right: Flags) -> Calibration:
    """The calibration of detections (N,) that are `right` or not; of none, the one that changes nothing."""
    if not len(score):
        return Temperature(1.0)
    return _isotonic(score, right) if kind == "isotonic" else _temperature(score, right)


def fit_classes(
    kind: Scaling, classes: tuple[str, ...], score: Floats, right: Flags, label: Rows
) -> dict[str, Calibration]:
    """A calibration per class from detections (N,).

    A class with fewer than MIN_OF_CLASS, or with none right or none wrong, takes that of all classes together. Raises
    ConfigError with fewer than MIN_OF_ALL in all.
    """
    if len(score) < MIN_OF_ALL:
        raise ConfigError(
            f"{len(score)} detections of score {FLOOR} or more are too few to calibrate; {MIN_OF_ALL} needed"
        )
    pooled = fit(kind, score, right)
    fitted = {}
    for k, name in enumerate(classes):
        own = label == k
        enough = own.sum() >= MIN_OF_CLASS and 0 < right[own].sum() < own.sum()
        fitted[name] = fit(kind, score[own], right[own]) if enough else pooled
    return fitted


def cross_validated(
    kind: Scaling, score: Floats, right: Flags, label: Rows, unit: Rows, folds: int = 5, seed: int = 0
) -> Floats:
    """Scores (N,) calibrated by fits that have not seen them: `unit` (N,), the image or claim, is never divided."""
    names = tuple(map(str, range(int(label.max(initial=-1)) + 1)))
    side = np.random.default_rng(seed).permutation(int(unit.max(initial=-1)) + 1)[unit] % folds
    held_out = score.copy()
    for fold in range(folds):
        out = side == fold
        if not out.any() or (~out).sum() < MIN_OF_ALL:
            continue
        fitted = fit_classes(kind, names, score[~out], right[~out], label[~out])
        for k, name in enumerate(names):
            rows = out & (label == k)
            held_out[rows] = fitted[name].apply(score[rows])
    return held_out


def bins_of(score: Floats, bins: int) -> Rows:
    """The bin (N,) of equal width over 0..1 that each score lies in."""
    return np.minimum((score * bins + 1e-9).astype(np.int64), bins - 1)


def _isotonic(score: Floats, right: Flags) -> Curve:
    """Pool adjacent violators (Ayer et al. 1955): the rising step function of least squares, its steps joined."""
    distinct, place = np.unique(score, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    blocks: list[tuple[float, float, float]] = []  # sums of right, of scores, and count
    for hits, number, value in zip(np.bincount(place, right), count, distinct, strict=True):
        block = (float(hits), float(value * number), float(number))
        while blocks and blocks[-1][0] * block[2] >= block[0] * blocks[-1][2]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    middle = np.array([total / number for _, total, number in blocks])
    share = np.array([hits / number for hits, _, number in blocks])
    knots, first = np.unique(np.concatenate([middle, [0.0, 1.0]]), return_index=True)
    heights = np.concatenate([share, [share[0], share[-1]]])[first]
    curve = (1 - SLOPE) * heights + SLOPE * knots
    return Curve(tuple(knots.tolist()), tuple(curve.tolist()))


def _temperature(score: Floats, right: Flags) -> Temperature:
    """The temperature of highest likelihood, by golden section over its logarithm; between 1/20 and 20.

    1 with all right or all wrong: the likelihood may then have no top, and nothing separates the scores.
    """
    if right.all() or not right.any():
        return Temperature(1.0)
    inner = np.clip(score, LOGIT_MARGIN, 1 - LOGIT_MARGIN)
    logit = np.log(inner / (1 - inner))
    signed = np.where(right, logit, -logit)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    low, high = -np.log(20), np.log(20)
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if loss(a) <= loss(b) else (a, high)
    return Temperature(float(np.exp((low + high) / 2)))
