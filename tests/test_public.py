"""`import detect`: every public name is a plain function or type, lazy, documented, and fit for other processes."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

import detect
from detect import Box, DataError, Dataset, Image, MissingExtra, Predictions
from detect.evaluation import metrics_document
from detect.version import __version__

ROOT = Path(__file__).resolve().parents[1]
TRUTH = Dataset(("dent",), (Image("a.jpg", 100, 100, (Box("dent", 10, 10, 50, 50),)), Image("b.jpg", 100, 100)))
FOUND = Predictions(("dent",), {"a.jpg": (Box("dent", 10, 10, 50, 50, 0.9),), "b.jpg": ()})


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """One process that starts from nothing, as on Windows and macOS."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def test_every_public_name_has_a_home_and_is_listed() -> None:
    homes = [name for names in detect._HOMES.values() for name in names]
    assert sorted(homes) == detect.__all__
    assert set(detect.__all__) <= set(dir(detect))
    assert detect.__version__ == __version__


@pytest.mark.parametrize("name", detect.__all__)
def test_a_public_name_is_a_documented_function_or_type(name: str) -> None:
    value = getattr(detect, name)
    assert inspect.isfunction(value) or inspect.isclass(value)
    assert value.__name__ == name
    text = inspect.getdoc(value) or ""
    assert len(text.split()) > 3 and not text.startswith(f"{name}("), (
        "what a dataclass writes by itself is no docstring"
    )
    assert pickle.loads(pickle.dumps(value)) is value  # noqa: S301
    if inspect.isfunction(value):
        hints = [value.__annotations__.get(one) for one in (*inspect.signature(value).parameters, "return")]
        assert None not in hints


def test_the_reference_is_what_the_docstrings_say() -> None:
    code = "import runpy; t = runpy.run_path('tools/api.py'); print(open('docs/api.md').read() == t['reference']())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "True\n", f"run python tools/api.py\n{done.stderr}"


def test_an_evaluation_and_a_comparison_are_a_readable_line() -> None:
    one = replace(TRUTH, images=TRUTH.images[:1])
    found = replace(FOUND, images={"a.jpg": FOUND.images["a.jpg"]})
    assert repr(detect.evaluate(one, found, replicates=0)) == (
        "Evaluation(1 image, 1 class: map=1.000 map50=1.000 precision=1.000 recall=1.000 f1=1.000)"
    )
    assert repr(detect.compare(TRUTH, FOUND, FOUND, replicates=100)).startswith(
        "Comparison(2 images, B beside A: map +0.000 (+0.000 to +0.000) cannot tell, "
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'boxes'"):
        detect.boxes  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("numpy", "torch", "cv2", "PIL", "click", "yaml", "pydantic")
    code = f"import sys, detect; dir(detect); print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_importing_a_package_hides_no_function() -> None:
    """A package `detect.train` would take the place of the function once it is imported."""
    modules = [path.stem for path in Path(detect.__file__).parent.iterdir()]
    assert not set(modules) & set(detect.__all__)


def test_every_public_name_reaches_another_process(pool: ProcessPoolExecutor) -> None:
    public = [getattr(detect, name) for name in detect.__all__]
    assert list(pool.map(pickle.dumps, public)) == [pickle.dumps(one) for one in public]


def test_functions_work_in_another_process(pool: ProcessPoolExecutor) -> None:
    here = detect.evaluate(TRUTH, FOUND, replicates=10)
    there = pool.submit(detect.evaluate, TRUTH, FOUND, replicates=10).result()
    assert there.metrics["map50"] == here.metrics["map50"] == pytest.approx(1)
    assert metrics_document(there) == metrics_document(here)
    divided = pool.submit(detect.split, TRUTH, (1, 1), seed=3).result()
    assert divided == detect.split(TRUTH, (1, 1), seed=3)


def test_an_error_comes_back_from_another_process_whole(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<annotation><size></annotation>")
    with pytest.raises(DataError) as here:
        detect.read(tmp_path)
    with pytest.raises(DataError) as there:
        pool.submit(detect.read, tmp_path).result()
    assert there.value.problems == here.value.problems
    copy = pickle.loads(pickle.dumps(MissingExtra("torch", "train")))  # noqa: S301
    assert (copy.package, copy.extra, str(copy)) == ("torch", "train", str(MissingExtra("torch", "train")))
