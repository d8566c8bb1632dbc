"""What boxes and images refuse where they are made."""

from __future__ import annotations

import math
import pickle

import pytest

from detect.data import Box, Image
from detect.errors import DataError

DENT = Box("dent", 10, 20, 40, 25)

NAN, INF = math.nan, math.inf
WRONG_CORNERS = [
    # corners, is it wrong for a prediction, too?, all that must be said
    ((NAN, 0, 5, 5), True, ["x1 is nan"]),
    ((0, NAN, 5, INF), True, ["y1 is nan, y2 is inf"]),
    ((-INF, 0, 5, 5), True, ["x1 is -inf"]),
    ((5, 0, 4, 5), True, ["x1, x2 are 5, 4: swapped"]),
    ((5, 9, 4, 7), True, ["x1, x2 are 5, 4: swapped", "y1, y2 are 9, 7: swapped"]),
    ((5, 0, 5, 5), False, ["x1, x2 are 5, 5: no area"]),
    ((0, 3, 5, 3), False, ["y1, y2 are 3, 3: no area"]),
]


@pytest.mark.parametrize(("corners", "always", "said"), WRONG_CORNERS)
def test_a_wrong_box_is_refused(corners: tuple[float, float, float, float], always: bool, said: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        Box("dent", *corners)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(said)
    assert all(what in line and "box 'dent'" in line for what, line in zip(said, lines, strict=True))
    if always:
        with pytest.raises(DataError):
            Box("dent", *corners, score=0.5)
    else:
        assert Box("dent", *corners, score=0.5).area == 0


def test_a_box_is_checked_however_it_is_made() -> None:
    with pytest.raises(DataError, match="swapped"):
        DENT._replace(x2=1)
    with pytest.raises(DataError, match="x1 is nan"):
        Box._make(("dent", NAN, 0, 1, 1))
    with pytest.raises(DataError, match="no area"):
        Box("dent", 5, 0, 5, 5, 0.5)._replace(score=None)  # a prediction taken for truth
    assert Box._make(DENT) == DENT
    assert pickle.loads(pickle.dumps(DENT)) == DENT  # noqa: S301


WRONG_IMAGES = [
    # name, width, height, what must be said
    ("", 9, 9, "the name '' is empty"),
    ("/photos/a.jpg", 9, 9, "'/photos/a.jpg' is absolute"),
    ("C:\\photos\\a.jpg", 9, 9, "is absolute"),
    ("c:a.jpg", 9, 9, "is absolute"),
    ("\\\\server\\a.jpg", 9, 9, "is absolute"),
    ("../a.jpg", 9, 9, "leaves the dataset"),
    ("a/../../b.jpg", 9, 9, "leaves the dataset"),
    ("a\\..\\..\\b.jpg", 9, 9, "leaves the dataset"),
    ("..", 9, 9, "leaves the dataset"),
    ("./a.jpg", 9, 9, "an empty part or a part `.`"),  # another name of a.jpg, which would be two images
    ("a//b.jpg", 9, 9, "an empty part"),
    ("a/", 9, 9, "an empty part"),
    ("a.jpg", 0, 9, "a.jpg: is 0 x 9; a photo is 1 pixel wide and high at least"),
    ("a.jpg", 9, -1, "is 9 x -1"),
    ("a.jpg", math.nan, 9, "is nan x 9"),
    ("a.jpg", math.inf, 9, "is inf x 9"),
]


@pytest.mark.parametrize(("name", "width", "height", "said"), WRONG_IMAGES)
def test_a_wrong_image_is_refused(name: str, width: int, height: int, said: str) -> None:
    with pytest.raises(DataError) as caught:
        Image(name, width, height)
    assert said in str(caught.value)


def test_all_that_is_wrong_with_an_image_is_said_at_once() -> None:
    with pytest.raises(DataError) as caught:
        Image("/a.jpg", 0, 0)
    assert len(caught.value.problems) == 2
