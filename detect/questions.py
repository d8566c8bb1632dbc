"""Labels of whole photos: the questions they answer, and what a model answers.

A question has labels of which one is true of a photo: damaged (no, yes), severity (none, light, ..., total), view
(front, rear, ...). A photo may be labelled for several questions, for some or for none. Where several labels can be
true at once, each is a question of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from detect.errors import DataError, Problem
from detect.frozen import Frozen

SUM_TOLERANCE = 0.01
"""By which the probabilities of an answer may miss 1: networks calculate in half precision, files hold few digits."""


NO_PROBABILITIES: Frozen[str, float] = Frozen()


@dataclass(frozen=True, slots=True)
class Question:
    """The labels of a question in their order, which fixes the integer ids in files and tensors.

    `ordered`: the order is a rank, from least to most, so that a neighbour is less wrong than a label far off. Raises
    DataError where a label is empty or stands twice, or there is none.
    """

    labels: tuple[str, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        wrong = [] if self.labels else ["a question needs labels"]
        wrong += [f"label {label!r} stands twice" for label, count in Counter(self.labels).items() if count > 1]
        wrong += ["a label is empty"] * ("" in self.labels)
        if wrong:
            raise DataError([Problem("error", "question", what) for what in wrong])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of a photo to one question: a probability for each label, or that it abstains.

    A model abstains where it is too unsure, or the photo is unfit; the probabilities may then be there all the same.

    Raises DataError where a probability is outside 0..1, they do not sum to 1, or there are none though it does not
    abstain.
    """

    probabilities: Mapping[str, float] = NO_PROBABILITIES
    abstained: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", Frozen(self.probabilities))
        wrong = [
            f"the probability of {label!r} is a number in 0..1, got {value}"
            for label, value in self.probabilities.items()
            if not 0 <= value <= 1
        ]
        total = sum(self.probabilities.values())
        if not wrong and self.probabilities and abs(total - 1) > SUM_TOLERANCE:
            wrong.append(f"the probabilities of an answer sum to 1, got {total:g}")
        if not self.probabilities and not self.abstained:
            wrong.append("an answer has a probability for each label, or abstains")
        if wrong:
            raise DataError([Problem("error", "answer", what) for what in wrong])

    @property
    def label(self) -> str | None:
        """The likeliest label, the first of equals; None where the model abstained."""
        return None if self.abstained else max(self.probabilities, key=self.probabilities.__getitem__)


def merged(several: Iterable[Mapping[str, Question]]) -> dict[str, Question]:
    """The questions of several datasets: of one name the labels of all, in the order they are met.

    It stays ordered where every one of them is.
    """
    found: dict[str, Question] = {}
    for questions in several:
        for name, question in questions.items():
            before = found.get(name, question)
            labels = tuple(dict.fromkeys([*before.labels, *question.labels]))
            found[name] = Question(labels, before.ordered and question.ordered)
    return found


def label_problems(
    questions: Mapping[str, Question], images: Iterable[tuple[str, Mapping[str, str]]]
) -> Iterator[Problem]:
    """Labels of images (name, labels) that answer no question or are not among its labels; each with its count."""
    found: dict[str, list[str]] = {}
    for name, labels in images:
        for question, label in labels.items():
            if question not in questions:
                found.setdefault(f"question {question!r} is not among the questions", []).append(name)
            elif label not in questions[question].labels:
                found.setdefault(f"{question}: {label!r} is not among its labels", []).append(name)
    yield from _counted("unknown photo label", found)


def answer_problems(
    questions: Mapping[str, Question], answers: Iterable[tuple[str, Mapping[str, Answer]]]
) -> Iterator[Problem]:
    """Answers to no question, and answers without a probability for each label; each once, with its count."""
    found: dict[str, list[str]] = {}
    for name, given in answers:
        for question, answer in given.items():
            if question not in questions:
                found.setdefault(f"question {question!r} is not among the questions", []).append(name)
            elif answer.probabilities and answer.probabilities.keys() != set(questions[question].labels):
                labels = ", ".join(questions[question].labels)
                what = f"{question}: expected a probability for each of {labels}; got {', '.join(answer.probabilities)}"
                found.setdefault(what, []).append(name)
    yield from _counted("answer", found)


def _counted(kind: str, found: Mapping[str, list[str]]) -> Iterator[Problem]:
    """A problem for each text in `found`, at the first of the images that have it, with their count."""
    for what, names in found.items():
        more = f" ({len(names)} images, this is the first)" if len(names) > 1 else ""
        yield Problem("error", kind, what + more, file=names[0])
