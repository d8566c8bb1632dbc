"""What is looked at in folders and lists, and what is passed over and said to be."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image as Photo

from detect.cli import main
from detect.conversion import read_predictions, write, write_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError, DataError
from detect.operating_point import OperatingPoint, Suppression
from detect.prediction import Sources, predict, sources
from tests.prediction.brightest import Brightest, photo
from tests.prediction.test_looking import video

JPEG = io.BytesIO()
Photo.new("RGB", (8, 6)).save(JPEG, "JPEG")


def names(found: Sources) -> list[str]:
    return [image.name for image in found.images]


def notes(found: Sources) -> dict[str, int]:
    """How many there are of each kind."""
    kinds = [one.kind for one in found.problems if one.level == "note"]
    return {kind: kinds.count(kind) for kind in kinds}


@pytest.mark.parametrize(
    ("file", "content", "kind"),
    [
        ("walk.MOV", b"film", "video"),
        ("a.pdf", b"%PDF-1.7", "PDF file"),
        ("IMG_1.CR2", b"II*\0", "raw photo"),  # whose content looks like TIFF
        ("all.zip", b"PK", "archive"),
        ("report.docx", b"PK", "document"),
        ("a.jpg_large", JPEG.getvalue(), "photo under another name"),
        ("IMG_2", JPEG.getvalue(), "photo under another name"),  # no ending
        ("photo.mp4", JPEG.getvalue(), "photo under another name"),  # the ending of a video
        ("film", b"\0\0\0\x18ftypmp42", "video"),  # no ending
        ("stream", (b"G" + bytes(187)) * 4, "video"),  # MPEG transport stream
        ("song.xyz", b"\0\0\0\x18ftypM4A ", "other file"),  # sound
        ("a.psd", b"8BPS", "other file"),
        ("1.txt", b"a scratch on the door", "text files"),
        (".hidden", b"", ""),
        (".cache/1.jpg", JPEG.getvalue(), ""),
        ("Thumbs.db", b"", ""),
        ("__MACOSX/._1.jpg", b"", ""),
        ("@eaDir/1.jpg", JPEG.getvalue(), ""),  # thumbnails of a Synology
        ("$RECYCLE.BIN/1.jpg", JPEG.getvalue(), ""),
    ],
)
def test_what_is_passed_over_in_a_folder_is_named(tmp_path: Path, file: str, content: bytes, kind: str) -> None:
    photo(tmp_path / "1.png")
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    found = sources(tmp_path)
    assert names(found) == ["1.png"]
    assert notes(found) == ({f"{kind} passed over": 1} if kind else {})


def test_many_files_are_one_line_for_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path / "in" / "1.png")
    for k in range(30):
        (tmp_path / "in" / f"{k}.txt").write_text("a caption")
        (tmp_path / "in" / f"{k}.json").write_text("{}")
        (tmp_path / "in" / f"{k:02}.mov").write_bytes(b"film")
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Brightest())
    answer = CliRunner().invoke(main, ["predict", "run", str(tmp_path / "in"), "--out", str(tmp_path / "p.json")])
    assert answer.exit_code == 0, answer.output
    folder = f"{tmp_path}/in"
    assert answer.stderr.splitlines() == [
        f"30 note: video passed over, first: {folder}/00.mov: is a video (--every N takes every Nth of its frames)",
        f"1 note: text files passed over: {folder}: 60 text files, first 0.json",
    ]


def test_videos_in_a_folder_are_looked_at_with_every(tmp_path: Path) -> None:
    photo(tmp_path / "b.png")
    for folder in ("", "deep"):
        (tmp_path / folder).mkdir(exist_ok=True)
        video(tmp_path / folder / "walk.avi", frames=5)
    frames = [f"deep/walk.avi/{k:06d}" for k in (0, 2, 4)], [f"walk.avi/{k:06d}" for k in (0, 2, 4)]
    found = sources(tmp_path, every=2)
    assert (names(found), notes(found)) == (["b.png", *frames[0], *frames[1]], {})
    assert list(predict(Brightest(), found).images) == names(found)
    again = [found.picture(found.images[k]).mean() for k in (1, 4, 1)]  # from one video to another and back
    assert again[0] == again[1] == again[2] > 0
    assert names(sources(tmp_path)) == ["b.png"]
    assert names(sources(tmp_path / "deep" / "walk.avi")) == [f"walk.avi/{k:06d}" for k in range(5)]
    both = [tmp_path / "walk.avi", tmp_path / "deep" / "walk.avi", tmp_path / "b.png"]
    assert names(sources(both, every=2)) == [*frames[1], *frames[0], "b.png"]
    assert len(sources(both).images) == 11, "all frames of a video that is named"
    assert len(sources(str(tmp_path / "w*.avi")).images) == 5, "a pattern that asks for videos"
    assert names(sources(str(tmp_path / "*"))) == ["b.png"], "one that does not"


@pytest.mark.parametrize("every", [0, -3])
def test_every_is_one_or_more(tmp_path: Path, every: int) -> None:
    with pytest.raises(ConfigError, match="every: expected 1 or more"):
        sources(tmp_path, every=every)


def test_a_folder_without_photos_says_what_it_has(tmp_path: Path) -> None:
    video(tmp_path / "walk.avi")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(
        DataError, match=r"(?s)no photos in it.*a\.pdf: is a PDF file.*walk\.avi: is a video \(--every N"
    ):
        sources(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.pdf", b"%PDF-1.7", r"a\.pdf: is a PDF file \(save its pages as JPEG or PNG\)"),
        ("a.cr2", b"II*\0", r"a\.cr2: is a raw photo \(save it as JPEG or PNG\)"),
        ("a.jpg", b"\0\0\0\x18ftypmp42", r"a\.jpg: is a video \(give it the ending of a video, such as \.mp4\)"),
        ("a.HEIC", b"\0\0\0\x18ftypheic", r"a\.HEIC: is HEIC, which is not read \(save it as JPEG or PNG\)"),
        ("a.mp4", b"", r"a\.mp4: cannot be read as a video: it is empty"),
        ("a.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\1\0\0mdat", r"a\.mp4: .* the file breaks off \(was it copied"),
    ],
)
def test_a_file_that_cannot_be_looked_at_says_why(tmp_path: Path, file: str, content: bytes, said: str) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=said):
        sources(tmp_path / file)


@pytest.mark.parametrize("name", ["IMG_1", "photo.mp4", "a.jpg_large"])
def test_a_photo_under_another_name_is_looked_at_where_it_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(JPEG.getvalue())
    assert [(i.name, i.width, i.height) for i in sources(tmp_path / name).images] == [(name, 8, 6)]
    photo(tmp_path / "b.png")
    assert names(sources([tmp_path / name, tmp_path / "b.png"])) == [name, "b.png"]


def test_a_video_without_its_ending_is_looked_at_where_it_is_named(tmp_path: Path) -> None:
    video(tmp_path / "walk.avi", frames=3).rename(tmp_path / "walk")
    assert names(sources(tmp_path / "walk")) == [f"walk/{k:06d}" for k in range(3)]


def test_one_bad_video_in_a_folder_is_an_error_among_what_is_looked_at(tmp_path: Path) -> None:
    photo(tmp_path / "b.png")
    (tmp_path / "walk.mp4").write_bytes(b"")
    found = sources(tmp_path, every=3)
    assert names(found) == ["b.png"]
    with pytest.raises(DataError, match=r"walk\.mp4: cannot be read as a video: it is empty"):
        predict(Brightest(), found)


class Fitted(Brightest):
    point = OperatingPoint({"light": 0.6}, 0.5, {}, "f1", frozenset(), Suppression())


def annotated(folder: Path) -> Path:
    box = Box("light", 1, 2, 3, 4)
    images = [photo(folder / "plain" / f"{k}.png", 51 * k) for k in range(6)]
    write(
        Dataset(("light",), tuple(Image(i.name, 20, 10, (box,), path=i.path) for i in images)), folder / "data", "yolo"
    )
    for place in ("plain", "data"):
        (folder / place / "a.pdf").write_bytes(b"%PDF-1.7")
    return folder


@pytest.mark.parametrize(
    ("detector", "place", "more", "scores", "reason"),
    [
        (Brightest(), "data", [], [0.2, 0.4, 0.6, 0.8, 1.0], "annotated"),  # to be measured
        (Fitted(), "data", [], [0.2, 0.4, 0.6, 0.8, 1.0], "annotated"),
        (Brightest(), "plain", [], [0.4, 0.6, 0.8, 1.0], "default"),  # from 0.25 on
        (Fitted(), "plain", [], [0.6, 0.8, 1.0], "fitted"),  # a score that is equal to the confidence counts
        (Fitted(), "plain", ["--confidence", "0.3"], [0.4, 0.6, 0.8, 1.0], "given"),
        (Fitted(), "data", ["--confidence", "0.9"], [1.0], "given"),
        (Fitted(), "plain", ["--draw-above", "0.3"], [0.4, 0.6, 0.8, 1.0], "fitted"),  # what is drawn is kept
    ],
)
def test_from_which_score_boxes_are_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    detector: Brightest,
    place: str,
    more: list[str],
    scores: list[float],
    reason: str,
) -> None:
    folder = annotated(tmp_path)
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: detector)
    words = ["predict", "run", str(folder / place), "--out", str(tmp_path / "p.json"), *more]
    answer = CliRunner().invoke(main, [*words, "--json", "-q"])
    assert answer.exit_code == 0, answer.output
    found = read_predictions(tmp_path / "p.json")
    assert [box.score for boxes in found.images.values() for box in boxes] == pytest.approx(scores)
    assert len(found) == 6
    told = json.loads(answer.stdout)
    assert [one["kind"] for one in told["problems"]] == ["PDF file passed over"]
    kept = told["kept"]
    assert kept["reason"] == reason and kept["above"]["light"] <= scores[0]
    assert f"{len(scores)} boxes are kept" in CliRunner().invoke(main, words).stdout
    if not more:
        assert predict(detector, folder / place) == found


def test_photos_with_what_was_found_in_them_are_not_annotated(tmp_path: Path) -> None:
    """A second prediction into the same folder looks at new photos, too, and keeps what counts."""
    photo(tmp_path / "1.png")
    found = Predictions(("light",), {"1.png": (Box("light", 1, 2, 3, 4, 0.9),)})
    write_predictions(found, tmp_path / "p.json", dataset=Dataset((), (Image("1.png", 20, 10),)))
    photo(tmp_path / "2.png")
    again = sources(tmp_path)
    assert (names(again), again.annotated) == (["1.png", "2.png"], False)


def test_a_video_beside_annotations_is_named(tmp_path: Path) -> None:
    data = annotated(tmp_path) / "data"
    video(data / "walk.avi")
    (data / "README.md").write_text("of the export")
    found = sources(data, every=2)
    assert (len(found.images), notes(found)) == (6, {"PDF file passed over": 1, "video passed over": 1})
    assert "name it alone" in found.problems[1].remedy
