"""What can go wrong, so that a person can put it right: file, position, problem, remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Level = Literal["error", "repaired", "dropped", "note", "lost"]

SHOWN = 20  # problems spelled out in a message; the rest are counted, and every kind is shown


class DetectError(Exception):
    """Anything that this package refuses to do. Its text is fit for a terminal; the command line exits with 1."""

    kind = "refused"

    def listed(self) -> tuple[Problem, ...]:
        """What is wrong as problems, for machines: all of a DataError, else one of this `kind`."""
        return (Problem("error", self.kind, str(self)),)


@dataclass(frozen=True, slots=True)
class Problem:
    """A single case of something wrong with the user's data.

    `kind` names the family ("box clipped"), so that a thousand findings print as one line with a count;
    `what` is the case itself. `level` says what became of it: an error stops the work (or leaves the item out
    under `--on-error skip`), "repaired" kept the item, "dropped" left it out, "note" changed nothing, and "lost"
    is something that the target format cannot hold.
    """

    level: Level
    kind: str
    what: str
    file: str = ""
    where: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.where) if part)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text} ({self.remedy})" if self.remedy else text


class DataError(DetectError):
    """Input that cannot be read as what it should be. `problems` holds every Problem found, not the first."""

    kind = "bad input"

    def __init__(self, problems: Problem | Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = Problem("error", self.kind, problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(_message(self.problems))

    def listed(self) -> tuple[Problem, ...]:
        """Every problem found."""
        return self.problems


class ConfigError(DetectError):
    """A recipe, a dataset description or an option with a wrong name or value."""

    kind = "configuration"


class ModelError(DetectError):
    """Weights that are missing, unsafe or do not fit; a model that cannot run."""

    kind = "model"


class MissingExtra(DetectError):
    """`package`, which an optional part needs, is not installed; the text says how to install `extra`, which has it."""

    kind = "missing package"

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"this needs {package}: pip install 'damage-detect[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        return MissingExtra, (self.package, self.extra)  # from its message alone it could not be made again


@dataclass(slots=True)
class Problems:
    """Collects problems while a file is read, so that the user sees all of them at once.

    ::

        problems = Problems()
        dataset = detect.read("photos/", on_error="skip", problems=problems)
        for line in problems.summary():
            print(line)
    """

    items: list[Problem] = field(default_factory=list)

    def add(
        self, level: Level, kind: str, what: str, *, file: str | Path = "", where: str = "", remedy: str = ""
    ) -> None:
        """Note one problem. `where` is the position in the file ("line 3", "annotation 7")."""
        self.items.append(Problem(level, kind, what, str(file), where, remedy))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def errors(self) -> list[Problem]:
        """The problems of level "error", in the order found."""
        return [p for p in self.items if p.level == "error"]

    def raise_errors(self) -> None:
        """Raise DataError with every error found so far; do nothing when there is none."""
        if errors := self.errors:
            raise DataError(errors)

    def counts(self) -> dict[tuple[Level, str], int]:
        """How often each (level, kind) was seen, in the order of first sight."""
        counts: dict[tuple[Level, str], int] = {}
        for p in self.items:
            counts[p.level, p.kind] = counts.get((p.level, p.kind), 0) + 1
        return counts

    def summary(self) -> list[str]:
        """One line per family of problems: count, level, kind and the first case."""
        first: dict[tuple[Level, str], Problem] = {}
        for p in self.items:
            first.setdefault((p.level, p.kind), p)
        return [
            f"{count} {level}: {kind}" + (f", first: {first[level, kind]}" if count > 1 else f": {first[level, kind]}")
            for (level, kind), count in self.counts().items()
        ]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like a word, whatever the case; None where none does."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    likeness = 0.5 if len(word) < 4 else 0.6  # one wrong letter of two, or difflib's own
    close = get_close_matches(word.lower(), names, n=1, cutoff=likeness)
    return names[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about a wrong word: "; did you mean NAME?", or nothing."""
    close = nearest(word, known)
    return f"; did you mean {close}?" if close else ""


def _message(problems: Sequence[Problem]) -> str:
    """All problems in the order found where they are few, else the first ones of every kind, and how many there are."""
    if len(problems) <= SHOWN:
        return "\n".join(map(str, problems))
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    each = max(1, SHOWN // len(kinds))
    lines: list[str] = []
    for kind, alike in kinds.items():
        lines += map(str, alike[:each])
        if len(alike) > each:
            of = f" ({kind})" if len(kinds) > 1 else ""
            lines.append(f"... and {len(alike) - each:,} more{of}")
    return "\n".join(lines)
