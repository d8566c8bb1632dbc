"""Labels of whole photos in files: which questions a file declares, and the labels that are met while it is read.

Questions are declared alike, in COCO and predictions.json at the top, for tables and folders in labels.yaml::

    {"severity": {"labels": ["none", "light", "severe"], "ordered": true}, "view": {"labels": ["front", "rear"]}}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detect.conversion.text import write_text
from detect.conversion.tidy import clean_label
from detect.conversion.yaml_file import load
from detect.errors import DataError, Problems
from detect.frozen import Frozen
from detect.questions import Answer, Question, merged

HEADER = "labels.yaml"


class PhotoLabels:
    """The questions of a dataset while it is read: declared ones first, others as they are met."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.declared: dict[str, Question] = {}
        self.met: dict[str, dict[str, None]] = {}

    def declare(self, document: Any, file: str) -> None:
        """Take in the questions that a file declares; None declares none."""
        self.declared = merged([self.declared, questions_from(document, file, self.problems)])

    def __call__(self, labels: Any, file: str, where: str) -> Frozen[str, str]:
        """The labels of a photo, a mapping from question to label; what is none is an error at this position."""
        if not isinstance(labels, dict):
            self.problems.add("error", "photo labels", "must be pairs of question and label", file=file, where=where)
            return Frozen()
        found: dict[str, str] = {}
        for question, label in labels.items():
            clean = clean_label(label) if isinstance(label, str) else ""
            if not clean or not question:
                what = f"{question}: a label is text, got {str(label)[:60]!r}"
                self.problems.add("error", "photo label", what, file=file, where=where)
                continue
            found[question] = clean
            self._meet(question, clean, file, where)
        return Frozen(found)

    def _meet(self, question: str, label: str, file: str, where: str) -> None:
        declared = self.declared.get(question)
        met = self.met.setdefault(question, {})
        if declared is not None and label not in declared.labels and label not in met:
            what = f"{question}: label {label!r} is not declared; kept behind the others"
            self.problems.add("repaired", "undeclared photo label", what, file=file, where=where)
        met[label] = None

    @property
    def questions(self) -> dict[str, Question]:
        """All questions. Labels that nothing declares are in alphabetical order: a new photo does not renumber them."""
        found: dict[str, Question] = {}
        for name in dict.fromkeys([*self.declared, *self.met]):
            known = self.declared[name].labels if name in self.declared else ()
            others = sorted(label for label in self.met.get(name, ()) if label not in known)
            found[name] = Question((*known, *others), name in self.declared and self.declared[name].ordered)
        return found


def questions_document(questions: Mapping[str, Question]) -> dict[str, Any]:
    """Questions as a file declares them."""
    return {
        name: {"labels": list(question.labels), **({"ordered": True} if question.ordered else {})}
        for name, question in questions.items()
    }


def questions_from(document: Any, file: str, problems: Problems) -> dict[str, Question]:
    """The questions that a file declares; what is none is an error of the file. None declares none."""
    found: dict[str, Question] = {}
    if document is not None and not isinstance(document, dict):
        problems.add("error", "questions", '"questions" must be pairs of a name and its labels', file=file)
        return found
    for name, one in (document or {}).items():
        labels = one.get("labels") if isinstance(one, dict) else None
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            problems.add("error", "questions", f'{name}: needs "labels", a list of text', file=file)
            continue
        try:
            found[str(name)] = Question(tuple(map(clean_label, labels)), one.get("ordered") in (True, "true"))
        except DataError as error:
            problems.add("error", "questions", f"{name}: {error}", file=file)
    return found


def answers_document(answers: Mapping[str, Answer]) -> dict[str, Any]:
    """The answers of a photo as predictions.json holds them."""
    return {
        name: {
            **({"probabilities": dict(answer.probabilities)} if answer.probabilities else {}),
            **({"abstained": True} if answer.abstained else {}),
        }
        for name, answer in answers.items()
    }


def answers_from(document: Any) -> dict[str, Answer]:
    """The answers of a photo. ValueError or DataError says what is wrong with them."""
    if not isinstance(document, dict) or not all(isinstance(one, dict) for one in document.values()):
        raise ValueError('"answers" must be pairs of a question and an answer')
    found: dict[str, Answer] = {}
    for name, one in document.items():
        given, abstained = one.get("probabilities", {}), one.get("abstained", False)
        if not isinstance(given, dict) or not all(type(value) in (int, float) for value in given.values()):
            raise ValueError(f'{name}: "probabilities" must be pairs of a label and a number')
        if not isinstance(abstained, bool):
            raise ValueError(f'{name}: "abstained" must be true or false')
        try:
            found[name] = Answer(given, abstained)
        except DataError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def read_header(path: Path, labels: PhotoLabels) -> dict[str, Any]:
    """labels.yaml, its questions declared; empty where there is no such file."""
    if not path.is_file():
        return {}
    document = load(path)
    labels.declare(document.get("questions"), str(path))
    return document


def write_header(questions: Mapping[str, Question], path: Path, **more: Any) -> None:
    """labels.yaml: the questions, and whatever else the format needs to know."""
    import yaml

    document = {"questions": questions_document(questions), **more}
    write_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
