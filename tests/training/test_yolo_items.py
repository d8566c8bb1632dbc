"""How training images reach ultralytics: upright, with exact boxes, and varied by (seed, epoch, position) alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Photo

from detect.data import Box, Image
from detect.decoding import open_upright
from detect.errors import DataError
from detect.models.yolo.library import get_cfg
from detect.recipes import Augment, Recipe
from detect.training.augmentation import Defects
from detect.training.sampler import EpochSampler
from detect.training.yolo.arguments import arguments
from detect.training.yolo.items import Items, Still, Upright

# How a camera stores an upright picture for each EXIF orientation: the transposition that undoes the viewer's.
STORED = {1: None, 3: Photo.Transpose.ROTATE_180, 6: Photo.Transpose.ROTATE_90, 8: Photo.Transpose.ROTATE_270}


def items(images: list[Image], *, augment: bool, seed: int = 0, vary: Augment | None = None) -> Items:
    recipe = Recipe(model="yolov5n", imgsz=64, augment=vary or Augment())
    args = arguments(recipe, torch.device("cpu"), Path("unused"))
    return Items(images, ("red",), seed, imgsz=64, batch_size=2, augment=augment, hyp=get_cfg(overrides=args))


def photo(folder: Path, name: str, orientation: int = 1) -> Image:
    """64 x 32, black, with a red box at (8, 4)-(24, 20)."""
    upright = Photo.new("RGB", (64, 32))
    upright.paste((255, 0, 0), (8, 4, 24, 20))
    turn = STORED[orientation]
    exif = Photo.Exif()
    exif[0x0112] = orientation
    (upright if turn is None else upright.transpose(turn)).save(folder / name, exif=exif, quality=95)
    return Image(name, 64, 32, (Box("red", 8, 4, 24, 20),), path=folder / name)


@pytest.mark.parametrize("orientation", STORED)
def test_photos_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    (picture, size, _) = items([photo(tmp_path, "a.jpg", orientation)], augment=False).load_image(0)
    assert size == (32, 64)
    red = np.argwhere(picture[:, :, 2].astype(int) > 128)  # BGR
    assert red.min(0).tolist() == pytest.approx([4, 8], abs=1)
    assert red.max(0).tolist() == pytest.approx([19, 23], abs=1)


def test_labels_are_the_boxes(tmp_path: Path) -> None:
    undamaged = Image("b.jpg", 64, 32, path=photo(tmp_path, "b.jpg").path)
    labels = items([photo(tmp_path, "a.jpg"), undamaged], augment=False).labels
    assert labels[0]["bboxes"].tolist() == [[16 / 64, 12 / 32, 16 / 64, 16 / 32]]
    assert (labels[1]["bboxes"].shape, labels[1]["cls"].shape) == ((0, 4), (0, 1))


def test_a_label_cache_beside_the_photos_is_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "labels.cache").write_bytes(b"a pickle may stand here")
    (tmp_path / "a.npy").write_bytes(b"a stray array")
    one = items([photo(tmp_path, "a.jpg")], augment=False)
    one[0]
    assert {path.name for path in tmp_path.iterdir()} == {"labels.cache", "a.npy", "a.jpg"}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return torch.equal(a["img"], b["img"]) and torch.equal(a["bboxes"], b["bboxes"])


def test_an_item_depends_on_seed_epoch_and_position_only(tmp_path: Path) -> None:
    images = [photo(tmp_path, f"{k}.jpg") for k in range(5)]
    fresh, used = items(images, augment=True), items(images, augment=True)
    for key in range(8):  # whatever was drawn before
        used[key]
    np.random.seed(99)
    for key in (3, 5 + 3, 10 + 2):  # epochs 0, 1, 2
        assert same(fresh[key], used[key])
    assert not same(fresh[3], fresh[5 + 3]), "another epoch varies the image anew"
    assert not same(fresh[3], items(images, augment=True, seed=1)[3]), "and so does another seed"


def test_photos_are_decoded_once_while_they_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What varies them works on copies, also where nothing is moved; with less room, fewer are kept."""
    images = [photo(tmp_path, f"{k}.jpg") for k in range(40)]
    calls = list[Path]()

    def opened(path: Path) -> Photo.Image:
        calls.append(path)
        return open_upright(path)

    monkeypatch.setattr("detect.training.yolo.items.open_upright", opened)
    still = Augment(mosaic=0, mirror=1, flip=1, zoom=0, shift=0, cutout=1)
    args = arguments(Recipe(model="yolov5n", imgsz=64, augment=still), torch.device("cpu"), Path("unused"))
    some = Items(images, ("red",), 0, Defects(still), imgsz=64, batch_size=2, augment=True, hyp=get_cfg(overrides=args))
    shown = [some[key]["img"] for key in range(40)]
    kept = [one.copy() for one in some.ims]
    assert len(calls) == 40
    again = [some[key]["img"] for key in range(40)]
    assert len(calls) == 40
    assert all(torch.equal(a, b) for a, b in zip(shown, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(kept, some.ims, strict=True))
    monkeypatch.setattr("detect.training.yolo.items.KEPT", 5 * 64 * 64 * 3)
    few = items(images, augment=True)
    for key in range(40):
        few[key]
    assert sum(one is not None for one in few.ims) == 5


def test_orders_are_permutations_of_their_own() -> None:
    order = EpochSampler(10, seed=0, epoch=0)
    first, second = list(order), list(order)
    assert sorted(first) == list(range(10))
    assert sorted(second) == list(range(10, 20))  # keys carry the epoch
    assert [key % 10 for key in first] != [key % 10 for key in second]
    assert list(EpochSampler(10, seed=0, epoch=1)) == second  # a resumed run meets the same order
    assert list(EpochSampler(0, seed=0, epoch=3)) == []


def test_a_file_that_is_no_image_is_left_out_and_named(tmp_path: Path) -> None:
    images = [photo(tmp_path, f"{k}.jpg") for k in range(4)]
    (tmp_path / "2.jpg").write_bytes(b"not an image")
    some = items(images, augment=True)
    seen = [some[key] for key in range(8)]
    assert {name for item in seen for name in item["unreadable"]} == {"2.jpg"}
    assert [item["name"] for item in seen] == [f"{k % 4}.jpg" for k in range(8)]
    assert all(item["img"].shape == (3, 64, 64) for item in seen)
    for image in images:
        (tmp_path / image.name).write_bytes(b"not an image")
    with pytest.raises(DataError, match="none of the training photos can be read"):
        items(images, augment=True)[0]


def test_boxes_stay_right_in_a_mosaic(tmp_path: Path) -> None:
    """Parts of four photos, mirrored, zoomed, shifted: what is red is boxed, and boxes hold red up to their edges."""
    images = [photo(tmp_path, f"{k}.png") for k in range(8)]
    vary = Augment(mosaic=1, mosaic_off=0, mirror=0.5, flip=0.5, zoom=0.3, shift=0.1, hue=0, saturation=0, brightness=0)
    args = arguments(Recipe(model="yolov5n", imgsz=64, epochs=30, augment=vary), torch.device("cpu"), Path("unused"))
    hyp = get_cfg(overrides=args)
    some = Items(images, ("red",), 0, imgsz=64, batch_size=2, augment=True, hyp=hyp)
    several = checked = 0
    for key in range(120):
        item = some[key]
        red = (item["img"][0] > 128).numpy() & (item["img"][1] < 100).numpy()
        several += len(item["bboxes"]) > 1
        boxed = np.zeros_like(red)
        for x, y, width, height in item["bboxes"].numpy() * 64:
            left, top, right, bottom = (
                round(v) for v in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            )
            inside = red[max(0, top + 1) : bottom - 1, max(0, left + 1) : right - 1]
            checked += inside.size > 0
            assert not inside.size or inside.mean() > 0.9
            boxed[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = True
        assert (red & ~boxed).sum() < 0.1 * red.sum() + 30  # slivers at an edge are dropped
    assert several > 60
    assert checked > 150


def test_a_damage_that_a_cutout_hides_is_no_label(tmp_path: Path) -> None:
    """For a YOLO, too: what is grey for the most part is not there, and a box in part covered shrinks to the rest."""
    recipe = Recipe(model="yolov5n", imgsz=64, augment=Augment(cutout=1, mosaic=0, mirror=0, zoom=0, shift=0))
    args = get_cfg(overrides=arguments(recipe, torch.device("cpu"), Path("unused")))
    boxes = tuple(Box("red", x, y, x + 6, y + 6) for x in range(1, 57, 8) for y in range(1, 25, 8))
    image = Image("a.jpg", 64, 32, boxes, path=photo(tmp_path, "a.jpg").path)
    shown = Items([image], ("red",), 0, Defects(recipe.augment), imgsz=64, batch_size=1, augment=True, hyp=args)
    counts = set()
    for epoch in range(20):
        item = shown[epoch]
        grey = (item["img"] == 114).all(dim=0).numpy()
        assert len(item["cls"]) == len(item["bboxes"])
        counts.add(len(item["cls"]))
        for x, y, width, height in item["bboxes"].numpy() * 64:
            rows = slice(round(y - height / 2), round(y + height / 2))
            assert grey[rows, round(x - width / 2) : round(x + width / 2)].mean() < 0.8
    assert min(counts) < len(boxes)
    assert max(counts) > len(boxes) / 2


def test_validation_sees_the_photos_as_in_use(tmp_path: Path) -> None:
    """Letterboxed: 64 x 32 in 64 x 32, so the box (8, 4)-(24, 20) stands where it stood."""
    still = Upright([photo(tmp_path, "a.jpg", 6)], ("red",), 64)[0]
    assert isinstance(still, Still)
    assert still.pixels.shape == (3, 32, 64)
    assert still.boxes.tolist() == [[16 / 64, 12 / 32, 16 / 64, 16 / 32]]
    tall = Image("b.jpg", 64, 32, (Box("red", 8, 4, 24, 20),), path=photo(tmp_path, "b.jpg").path)
    small = Upright([tall], ("red",), 32)[0]  # 32 x 16, between two bands of 8 grey rows
    assert isinstance(small, Still)
    assert small.pixels.shape == (3, 32, 32)
    assert small.boxes.tolist() == [[8 / 32, (6 + 8) / 32, 8 / 32, 8 / 32]]


def test_training_decodes_as_use_does(tmp_path: Path) -> None:
    """A dark 16-bit photo, one with transparency: no two ways to read a file."""
    rng = np.random.default_rng(0)
    Photo.fromarray(rng.integers(0, 200, (64, 64), dtype=np.uint16)).save(tmp_path / "dark.png")
    Photo.fromarray(rng.integers(0, 255, (64, 64, 4), dtype=np.uint8), "RGBA").save(tmp_path / "clear.tif")
    images = [Image(name, 64, 64, path=tmp_path / name) for name in ("dark.png", "clear.tif")]
    for place, image in enumerate(images):
        (picture, *_), still = items(images, augment=False).load_image(place), Upright(images, ("red",), 64)[place]
        assert isinstance(still, Still)
        np.testing.assert_array_equal(picture[..., ::-1].transpose(2, 0, 1), still.pixels.numpy(), err_msg=image.name)


def test_slivers_are_dropped_and_turned_boxes_enclose_what_they_show(tmp_path: Path) -> None:
    """ultralytics keeps a box of which a tenth or more is in the picture."""
    images, kept = [photo(tmp_path, "a.png")], list[float]()
    still: dict[str, Any] = {"mosaic": 0, "mirror": 0, "zoom": 0, "hue": 0, "saturation": 0, "brightness": 0}
    for vary in ({"shift": 0.5}, {"shift": 0.1, "rotation": 20}):
        some = items(images, augment=True, vary=Augment(**{**still, **vary}))
        for epoch in range(120):
            item = some[epoch]
            for x, y, width, height in item["bboxes"].numpy() * 64:
                red = np.argwhere((item["img"][0] > 128).numpy() & (item["img"][1] < 100).numpy())
                seen = [red[:, 1].min(), red[:, 0].min(), red[:, 1].max() + 1, red[:, 0].max() + 1]
                box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
                slack = 2 if "rotation" not in vary else 4  # the corners of a turned square are dark
                np.testing.assert_allclose(box, seen, atol=slack)
                if "rotation" not in vary:
                    kept.append(width * height / 16**2)
    assert 20 < len(kept) < 120
    assert min(kept) >= 0.1
