"""The operating point: from which score a detection of each class counts, and what its score means.

`detect evaluate --out` writes it as point.json; predict reads it. Confidences refer to calibrated scores, which is why
both stand in one file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from detect.data import Box, Image, Predictions
from detect.errors import ConfigError, DataError, Problem, Problems
from detect.files import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SCHEMA, VERSION = "damage-detect operating point", 1
DEFAULT_CONFIDENCE = 0.25  # confidence from which a box of a class counts where none was fitted
TEST_TIME_AUGMENTATIONS = ("mirror", "flip")  # of `detect predict`, beside the picture as it is
LOGIT_MARGIN = 1e-6  # scores nearer to 0 or 1 have no finite logit worth scaling
SLOPE = 1e-6  # mixed into every calibration, so that no two scores become equal and AP stays what it is


class Curve(NamedTuple):
    """Isotonic calibration: `probability` over `score`, both from 0 to 1 and rising, straight between the knots."""

    score: tuple[float, ...]
    probability: tuple[float, ...]

    def apply(self, scores: Floats) -> Floats:
        """The probability (N,) of scores (N,)."""
        import numpy as np

        return np.interp(scores, self.score, self.probability)


class Temperature(NamedTuple):
    """Temperature scaling: the logit of the score over `temperature`; above 1 it makes a detector less sure."""

    temperature: float

    def apply(self, scores: Floats) -> Floats:
        """The probability (N,) of scores (N,)."""
        import numpy as np

        inner = np.clip(scores, LOGIT_MARGIN, 1 - LOGIT_MARGIN)
        with np.errstate(over="ignore"):  # infinite odds against it: a probability of 0
            scaled = 1 / (1 + ((1 - inner) / inner) ** (1 / self.temperature))
        return np.asarray((1 - SLOPE) * scaled + SLOPE * scores)


Calibration = Curve | Temperature


class Suppression(NamedTuple):
    """Which of several boxes on one thing stay: the stronger of two that overlap by more than `iou` in 0..1.

    With a `sigma` above 0 those that overlap less are made weaker, the more the further they overlap (soft NMS).
    `per_class`: boxes of two classes leave each other alone.
    """

    iou: float = 0.7
    sigma: float = 0.0
    per_class: bool = True


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """`confidence` per class, `iou` from which a box counted as found, `calibration` per class (none: raw scores).

    `goal` is what it was chosen for ("f1", "precision=0.9", ..., "given"); `images` are the fingerprints of those that
    it was chosen on; `suppression` what came before, where it was fitted, too. Scores are those that come with this
    `test_time_augmentation`: some of "mirror" and "flip".
    """

    confidence: Mapping[str, float]
    iou: float
    calibration: Mapping[str, Calibration]
    goal: str
    images: frozenset[str]
    suppression: Suppression | None = None
    test_time_augmentation: tuple[str, ...] = ()

    def calibrated(self, predictions: Predictions) -> Predictions:
        """The predictions with calibrated scores; nothing is left out. Raises ConfigError as `apply`."""
        if not self.calibration:
            return predictions
        self._know(predictions, self.calibration)
        images = {name: self._scored(boxes) for name, boxes in predictions.images.items()}
        return replace(predictions, images=images)

    def apply(self, predictions: Predictions) -> Predictions:
        """Calibrated scores, and only the boxes that reach the confidence of their class.

        Raises ConfigError where a predicted class is not in the operating point.
        """
        self._know(predictions, self.confidence)
        images = {
            name: tuple(box for box in boxes if box.score is not None and box.score >= self.confidence[box.label])
            for name, boxes in self.calibrated(predictions).images.items()
        }
        return replace(predictions, images=images)

    def _know(self, predictions: Predictions, known: Mapping[str, Any]) -> None:
        used = {box.label for boxes in predictions.images.values() for box in boxes}
        if lacking := [name for name in predictions.classes if name in used and name not in known]:
            raise ConfigError(
                f"the operating point has no {', '.join(lacking)}; it was chosen for {', '.join(known)} "
                "(was it made for another model?)"
            )

    def _scored(self, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        import numpy as np

        scores = np.array([box.score for box in boxes], dtype=np.float64)
        for label in {box.label for box in boxes}:
            rows = [place for place, box in enumerate(boxes) if box.label == label]
            scores[rows] = self.calibration[label].apply(scores[rows])
        return tuple(box._replace(score=score) for box, score in zip(boxes, scores.tolist(), strict=True))


def fingerprint(image: Image) -> str:
    """16 hex digits that tell whether two images are the same: name, size and true boxes to a tenth of a pixel."""
    boxes = [(box.label, *(round(float(edge), 1) for edge in box.xyxy)) for box in image.boxes]
    text = repr((image.name, image.width, image.height, boxes))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def write_point(point: OperatingPoint, path: str | Path) -> None:
    """Write the operating point as a JSON file, atomically. Raises DetectError where it cannot be written."""
    import orjson

    write_bytes(Path(path), orjson.dumps(to_document(point), option=orjson.OPT_INDENT_2) + b"\n")


def to_document(point: OperatingPoint) -> dict[str, Any]:
    """The operating point as plain values, as in the file."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "goal": point.goal,
        "iou": point.iou,
        "confidence": dict(point.confidence),
        "calibration": {name: one._asdict() for name, one in point.calibration.items()},
        "images": sorted(point.images),
    }
    if point.suppression is not None:
        document["suppression"] = point.suppression._asdict()
    if point.test_time_augmentation:
        document["test_time_augmentation"] = list(point.test_time_augmentation)
    return document


