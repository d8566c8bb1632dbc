"""The recipes that come with the package: found by name, listed with the purpose, time and score they open with."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from detect.errors import ConfigError

# In a wheel the folder is part of the package; in a checkout it stands beside the package (see setup.py).
_INSTALLED, _CHECKOUT = Path(__file__).parent / "configs", Path(__file__).parents[2] / "configs"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT

OPENING = re.compile(
    r"# (?P<purpose>\S.*(?:\n# \S.*)*)\n"
    r"(?P<commands>(?:#   \S.*\n)+)"
    r"# Time: (?P<time>\S.*(?:\n# \S.*)*)\n"
    r"# Score: (?P<score>\S.*(?:\n# \S.*)*)\n"
    r"kind: "
)


class Opening(NamedTuple):
    """The first comments of a recipe."""

    name: str
    purpose: str
    time: str
    score: str


def recipe_files() -> dict[str, Path]:
    """The name and the file of each recipe that comes with the package, in the order of the names."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"), key=lambda path: path.stem)}


def find_recipe(name: str | Path) -> Path:
    """The file of a recipe: a path that exists, or the name of one that comes with the package, such as "yolo11n".

    Raises ConfigError when there is neither.
    """
    path, known = Path(name), recipe_files()
    if path.exists() and not path.is_dir():
        return path
    if str(name) in known:
        return known[str(name)]
    near = get_close_matches(path.stem, known, n=3)
    guess = f" (did you mean {' or '.join(near)}?)" if near else ""
    raise ConfigError(f"{path}: no such recipe{guess}; `detect recipes` lists those that come with the package")


def read_opening(path: Path) -> Opening:
    """Purpose, time and score of a recipe. Raises ConfigError when its first comments do not say them."""
    match = OPENING.match(path.read_text(encoding="utf-8"))
    if match is None:
        raise ConfigError(f"{path}: a recipe opens with comments: its purpose, its command, `Time: ` and `Score: `")
    return Opening(path.stem, *(match[part].replace("\n# ", " ") for part in ("purpose", "time", "score")))
