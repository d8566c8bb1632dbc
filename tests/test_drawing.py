"""Boxes drawn so that they can be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detect.data import Box
from detect.data import Image as Photo
from detect.drawing import PALETTE, class_colours, draw
from detect.errors import ConfigError, DataError

GREY = (128, 128, 128)


def blank(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), GREY)


def changed(picture: Image.Image) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which pixels (H, W) are no longer grey."""
    return np.asarray(np.any(np.asarray(picture) != GREY[0], axis=2))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        pytest.param((8, 8), (1, 1, 7, 7), id="a picture smaller than its tag"),
        pytest.param((60, 40), (20, 10, 40, 30), id="a thumbnail"),
        pytest.param((200, 200), (150, 0, 200, 12), id="in the top right corner"),
        pytest.param((640, 480), (600, 470, 640, 480), id="in the bottom right corner"),
        pytest.param((640, 480), (-20, -20, 700, 500), id="larger than the picture"),
        pytest.param((640, 480), (300, 200, 300, 200), id="without extent"),
        pytest.param((640, 480), (900, 900, 950, 950), id="outside"),
        pytest.param((2000, 40), (10, 10, 100, 30), id="a strip"),
    ],
)
def test_something_is_drawn_wherever_the_box_lies(size: tuple[int, int], box: tuple[float, ...]) -> None:
    x1, y1, x2, y2 = box[:4]
    drawn = draw(blank(*size), [Box("rear bumper, dented", x1, y1, x2, y2, 0.5)])
    assert drawn.size == size
    assert changed(drawn).any()


def test_no_boxes_leave_the_picture_as_it_was() -> None:
    picture = blank(50, 40)
    assert not changed(draw(picture, [])).any()


def test_the_picture_given_is_not_changed() -> None:
    picture, array = blank(50, 40), np.full((40, 50, 3), 128, dtype=np.uint8)
    from_array = draw(array, [Box("dent", 5, 5, 40, 35)])
    assert not changed(picture).any()
    assert (array == 128).all()
    assert (np.asarray(from_array) == np.asarray(draw(picture, [Box("dent", 5, 5, 40, 35)]))).all()


def test_the_outline_is_where_the_box_is() -> None:
    drawn = changed(draw(blank(400, 300), [Box("dent", 100, 50, 300, 250)], tags="none"))
    rows, columns = np.nonzero(drawn)
    assert (columns.min(), columns.max()) == pytest.approx((100, 300), abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((50, 250), abs=2)
    assert not drawn[60:240, 110:290].any()  # its inside stays visible


@pytest.mark.parametrize("edge", [(0, 0, 200, 20), (0, 180, 200, 200), (180, 80, 200, 120)])
def test_a_tag_stays_whole_inside_the_picture(edge: tuple[float, float, float, float]) -> None:
    """Its filled area is the same at the border as in the middle of the picture."""

    def painted(box: tuple[float, float, float, float]) -> int:
        drawn = np.asarray(draw(blank(200, 200), [Box("dent", *box)], colours={"dent": "#FF0000"}))
        outline = np.asarray(draw(blank(200, 200), [Box("dent", *box)], colours={"dent": "#FF0000"}, tags="none"))
        return int(np.any(drawn != outline, axis=2).sum())

    assert painted(edge) == pytest.approx(painted((80, 80, 100, 100)), rel=0.35)


def test_tags_of_boxes_on_one_spot_do_not_hide_each_other() -> None:
    box = Box("dent", 200, 200, 300, 300)
    one = changed(draw(blank(640, 480), [box])).sum()
    two = changed(draw(blank(640, 480), [box, box._replace(label="tent")])).sum()
    outline = changed(draw(blank(640, 480), [box], tags="none")).sum()
    assert two - outline > 1.8 * (one - outline)


def test_lines_and_letters_grow_with_the_picture() -> None:
    def share(size: int) -> float:
        box = Box("dent", size * 0.25, size * 0.25, size * 0.75, size * 0.75)
        return float(changed(draw(blank(size, size), [box])).mean())

    assert share(3000) == pytest.approx(share(1000), rel=0.25)


def test_dashed_paints_less_colour_than_solid() -> None:
    box, red = Box("dent", 20, 20, 280, 180), {"dent": "#FF0000"}

    def reds(dashed: bool) -> int:
        drawn = np.asarray(draw(blank(300, 200), [box], colours=red, dashed=dashed, tags="none"))
        return int((drawn == (255, 0, 0)).all(axis=2).sum())

    assert reds(True) == pytest.approx(0.5 * reds(False), rel=0.2)


def test_colours_and_tags_may_be_given_per_box() -> None:
    boxes = [Box("dent", 10, 10, 90, 90), Box("dent", 110, 10, 190, 90)]
    drawn = np.asarray(draw(blank(200, 100), boxes, colours=["#FF0000", "#0000FF"], tags=["", ""]))
    assert (drawn[:, :100] == (255, 0, 0)).all(axis=2).any()
    assert (drawn[:, 100:] == (0, 0, 255)).all(axis=2).any()
    assert not (drawn[:, :100] == (0, 0, 255)).all(axis=2).any()


def test_a_class_keeps_its_colour() -> None:
    alone = np.asarray(draw(blank(100, 100), [Box("dent", 10, 10, 90, 90)], tags="none"))
    beside = draw(blank(100, 100), [Box("dent", 10, 10, 90, 90), Box("crack", 200, 200, 210, 210)], tags="none")
    assert (alone[11, 50] == np.asarray(beside)[11, 50]).all()


def test_many_classes_have_many_colours() -> None:
    colours = class_colours([f"class{i}" for i in range(24)])
    assert len(set(colours.values())) == 24
    assert tuple(colours.values())[: len(PALETTE)] == PALETTE


def test_labels_in_any_alphabet_are_drawn() -> None:
    texts = ["вмятина", "Beule größer", "εκδορά", "", "a" * 500, "line\nbreak"]
    boxes = [Box(text, 20, 20 * i, 60, 20 * i + 10) for i, text in enumerate(texts)]
    assert changed(draw(blank(200, 200), boxes)).any()


def test_an_image_a_path_and_what_a_program_holds_are_drawn_alike(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # stands upright at 30 x 60
    path = tmp_path / "a.png"
    Image.new("L", (60, 30), 128).save(path, exif=turned)
    boxes = (Box("dent", 3, 5, 20, 50),)
    image = Photo("a.png", 30, 60, boxes, path=path)
    expected = np.asarray(draw(blank(30, 60), boxes))
    for given in (image, path, str(path), Image.open(path), np.full((60, 30), 128, dtype=np.uint8)):
        drawn = draw(given, boxes)
        assert drawn.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(drawn), expected)
    np.testing.assert_array_equal(np.asarray(draw(image)), expected)  # its own boxes
    assert not changed(draw(image, [])).any()  # none


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.jpg: no such file"):
        draw(tmp_path / "absent.jpg", [])
    with pytest.raises(DataError, match=r"a\.jpg: the photo is not there"):
        draw(Photo("a.jpg", 9, 9))
    with pytest.raises(ConfigError, match="uint8, got float64"):
        draw(np.zeros((9, 9, 3)), [])
    with pytest.raises(ConfigError, match="draw needs boxes"):
        draw(blank(9, 9))
