"""Writing predictions.json: COCO with names, every image that was looked at, and a score for each box."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from detect.conversion.photo_labels import answers_document, questions_document
from detect.data import NO_QUESTIONS, Box, Dataset, Predictions
from detect.files import atomic_file
from detect.questions import Answer, Question


class PredictionsFile:
    """predictions.json while it is written, image by image: what was written does not stay in memory."""

    def __init__(self, images: BinaryIO, annotations: BinaryIO, classes: Sequence[str]) -> None:
        self._images, self._annotations = images, annotations
        self._numbers = {label: number for number, label in enumerate(classes, 1)}
        self.images = self.boxes = 0

    @property
    def categories(self) -> list[dict[str, Any]]:
        """The classes with their ids."""
        return [{"id": number, "name": label} for label, number in self._numbers.items()]

    def add(
        self,
        name: str,
        boxes: Sequence[Box] | None,
        *,
        size: tuple[int, int] | None = None,
        answers: Mapping[str, Answer] | None = None,
        seconds: float | None = None,
    ) -> None:
        """Write one image that a model looked at; boxes are None where no detector did.

        `size` is in pixels; `seconds` say when a frame is shown, from the start of its video.
        """
        self.images += 1
        row: dict[str, Any] = {"id": self.images, "file_name": name}
        if size is not None:
            row["width"], row["height"] = size
        if boxes is None:
            row["detected"] = False
        if answers is not None:
            row["answers"] = answers_document(answers)
        if seconds is not None:
            row["attributes"] = {"seconds": seconds}
        self._images.write(b"," * (self.images > 1) + _json(row))
        rows: list[dict[str, Any]] = []
        for label, x1, y1, x2, y2, score, _ in boxes or ():
            bbox = [x1, y1, x2 - x1, y2 - y1]
            ids = {"id": self.boxes + len(rows) + 1, "image_id": self.images, "category_id": self._numbers[label]}
            rows.append({**ids, "bbox": bbox, "area": bbox[2] * bbox[3], "score": score, "iscrowd": 0})
        if rows:
            self._annotations.write(b"," * (self.boxes > 0) + _json(rows)[1:-1])
            self.boxes += len(rows)


@contextmanager
def writing_predictions(
    path: str | Path, classes: Sequence[str], questions: Mapping[str, Question] = NO_QUESTIONS
) -> Iterator[PredictionsFile]:
    """A block that writes predictions.json image by image. Where it fails the old file stays.

    Raises DetectError where the file cannot be written.
    """
    asked = b'"questions":' + _json(questions_document(questions)) + b"," if questions else b""
    with atomic_file(Path(path)) as temporary, temporary.open("wb") as file:
        # The boxes stand behind the images in the file, and are known together with them.
        with tempfile.TemporaryFile(dir=temporary.parent) as behind:
            file.write(b"{" + asked + b'"images":[')
            yield (written := PredictionsFile(file, behind, classes))
            file.write(b'],"categories":' + _json(written.categories) + b',"annotations":[')
            behind.seek(0)
            shutil.copyfileobj(behind, file)
        file.write(b"]}")


def write_predictions(predictions: Predictions, path: str | Path, *, dataset: Dataset | None = None) -> Path:
    """Write predictions.json atomically, and return its path; `dataset` adds the sizes of its images, in pixels.

    Raises DetectError where the file cannot be written.
    """
    sizes = {image.name: (image.width, image.height) for image in dataset.images} if dataset is not None else {}
    with writing_predictions(path, predictions.classes, predictions.questions) as file:
        for name in predictions.names:
            boxes, answers = predictions.images.get(name), predictions.answers.get(name)
            file.add(name, boxes, size=sizes.get(name), answers=answers, seconds=predictions.seconds.get(name))
    return Path(path)


def _json(value: Any) -> bytes:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
