"""Frames of videos: their times, gaps that shift no number, ends that are missing, and pictures that are turned."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import detect
from detect.cli import main
from detect.conversion import read_predictions
from detect.errors import DataError, Problems
from detect.prediction import Sources, predict, sources
from detect.prediction.video_index import VideoIndex
from tests.prediction.brightest import Brightest

FRAMES = 40


def video(path: Path, codec: str = "MJPG", frames: int = FRAMES) -> Path:
    """A bar that grows by two pixels in each frame, ten frames a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (96, 64))
    for number in range(frames):
        picture = np.zeros((64, 96, 3), np.uint8)
        picture[:, : 2 * number + 2] = 255
        writer.write(picture)
    writer.release()
    return path


def number_seen(chosen: Sources, place: int) -> int:
    """The number of a frame by the bar in it."""
    picture = chosen.picture(chosen.images[place])
    return round(float((picture[32, :, 0] > 128).sum()) / 2) - 1


def damaged(path: Path, *numbers: int) -> Path:
    """The same MJPEG in AVI with zeros in the place of some frames."""
    data = bytearray(path.read_bytes())
    chunks = [found.start() for found in re.finditer(b"00dc....\xff\xd8", bytes(data), re.DOTALL)]
    assert len(chunks) == FRAMES
    for number in numbers:
        start = chunks[number] + 8
        (size,) = struct.unpack("<I", data[start - 4 : start])
        data[start : start + size] = bytes(size)
    path.write_bytes(data)
    return path


def boxed(data: bytes, names: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    """An MP4 with another content of the box that these names lead to; boxes around it get their new lengths."""
    at = 0
    while data[at + 4 : at + 8] != names[0]:
        at += int.from_bytes(data[at : at + 4])
    end = at + int.from_bytes(data[at : at + 4])
    inner = data[at + 8 : end]
    inner = boxed(inner, names[1:], change) if len(names) > 1 else change(inner)
    return data[:at] + struct.pack(">I", 8 + len(inner)) + names[0] + inner + data[end:]


TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def moov_first(data: bytes) -> bytes:
    """An MP4 whose index comes before its frames, as for the web."""
    at = data.index(b"moov") - 4
    length = len(data) - at

    def moved(inner: bytes) -> bytes:
        places = struct.unpack(f">{len(inner) // 4 - 2}I", inner[8:])
        return inner[:8] + struct.pack(f">{len(places)}I", *(place + length for place in places))

    moov = boxed(data[at:], (*TABLE, b"stco"), moved)
    first = int.from_bytes(data[:4])
    return data[:first] + moov + data[first:at]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "MJPG"), ("a.mov", "mp4v")]
)
def test_frames_have_their_time(tmp_path: Path, name: str, codec: str) -> None:
    chosen = sources(video(tmp_path / name, codec), every=4)
    assert chosen.problems == ()
    assert [image.attributes["seconds"] for image in chosen.images] == pytest.approx([0.4 * k for k in range(10)])
    assert [number_seen(chosen, k) for k in (3, 9, 0)] == [12, 36, 0], "forth and back"


def test_frames_of_a_variable_rate_have_the_times_of_the_container(tmp_path: Path) -> None:
    data = video(tmp_path / "a.mp4", "mp4v").read_bytes().replace(b"edts", b"free")

    def uneven(inner: bytes) -> bytes:
        (step,) = struct.unpack(">I", inner[12:16])
        return struct.pack(">8I", 0, 3, 20, step, 1, 5 * step, 19, 2 * step)

    (tmp_path / "a.mp4").write_bytes(boxed(data, (*TABLE, b"stts"), uneven))
    chosen = sources(tmp_path / "a.mp4")
    assert chosen.problems == ()
    times = [image.attributes["seconds"] for image in chosen.images]
    assert times == pytest.approx([*(0.1 * k for k in range(21)), *(2.5 + 0.2 * k for k in range(19))])
    assert [number_seen(chosen, k) for k in (19, 20, 39)] == [19, 20, 39]


def test_a_video_that_a_phone_has_turned_stands_upright(tmp_path: Path) -> None:
    data = video(tmp_path / "a.mp4", "mp4v").read_bytes()

    def turned(inner: bytes) -> bytes:
        return inner[:40] + struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30) + inner[76:]

    (tmp_path / "a.mp4").write_bytes(boxed(data, (b"moov", b"trak", b"tkhd"), turned))
    chosen = sources(tmp_path / "a.mp4", every=10)
    assert {(image.width, image.height) for image in chosen.images} == {(64, 96)}
    assert chosen.picture(chosen.images[0]).shape == (96, 64, 3)
    assert predict(Brightest(), chosen).images["a.mp4/000030"][0].xyxy == (0, 0, 64, 96)


