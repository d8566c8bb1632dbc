"""What lies on the disk: the same bytes each time, in the four layouts, upright after EXIF; and bad input."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Pillow
from PIL import ImageOps

import detect.sample as room
from detect.cli import main
from detect.conversion import read
from detect.errors import ConfigError, DetectError
from detect.sample import CLASSES, GROUP, draw_sample, write_sample
from detect.sample.claims import photos
from detect.sample.photos import save, take
from detect.sample.worker_pool import draw_together

WIDTH = 160


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        write_sample(tmp_path / name, images=6, width=WIDTH, seed=seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "WORTH_A_POOL", 4)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    many = write_sample(tmp_path / "many", images=8, width=WIDTH)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    one = write_sample(tmp_path / "one", images=8, width=WIDTH)
    assert many == one
    assert digests(tmp_path / "many") == digests(tmp_path / "one")


def test_processes_start_after_opencv_has_threads_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A forked child would wait for those threads for ever.
    cv2.blur(np.zeros((2000, 2000, 3), np.float32), (9, 9))
    monkeypatch.setattr(room, "WORTH_A_POOL", 4)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert len(write_sample(tmp_path / "s", images=4, width=WIDTH)) == 4


def test_a_process_that_fails_is_reported_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DetectError, match="ended early"):
        list(draw_together(4, WIDTH, 0, tmp_path / "there is no such folder", 2))


def test_a_photo_does_not_depend_on_how_many_follow() -> None:
    few, more = list(draw_sample(3, width=WIDTH, seed=2)), list(draw_sample(5, width=WIDTH, seed=2))
    for (pixels, image), (again, same) in zip(few, more[:3], strict=True):
        assert image == same
        assert np.array_equal(pixels, again)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_boxes_refer_to_the_photo_as_exif_turns_it(orientation: int, tmp_path: Path) -> None:
    photo = next(p for p in photos(0, WIDTH) if p.scene.damages)
    photo = replace(photo, sensor=replace(photo.sensor, orientation=orientation, quality=95))
    pixels, taken = take(photo)
    saved = save(photo, tmp_path)
    assert saved == taken
    with Pillow.open(tmp_path / photo.name) as stored:
        assert stored.getexif().get(0x0112, 1) == orientation
        upright = ImageOps.exif_transpose(stored)
    assert upright.size == (saved.width, saved.height)
    error = np.abs(np.asarray(upright, np.int16) - pixels.astype(np.int16)).mean()
    turned = np.abs(np.asarray(upright.rotate(180), np.int16) - pixels.astype(np.int16)).mean()
    assert error < turned / 3  # JPEG and noise only


def test_portrait_photos_are_the_ones_turned_by_a_quarter() -> None:
    for photo in islice(photos(1, WIDTH), 200):
        portrait = photo.scene.height > photo.scene.width
        assert portrait == (photo.sensor.orientation in (6, 8))


def test_names_tell_the_claim_the_photo_and_the_view() -> None:
    planned = list(islice(photos(0, WIDTH), 40))
    assert len({p.name for p in planned}) == 40
    claims: dict[str, list[str]] = {}
    cars: dict[str, set[object]] = {}
    for photo in planned:
        match = re.fullmatch(r"(claim-\d{4})_(\d)_(front|left|rear|right)\.jpg", photo.name)
        assert match and match[3] == photo.scene.view
        assert re.match(GROUP, photo.name)[1] == match[1]  # type: ignore[index]
        claims.setdefault(match[1], []).append(match[2])
        cars.setdefault(match[1], set()).add(photo.scene.car)
    assert len(claims) >= 8
    assert all(len(found) == 1 for found in cars.values())
    assert all(numbers == [str(k + 1) for k in range(len(numbers))] for numbers in claims.values())


@pytest.mark.parametrize("form", ["voc", "yolo", "cvat", "coco"])
def test_each_format_reads_back(form: str, tmp_path: Path) -> None:
    written = write_sample(tmp_path / "s", images=5, width=WIDTH, format=form, seed=1)
    again = {i.name.rpartition("/")[2]: i for i in read(tmp_path / "s").images}
    assert set(again) == {i.name for i in written.images}
    for image in written.images:
        found = again[image.name]
        assert (found.width, found.height) == (image.width, image.height)
        assert [b.label for b in found.boxes] == [b.label for b in image.boxes]
        for a, b in zip(found.boxes, image.boxes, strict=True):
            assert a.xyxy == pytest.approx(b.xyxy, abs=1.01 if form == "voc" else 1e-3)
            if form == "cvat":  # LabelImg has no attributes
                assert a.attributes["severity"] == b.attributes["severity"]
                assert a.attributes["place"] == b.attributes["place"]


@pytest.mark.parametrize("images", [0, 1])
def test_none_and_one(images: int, tmp_path: Path) -> None:
    dataset = write_sample(tmp_path / "s", images=images, width=WIDTH)
    assert len(dataset) == images
    assert dataset.classes == CLASSES
    assert len(list((tmp_path / "s").rglob("*.jpg"))) == images


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"images": -1}, "images is -1"),  # below none
        ({"width": 10}, "width is 10"),  # no room for a car
        ({"seed": -3}, "seed is -3"),  # numpy takes none below 0
        ({"format": "bmp"}, "voc, yolo, cvat, coco"),  # the remedy names those there are
    ],
)
def test_a_wrong_number_is_refused_and_nothing_is_left(wrong: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        write_sample(tmp_path / "s", **{"images": 1, "width": WIDTH, **wrong})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(DetectError, match="already there"):
        write_sample(tmp_path, images=1, width=WIDTH)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        assert list(tmp_path.iterdir())  # the work was under way
        raise KeyboardInterrupt

    monkeypatch.setattr("detect.sample.photos.save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "s", images=2, width=WIDTH)
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_what_it_wrote(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["sample", str(tmp_path / "s"), "--images", "4", "--size", "160", "--json"])
    assert run.exit_code == 0
    result = json.loads(run.stdout)
    assert result["images"] == 4
    assert tuple(result["boxes"]) == CLASSES
    assert sum(result["boxes"].values()) == read(tmp_path / "s").boxes
    assert CliRunner().invoke(main, ["sample", str(tmp_path / "s"), "--images", "1"]).exit_code == 1
