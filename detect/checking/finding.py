"""What a check finds: one thing that is wrong with a dataset, counted over all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from detect.errors import DataError, Problem


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a dataset, however often; a Problem is a single case.

    `level` is "error" where the data cannot serve, "note" where it can. `kind` names the family, for machines; `text`
    says it all in words. `count` is how many classes, photos or splits it is about, `examples` are the first of them.
    """

    level: Literal["error", "note"]
    kind: str
    text: str
    count: int = 1
    examples: tuple[str, ...] = ()
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.remedy})" if self.remedy else self.text


def raise_errors(findings: Iterable[Finding]) -> None:
    """Raise DataError with all findings that are errors; do nothing when there is none."""
    errors = [Problem("error", one.kind, one.text, remedy=one.remedy) for one in findings if one.level == "error"]
    if errors:
        raise DataError(errors)
