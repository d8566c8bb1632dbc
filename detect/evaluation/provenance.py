"""What was measured: the data, its part, the predictions and their model, by the names that a reader knows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

from detect.version import __version__


class Provenance(NamedTuple):
    """Names of what an evaluation compared; None for what nobody has named.

    They are printed in reports that are passed on, so they hold no path of a machine: see `of`.
    """

    data: str | None = None
    split: str | None = None
    predictions: str | None = None
    model: str | None = None

    @classmethod
    def of(
        cls, data: Path | None, split: str | None = None, predictions: Path | None = None, model: Path | None = None
    ) -> Provenance:
        """From paths: relative ones as they are, of absolute ones the last name alone."""
        return cls(_name(data), split, _name(predictions), _name(model))

    def as_dict(self) -> dict[str, str | None]:
        """The names, today's date and the version of this package."""
        return {**self._asdict(), "date": date.today().isoformat(), "version": __version__}


def _name(path: Path | None) -> str | None:
    if path is None:
        return None
    return path.name if path.is_absolute() else path.as_posix()


def about_rows(provenance: Provenance) -> list[tuple[str, str]]:
    """What the head of a report says of it: name and text of each."""
    known = provenance.as_dict()
    known["split"] = known["split"] or ("all" if known["data"] else None)
    known["predictions"] = known["predictions"] or ("made by the model now" if known["model"] else None)
    known["version"] = f"damage-detect {known['version']}"
    return [(name, text or "not named") for name, text in known.items()]
