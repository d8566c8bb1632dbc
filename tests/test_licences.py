"""Nothing under the GPL or AGPL alone is installed without the extra `yolo`; what else is asked for is in a list."""

from __future__ import annotations

import configparser
import importlib.metadata
import re
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LISTED = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
EVERY = configparser.ConfigParser()
EVERY.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = [name for name in EVERY["options.extras_require"] if name not in ("yolo", "dev", "all")]

STRONG = re.compile(r"(?<!L)A?GPL|(?<!Lesser )General Public License|Affero", re.IGNORECASE)
WEAK = re.compile(r"LGPL|Lesser General|MPL|Mozilla|SSPL|Proprietary|EPL|CDDL", re.IGNORECASE)
WHOLE = re.compile(r"GNU\s+(AFFERO\s+)?GENERAL\s+PUBLIC\s+LICENSE\s+Version\s+[23]", re.IGNORECASE)
# Files of licences that hold the whole GPL, and why: each stands in the list under the library that it is about.
EXPLAINED = {
    "numpy": "libgfortran", "scipy": "libgfortran", "matplotlib": "FreeType", "pillow": "FreeType",
    "openvino": "libtbb",  # two workarounds out of GCC's own library, under its exception
}  # fmt: skip


@cache
def distributions(extra: str) -> frozenset[str]:
    """The distributions that an extra brings along here, by their canonical names; "" is the base."""
    found, queue, done = set[str](), [("damage-detect", frozenset({extra} if extra else ()))], set[object]()
    while queue:
        name, extras = here = queue.pop()
        if here in done:
            continue
        done.add(here)
        try:
            wanted = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # for another system
            continue
        found.add(name)
        for line in map(Requirement, wanted):
            if line.marker is None or any(line.marker.evaluate({"extra": one}) for one in extras or {""}):
                queue.append((canonicalize_name(line.name), frozenset(line.extras)))
    return frozenset(found - {"damage-detect"})


def licence(name: str) -> str:
    """What the metadata of a distribution say of its licence; a licence as a whole text is named in its first words."""
    about = importlib.metadata.metadata(name)
    own = [(about.get_all(key) or [""])[0] for key in ("License-Expression", "License")]
    return "; ".join(
        [*(one[:100] for one in own), *(one for one in about.get_all("Classifier") or () if "License" in one)]
    )


def files(name: str) -> list[Path]:
    """What a distribution has installed."""
    return [Path(str(path.locate())) for path in importlib.metadata.files(name) or ()]


def is_listed(name: str) -> bool:
    """Whether a name stands in a table of the list, by itself or as a family such as nvidia-*."""
    rows = [line for line in LISTED.splitlines() if line.startswith("| ")]
    names = {one.strip() for row in rows for one in re.split(r"[,|]|\band\b|\bin\b", row)}
    return name in names or any(name.startswith(one[:-1]) for one in names if one.endswith("-*"))


def library(path: Path) -> str:
    """The name of a shared library without its version, its part and what auditwheel adds."""
    return re.sub(r"_\d+_\d+$", "", re.split(r"[-.]", path.name)[0])


def test_the_extras_are_looked_at() -> None:
    assert {"train", "yolox", "export", "review"} <= set(EXTRAS)
    assert "ultralytics" in distributions("yolo") and "ultralytics" not in distributions("train")
    assert {"pixeltable-yolox", "torch"} <= distributions("yolox")
    assert STRONG.search(licence("ultralytics")), "an AGPL is seen"


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_no_distribution_is_under_the_gpl_and_weaker_ones_are_listed(extra: str) -> None:
    for name in sorted(distributions(extra)):
        said = licence(name)
        assert not STRONG.search(re.sub(r"GNU Lesser General Public License|LGPL", "", said)), f"{name}: {said}"
        assert not WEAK.search(said) or is_listed(name), f"{name}: {said}: is not in docs/licences.md"


def test_whole_gpls_in_the_files_of_licences_are_explained() -> None:
    """Metadata may hide one."""
    for name in sorted(frozenset.union(*(distributions(extra) for extra in ["", *EXTRAS]))):
        for path in files(name):
            if re.search(r"licen[cs]e|copying|notice|third.?party", str(path), re.IGNORECASE) and path.suffix != ".py":
                text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
                assert not WHOLE.search(text) or EXPLAINED.get(name, "?") in LISTED or is_listed(name), path


def test_libraries_bundled_in_wheels_are_listed() -> None:
    seen = set[str]()
    for name in sorted(frozenset.union(*(distributions(extra) for extra in ["", *EXTRAS]))):
        if name.startswith(("nvidia-", "cuda-", "triton")):
            continue
        own = name.replace("-", "_").split("_")[0]  # openvino's libopenvino_c is its own
        for path in files(name):
            if re.match(r"lib\w.*\.so", path.name) and (".libs" in str(path.parent) or own not in path.name):
                part = library(path)
                mine = part.startswith(("libc10", "libtorch", "libcaffe2", "libshm"))
                assert mine or is_listed(part), f"{name}: {part}"
                seen.add(part)
                if part.startswith("libav") and part != "libavif":
                    content = path.read_bytes()
                    assert b"license: LGPL version 2.1 or later" in content and b"--enable-gpl" not in content, path
    assert {"libgfortran", "libavcodec", "libQt5Core"} <= seen