def read_point(path: str | Path) -> OperatingPoint:
    """The operating point in a file of `write_point` or `detect evaluate`. Raises DataError, with all that is wrong."""
    import orjson

    path = Path(path)
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise DataError(Problem("error", "unreadable", error.strerror or str(error), str(path))) from None
    except orjson.JSONDecodeError as error:
        raise DataError(Problem("error", "no JSON", f"is no JSON: {error}", str(path))) from None
    return from_document(document, path)


def from_document(document: Any, path: Path | str) -> OperatingPoint:
    """The operating point in plain values that were read from `path`. Raises DataError, with all that is wrong."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        remedy = "it is the point.json that `detect evaluate --out` writes"
        raise DataError(Problem("error", "another file", "is no operating point", str(path), "", remedy))
    if document.get("version") != VERSION:
        what = f"is of version {document.get('version')!r}, and this program reads version {VERSION}"
        remedy = "use the damage-detect that wrote it, or run `detect evaluate` anew"
        raise DataError(Problem("error", "another version", what, str(path), "", remedy))
    problems = Problems()
    confidence = _mapping(document, "confidence", path, problems)
    calibration = _mapping(document, "calibration", path, problems)
    for name, value in [("iou", document.get("iou")), *((f"confidence: {c}", v) for c, v in confidence.items())]:
        if not _is_share(value):
            problems.add("error", "no share", f"expected a number in 0..1, got {value!r}", file=path, where=name)
    suppression = _suppression(document, path, problems)
    curves = {name: _calibration(value, path, f"calibration: {name}", problems) for name, value in calibration.items()}
    for name in (name for name in confidence if calibration and name not in calibration):
        problems.add("error", "no calibration", f"lacks the class {name!r}", file=path, where="calibration")
    images = document.get("images", [])
    if not isinstance(images, list) or not all(isinstance(one, str) for one in images):
        problems.add("error", "no list", "expected a list of fingerprints", file=path, where="images")
    used = document.get("test_time_augmentation", [])
    if not isinstance(used, list) or not set(map(str, used)) <= set(TEST_TIME_AUGMENTATIONS):
        what = f"expected a list of {', '.join(TEST_TIME_AUGMENTATIONS)}"
        problems.add("error", "no test-time augmentation", what, file=path, where="test_time_augmentation")
    problems.raise_errors()
    goal = str(document.get("goal", "given"))
    known = {name: curve for name, curve in curves.items() if curve is not None}
    iou = float(document["iou"])
    return OperatingPoint(confidence, iou, known, goal, frozenset(images), suppression, tuple(used))


def _suppression(document: dict[str, Any], path: Path | str, problems: Problems) -> Suppression | None:
    if (value := document.get("suppression")) is None:
        return None
    if isinstance(value, dict) and set(value) == set(Suppression._fields):
        iou, sigma, per_class = (value[name] for name in Suppression._fields)
        if _is_share(iou) and _is_number(sigma) and sigma >= 0 and isinstance(per_class, bool):
            return Suppression(float(iou), float(sigma), per_class)
    what = "expected an iou in 0..1, a sigma of 0 or more, and per_class true or false"
    problems.add("error", "no suppression", what, file=path, where="suppression")
    return None


def _mapping(document: dict[str, Any], key: str, path: Path | str, problems: Problems) -> dict[str, Any]:
    value = document.get(key, {} if key == "calibration" else None)
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return value
    problems.add("error", "no object", "expected an object with one entry per class", file=path, where=key)
    return {}


def _calibration(value: Any, path: Path | str, where: str, problems: Problems) -> Calibration | None:
    if isinstance(value, dict) and _is_number(value.get("temperature")) and value["temperature"] > 0:
        return Temperature(float(value["temperature"]))
    knots: list[Any] = [value.get(key) for key in Curve._fields] if isinstance(value, dict) else []
    if len(knots) == 2 and all(isinstance(k, list) and len(k) > 1 and all(map(_is_share, k)) for k in knots):
        score, probability = knots
        rising = all(a < b for a, b in pairwise(score))
        if rising and len(score) == len(probability) and probability == sorted(probability):
            return Curve(tuple(map(float, score)), tuple(map(float, probability)))
    what = "expected a temperature above 0, or rising scores in 0..1 with as many probabilities that never fall"
    problems.add("error", "no calibration", what, file=path, where=where)
    return None


def _is_number(value: Any) -> bool:
    """Whether it is a number that is finite as a float, too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1
