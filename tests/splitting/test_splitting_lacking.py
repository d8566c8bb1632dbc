"""A class of which a split has no box is named, with how many there are."""

from __future__ import annotations

import pytest

from detect.data import Box, Dataset, Image
from detect.errors import Problems
from detect.splitting import split

LACKING = [
    # boxes of each class in the two images, what the note says; which of them is where hangs on the seed, but not on it
    ([{"dent": 1}, {"dent": 1}], None),
    ([{"dent": 1}, {}], "has no box of dent (1 in the data)"),
    ([{"dent": 2, "rust": 3}, {"dent": 1}], "has no box of rust (3 in the data)"),
    ([{"dent": 1}, {"rust": 1}], "has no box of rust (1 in the data); val has no box of dent (1 in the data)"),
    ([{}, {}], None),  # a class that the data has no box of is not missed
    ([{f"c{n}": 1 for n in range(11)}, {}], ", c7 (1 in the data) and 3 more classes"),
]


@pytest.mark.parametrize(("contents", "said"), LACKING)
def test_a_class_that_a_split_lacks_is_named(contents: list[dict[str, int]], said: str | None) -> None:
    classes = tuple(dict.fromkeys([*(label for one in contents for label in one), "dent"]))
    images = tuple(
        Image(f"{n}.jpg", 50, 50, tuple(Box(c, 1, 1, 5 + i, 5) for c, count in one.items() for i in range(count)))
        for n, one in enumerate(contents)
    )
    problems = Problems()
    split(Dataset(classes, images), (1, 1), problems=problems)
    notes = [problem.what for problem in problems if problem.kind == "class missing in a split"]
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0], notes