@pytest.mark.parametrize("gone", [(20,), (9, 10, 11, 12), (5, 6, 30), (0,), (0, 1, 2)])
def test_a_gap_is_an_error_or_named_and_shifts_no_number(tmp_path: Path, gone: tuple[int, ...]) -> None:
    chosen = sources(damaged(video(tmp_path / "a.avi"), *gone))
    with pytest.raises(DataError) as error:
        predict(Brightest(), chosen, confidence=0.0)
    assert [one.where for one in error.value.problems] == [f"frame {number}" for number in gone]
    problems = Problems()
    found = predict(Brightest(), chosen, confidence=0.0, on_error="skip", problems=problems)
    there = [number for number in range(FRAMES) if number not in gone]
    assert list(found.images) == [f"a.avi/{number:06d}" for number in there]
    assert [found.images[f"a.avi/{n:06d}"][0].score for n in there] == pytest.approx(
        [(n + 1) / 48 for n in there], abs=0.01
    )
    assert found.seconds["a.avi/000039"] == pytest.approx(3.9)
    assert problems.summary()[0].startswith(f"{len(gone)} error: undecodable frame")
    assert f"at {gone[0] / 10:.2f} s cannot be decoded" in problems.summary()[0]


def test_a_gap_that_nobody_asked_for_is_none(tmp_path: Path) -> None:
    chosen = sources(damaged(video(tmp_path / "a.avi"), 13, 14), every=10)
    assert list(predict(Brightest(), chosen).images) == [f"a.avi/{number:06d}" for number in (0, 10, 20, 30)]
    assert chosen.problems == ()


@pytest.mark.parametrize(
    ("name", "codec", "share", "level"),
    [
        ("a.avi", "MJPG", 0.95, "note"),
        ("a.mkv", "MJPG", 0.9, "note"),
        ("a.mp4", "mp4v", 0.95, "note"),
        ("a.avi", "MJPG", 0.6, "error"),
        ("a.mkv", "MJPG", 0.6, "error"),
        ("a.mp4", "mp4v", 0.6, "error"),
    ],
)
def test_a_missing_end_is_a_note_where_it_is_short(
    tmp_path: Path, name: str, codec: str, share: float, level: str
) -> None:
    data = video(tmp_path / name, codec).read_bytes()
    data = moov_first(data) if name.endswith("mp4") else data
    (tmp_path / name).write_bytes(data[: round(share * len(data))])
    chosen = sources(tmp_path / name)
    (told,) = chosen.problems
    count, seconds = re.search(r"(\d+|last) of 40 frames .*\((\d\.\d\d) s\)", told.what).groups()  # type: ignore[union-attr]
    missing = 1 if count == "last" else int(count)
    assert (str(told.level), len(chosen.images)) == (level, FRAMES - missing)
    assert float(seconds) == pytest.approx(missing / 10)
    if level == "error":
        with pytest.raises(DataError, match="was it copied whole"):
            predict(Brightest(), chosen)
    problems = Problems()
    found = predict(Brightest(), chosen, on_error="skip", problems=problems)
    assert FRAMES - missing - len(found.images) <= 1, "the cut may go through a frame"
    assert len(problems) == 1


def test_a_file_that_breaks_off_before_its_index_says_so(tmp_path: Path) -> None:
    data = video(tmp_path / "a.mp4", "mp4v").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"a\.mp4: cannot be read as a video: the file breaks off"):
        sources(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("stamps", "announced", "holes"),
    [
        ((0, 100, 200, 300), 4, []),
        ((0, 100, 400, 500), 6, [(2, 2)]),
        ((0, 33, 67, 167, 200), 7, [(3, 2)]),
        ((0, 33, 67, 167, 200), 6, []),  # so many are not announced
        ((0, 100, 400, 500), 4, []),  # a recording that stood still: none is announced there
        ((0, 50, 200, 500, 510), 9, []),  # no steady rate
        ((0,), 1, []),
        ((), 3, []),
    ],
)
def test_holes_are_found_where_the_rate_is_steady(
    stamps: tuple[float, ...], announced: int, holes: list[tuple[int, int]]
) -> None:
    rate = 30.0 if 33 in stamps else 10.0
    assert VideoIndex(len(stamps) or 3, stamps, rate, announced).holes() == holes


def test_a_decoded_frame_is_known_by_its_stamp(tmp_path: Path) -> None:
    index = VideoIndex(4, (0.0, 33.3, 66.7, 100.0), 30.0, 4)
    assert [index.number(66.5, 0), index.number(100.0, 0), index.number(50.0, 0), index.number(33.3, 1)] == [2, 3, 1, 2]
    assert VideoIndex(4, (), 30.0, 4).number(66.5, 0) == 1
    assert VideoIndex(4, (), 30.0, 4).seconds(3) == pytest.approx(0.1)


def test_times_are_kept_with_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video(tmp_path / "a.avi")
    monkeypatch.setattr("detect.models.load_detector", lambda path, **_: Brightest())
    words = ["predict", "run", str(path), "--every", "15", "--out", str(tmp_path / "p.json"), "-q"]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 0, answer.output
    found = predict(Brightest(), sources(path, every=15))
    assert found.seconds == {"a.avi/000000": 0.0, "a.avi/000015": 1.5, "a.avi/000030": 3.0}
    assert read_predictions(tmp_path / "p.json") == found
    detect.write_predictions(found, tmp_path / "again.json")
    assert read_predictions(tmp_path / "again.json") == found
    images = detect.read(tmp_path / "p.json").images
    assert [image.attributes["seconds"] for image in images] == [0.0, 1.5, 3.0]
