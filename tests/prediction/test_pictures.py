"""Photos that a program holds: PIL images and arrays are looked at as files of the same content are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Photo

from detect.data import Dataset
from detect.errors import ConfigError, DataError
from detect.prediction import draw_predictions, predict
from detect.prediction.pictures import as_sources
from tests.prediction.brightest import Brightest, photo

COLOUR = np.random.default_rng(0).integers(0, 256, (10, 20, 3)).astype(np.uint8)
GREY = COLOUR[..., 0]
DEEP = GREY.astype(np.uint16) * 257 + 100  # 16 bits
FOUR = np.dstack([COLOUR, GREY])  # with transparency

Pixels = NDArray[Any]


def seen(given: Any) -> Pixels:
    """The one picture in it, as a detector gets it."""
    chosen = as_sources(given)
    (image,) = chosen.images
    picture = chosen.picture(image)
    assert (image.width, image.height) == picture.shape[1::-1]
    assert picture.dtype == np.uint8
    return picture


@pytest.mark.parametrize("pixels", [COLOUR, GREY, DEEP, FOUR], ids=["colour", "grey", "16-bit", "transparent"])
def test_arrays_and_pil_images_are_converted_as_files_are(tmp_path: Path, pixels: Pixels) -> None:
    path = tmp_path / "a.png"
    Photo.fromarray(pixels).save(path)
    file = seen(path)
    np.testing.assert_array_equal(seen(pixels), file)
    np.testing.assert_array_equal(seen(Photo.fromarray(pixels)), file)
    np.testing.assert_array_equal(seen(Photo.open(path)), file)
    assert file.std() > 50, "neither clipped nor black"


def test_sixteen_bits_of_colour_keep_their_upper_eight() -> None:
    np.testing.assert_array_equal(seen(COLOUR.astype(np.uint16) * 257), COLOUR)


@pytest.mark.parametrize("pixels", [COLOUR, GREY], ids=["colour", "grey"])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_pil_images_are_turned_upright_and_left_as_they_are(
    tmp_path: Path, name: str, orientation: int, pixels: Pixels
) -> None:
    exif = Photo.Exif()
    exif[0x0112] = orientation
    Photo.fromarray(pixels).save(tmp_path / name, exif=exif)
    opened = Photo.open(tmp_path / name)
    np.testing.assert_array_equal(seen(opened), seen(tmp_path / name))
    np.testing.assert_array_equal(seen(opened), seen(tmp_path / name), err_msg="a second time")
    assert opened.filename == str(tmp_path / name)
    if name != "a.tif":  # Pillow itself turns those while it reads them
        assert opened.size == (20, 10)


def test_pictures_in_memory_are_named_by_their_place_in_the_list(tmp_path: Path) -> None:
    white, black = np.full((10, 20, 3), 255, np.uint8), np.zeros((8, 6, 3), np.uint8)
    found = predict(Brightest(), [white, Photo.fromarray(black)])
    assert {name: [box.score for box in boxes] for name, boxes in found.images.items()} == {
        "picture-0": [1.0],
        "picture-1": [],
    }
    assert predict(Brightest(), white).images["picture-0"][0].xyxy == (0, 0, 20, 10)
    file = photo(tmp_path / "a.png")
    assert list(predict(Brightest(), [white, tmp_path / "a.png", black]).images) == ["a.png", "picture-0", "picture-2"]
    assert list(predict(Brightest(), [file, white]).images) == ["a.png", "picture-1"]


def test_paths_patterns_and_datasets(tmp_path: Path) -> None:
    files = tuple(photo(tmp_path / name) for name in ("a.png", "b.png"))
    expected = predict(Brightest(), files)
    ways: tuple[Any, ...] = (
        tmp_path,
        str(tmp_path / "*.png"),
        [tmp_path / "a.png", str(tmp_path / "b.png")],
        Dataset(("light",), files),
    )
    for given in ways:
        assert predict(Brightest(), given) == expected
    assert predict(Brightest(), files[0]).images == {"a.png": expected.images["a.png"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (COLOUR / 255, "uint8, got float64; of values in 0..1 make"),  # as matplotlib and torchvision have them
        (COLOUR.astype(np.int64), "uint8, got int64"),
        (GREY > 100, "uint8, got bool"),
        (np.zeros((0, 20, 3), np.uint8), "with pixels, got an array of shape (0, 20, 3)"),
        (Photo.new("RGB", (0, 5)), "with pixels, got 0 x 5 pixels"),
        (COLOUR.transpose(2, 0, 1), "array.transpose(1, 2, 0)"),  # channels first, as torch has them
        (COLOUR[None], "give several as a list: list(array)"),
        (COLOUR[0, 0], "got an array of shape (3,)"),
        (COLOUR[..., :2], "got an array of shape (10, 20, 2)"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), "more than 100,000,000 pixels"),
        (b"JPEG", "got bytes"),
        (None, "got NoneType"),
        ([[1, 2], [3, 4]], "got list"),
    ],
)
def test_what_is_no_picture_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        predict(Brightest(), given)
    assert said in str(error.value)
    assert str(error.value).startswith("picture-0: ")


def test_all_that_are_no_pictures_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        predict(Brightest(), [COLOUR, COLOUR / 255, COLOUR[..., :1]])
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["picture-1", "picture-2"]
    with pytest.raises(ConfigError, match="and 1 more"):
        predict(Brightest(), [None] * 21)  # type: ignore[list-item]


def test_a_pil_image_of_a_damaged_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    Photo.fromarray(COLOUR.repeat(20, 0).repeat(20, 1)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:3000])
    said = "picture-1: cannot be read as an image: image file is truncated"
    with Photo.open(tmp_path / "a.jpg") as damaged, pytest.raises(DataError, match=said):
        predict(Brightest(), [COLOUR, damaged])


@pytest.mark.parametrize("make", [np.asarray, Photo.fromarray])
def test_boxes_are_drawn_onto_pictures_in_memory(tmp_path: Path, make: Callable[[Pixels], Any]) -> None:
    pictures = [make(np.full((100, 200, 3), 90, np.uint8))]
    found = predict(Brightest(), pictures)
    draw_predictions(found, pictures, tmp_path / "drawn")
    drawn = np.asarray(Photo.open(tmp_path / "drawn" / "picture-0.jpg")).astype(int)
    assert drawn.shape == (100, 200, 3)
    assert abs(drawn[50, 0] - 90).max() > 50, "an edge of the box"
