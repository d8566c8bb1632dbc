"""Large photos in tiles, pictures in the mirror, frames of videos, and photos from many places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image as Photo

from detect.cli import main
from detect.conversion import read_predictions
from detect.errors import DataError, Problems
from detect.geometry import as_boxes, iou
from detect.models.detector import Picture, detect
from detect.models.nms import CANDIDATES, Candidates, candidates
from detect.operating_point import OperatingPoint, Suppression
from detect.prediction import predict, sources
from detect.prediction.augmentation import augmented, fuse
from detect.prediction.tiles import SHARE, Tiled, windows
from tests.prediction.brightest import Brightest


class Spots:
    """Sees bright spots whose larger side, scaled to its input, has at least 8 of 64 pixels; surer of larger ones."""

    name, imgsz, suppression = "spots", 64, Suppression(0.5)
    classes: tuple[str, ...] = ("spot",)
    point: OperatingPoint | None = None

    def __init__(self, right: float = 0.0, down: float = 0.0) -> None:
        self.shift = [right, down] * 2  # sees everything so much too far there

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        return [self.one(picture, confidence) for picture in pictures]

    def one(self, picture: Picture, confidence: float) -> Candidates:
        number, _, stats, _ = cv2.connectedComponentsWithStats((picture[..., 0] > 128).astype(np.uint8))
        x, y, w, h = (stats[1:number, k].astype(float) for k in range(4))
        seen = np.maximum(w, h) * self.imgsz / max(picture.shape[:2])
        score = np.clip(seen / 64, 0, 1)
        rows = np.stack([x, y, x + w, y + h], axis=1) + self.shift
        found = candidates(as_boxes(rows), score, np.zeros(len(score), np.int64))
        return found.at((found.score >= 8 / 64) & (found.score > confidence))


def scene(width: int, height: int, spots: list[tuple[int, int, int, int]]) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 3), np.uint8)
    for x1, y1, x2, y2 in spots:
        picture[y1:y2, x1:x2] = 255
    return picture


def test_tiles_see_small_spots_once_and_large_ones_whole() -> None:
    """In 1000 pixels a spot of 20 is too small for the whole picture, and seen in tiles of 160."""
    rng = np.random.default_rng(0)
    small = [(int(x), int(y), int(x) + 20, int(y) + 20) for x, y in rng.integers(300, 960, (20, 2)) // 30 * 30]
    small = list(dict.fromkeys(small))
    large = (10, 10, 290, 290)
    picture = scene(1000, 1000, [*small, large])
    assert [box.xyxy for box in detect(Spots(), [picture])[0]] == [large]
    found = detect(Tiled(Spots(), 160), [picture])[0]
    assert sorted(box.xyxy for box in found) == sorted([*small, large])


@pytest.mark.parametrize("own", [Suppression(0.5), Suppression(0.9), Suppression(1.0, 1.0)])
def test_what_several_tiles_see_is_one_thing_whatever_suppression_was_fitted(own: Suppression) -> None:
    class Unsteady(Spots):
        """Sees the same spot a little elsewhere in each tile."""

        suppression = own

        def one(self, picture: Picture, confidence: float) -> Candidates:
            found = super().one(picture, confidence)
            far = found.xyxy[:, :2] > 100
            return found._replace(xyxy=found.xyxy + 2 * np.hstack([far, far]))

    picture = scene(700, 700, [(330, 330, 390, 390)])
    assert len(Tiled(Unsteady(), 400).candidates([picture], 0.0)[0].score) == 1, "of four tiles that see it whole"
    (box,) = detect(Tiled(Unsteady(), 400), [picture])[0]
    assert iou(as_boxes([box.xyxy]), as_boxes([(330, 330, 390, 390)]))[0, 0] > 0.8


def test_tiles_give_no_more_candidates_than_one_look() -> None:
    class Sees(Spots):
        def one(self, picture: Picture, confidence: float) -> Candidates:
            rng = np.random.default_rng(picture.shape[0])
            corners = rng.uniform(0, 300, (CANDIDATES // 3, 2))
            score = rng.uniform(0, 1, len(corners))
            return candidates(np.hstack([corners, corners + 0.5]), score, np.zeros(len(corners), np.int64))

    (found,) = Tiled(Sees(), 400).candidates([scene(700, 700, [])], 0.0)
    assert len(found.score) <= CANDIDATES
    assert (np.diff(found.score) <= 0).all(), "strongest first"


def test_tiles_of_all_pictures_are_looked_at_in_batches() -> None:
    detector = Brightest()
    pictures = [scene(150, 150, []), scene(90, 90, []), scene(100, 220, [])]  # 2 x 2 tiles of 100, none, 1 x 3
    found = Tiled(detector, 100, batch=5).candidates(pictures, 0.0)
    assert detector.batches == [3, 5, 2]
    each = [Tiled(Brightest(), 100).candidates([picture], 0.0)[0] for picture in pictures]
    assert [one.xyxy.tolist() for one in found] == [one.xyxy.tolist() for one in each]


def test_a_picture_that_fits_a_tile_is_looked_at_once() -> None:
    detector = Spots()
    assert (
        detect(Tiled(detector, 200), [scene(100, 80, [(3, 4, 50, 60)])])[0]
        == detect(detector, [scene(100, 80, [(3, 4, 50, 60)])])[0]
    )


@pytest.mark.parametrize(("width", "height"), [(640, 640), (641, 640), (4000, 3000), (100, 5000), (1, 1)])
def test_tiles_cover_the_picture_and_share_enough(width: int, height: int) -> None:
    side, tiles = 640, list(windows(width, height, 640))
    covered = np.zeros((height, width), bool)
    for x1, y1, x2, y2 in tiles:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        covered[y1:y2, x1:x2] = True
    assert covered.all()
    for lengths, first, last in ((width, 0, 2), (height, 1, 3)):
        starts = sorted({(tile[first], tile[last]) for tile in tiles})
        for (_, end), (start, _) in pairwise(starts):
            assert end - start >= SHARE * side - 1
        assert starts[-1][1] == lengths


@pytest.mark.parametrize(
    ("looks", "seen"),
    [
        ({}, (33, 42, 73, 82)),
        ({"mirror": True}, (30, 42, 70, 82)),
        ({"flip": True}, (33, 40, 73, 80)),
        ({"mirror": True, "flip": True}, (30, 40, 70, 80)),
    ],
)
def test_another_look_takes_a_bias_away(looks: dict[str, bool], seen: tuple[float, ...]) -> None:
    """What a detector sees 3 pixels too far right it sees too far left in the mirror: fused, it is right."""
    picture = scene(100, 120, [(30, 40, 70, 80)])
    (biased,) = detect(Spots(3, 2), [picture])[0]
    (fused,) = detect(augmented(Spots(3, 2), **looks), [picture])[0]
    assert fused.xyxy == pytest.approx(seen)
    assert fused.score == pytest.approx(biased.score)


@pytest.mark.parametrize("own", [Suppression(0.5), Suppression(0.5, 0.5)])
@pytest.mark.parametrize(("confidence", "count"), [(0.001, 2), (0.3, 1), (0.5, 1), (0.55, 0)])
def test_the_confidence_holds_for_what_both_looks_make(own: Suppression, confidence: float, count: int) -> None:
    """Seen at 0.6 and in the mirror at 0.45 makes 0.525, whatever is asked for; one look's 0.5 makes 0.25."""

    class Uneven:
        name, imgsz, suppression = "uneven", 64, own
        classes: tuple[str, ...] = ("spot",)
        point: OperatingPoint | None = None

        def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
            found = []
            for picture in pictures:
                mirrored = picture[0, 0, 0] == 0
                rows = [(60, 40, 90, 70, 0.45, 0)] if mirrored else [(10, 40, 40, 70, 0.6, 0), (60, 5, 70, 9, 0.5, 0)]
                one = looks(*rows)
                found.append(one.at(one.score > confidence))
            return found

    picture = scene(100, 100, [(0, 0, 1, 1)])
    boxes = detect(augmented(Uneven(), mirror=True), [picture], confidence)[0]
    assert [box.score for box in boxes] == pytest.approx([0.525, 0.25][:count])


def looks(*rows: tuple[float, ...]) -> Candidates:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Candidates(as_boxes(table[:, :4]), table[:, 4], table[:, 5].astype(np.int64))


def test_pairs_are_means_by_score_and_lone_boxes_lose_half() -> None:
    fused = fuse(looks((0, 0, 10, 10, 0.9, 0), (50, 50, 60, 60, 0.6, 1)), looks((2, 0, 12, 10, 0.3, 0)))
    assert fused.xyxy.tolist() == [pytest.approx([0.5, 0, 10.5, 10]), [50, 50, 60, 60]]
    assert fused.score.tolist() == pytest.approx([0.6, 0.3])
    apart = fuse(looks((0, 0, 10, 10, 0.9, 0)), looks((0, 0, 10, 10, 0.8, 1)))
    assert apart.label.tolist() == [0, 1], "two classes are two things"
    assert fuse(looks(), looks()).xyxy.shape == (0, 4)
    assert fuse(looks((0, 0, 9, 9, 0.4, 0)), looks()).score.tolist() == [0.2]
    assert fuse(looks(), looks((0, 0, 9, 9, 0.4, 0))).score.tolist() == [0.2]


def test_one_box_of_each_look_makes_a_pair() -> None:
    """The second look sees the thing twice; its nearer box is the partner, the other stays where it is."""
    fused = fuse(looks((0, 0, 10, 10, 0.8, 0)), looks((0, 0, 10, 8, 0.4, 0), (0, 0, 10, 9, 0.8, 0)))
    assert fused.xyxy.tolist() == [pytest.approx([0, 0, 10, 9.5]), [0, 0, 10, 8]]
    assert fused.score.tolist() == pytest.approx([0.8, 0.2])


def video(path: Path, frames: int = 12) -> Path:
    """A spot that moves two pixels a frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for k in range(frames):
        writer.write(scene(96, 64, [(2 * k, 10, 2 * k + 40, 50)]))
    writer.release()
    return path


def test_every_third_frame_of_a_video(tmp_path: Path) -> None:
    chosen = sources(video(tmp_path / "walk.avi"), every=3)
    assert [image.name for image in chosen.images] == [f"walk.avi/{k:06d}" for k in (0, 3, 6, 9)]
    assert {(image.width, image.height) for image in chosen.images} == {(96, 64)}
    found = predict(Spots(), chosen)
    for k in (0, 3, 6, 9):
        (box,) = found.images[f"walk.avi/{k:06d}"]
        assert iou(as_boxes([box.xyxy]), as_boxes([[2 * k, 10, 2 * k + 40, 50]]))[0, 0] > 0.9
    first = chosen.picture(chosen.images[0])
    np.testing.assert_array_equal(first, sources(tmp_path / "walk.avi").picture(chosen.images[0]), "and back again")


def test_a_video_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Spots())
    words = ["predict", "run", str(video(tmp_path / "walk.avi")), "--every", "6", "--out", str(tmp_path / "p.json")]
    answer = CliRunner().invoke(main, [*words, "--draw", str(tmp_path / "drawn"), "--mirror", "--tiles", "64", "-q"])
    assert answer.exit_code == 0, answer.output
    assert set(read_predictions(tmp_path / "p.json").images) == {"walk.avi/000000", "walk.avi/000006"}
    assert {path.name for path in (tmp_path / "drawn" / "walk.avi").iterdir()} == {"000000.jpg", "000006.jpg"}


def test_a_video_that_was_cut_ends_where_it_was_cut(tmp_path: Path) -> None:
    path = video(tmp_path / "walk.avi", frames=40)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    chosen = sources(path)
    said = r"walk\.avi: the last \d+ of 40 frames are missing or cannot be decoded \(\d\.\d\d s\) \(was it copied whole"
    with pytest.raises(DataError, match=said):
        predict(Spots(), chosen)
    problems = Problems()
    found = predict(Spots(), chosen, on_error="skip", problems=problems)
    assert 10 < len(found.images) < 30
    (told,) = problems
    assert told.level == "error" and f"the last {40 - len(chosen.images)} of 40 frames" in told.what


def test_a_video_that_does_not_state_its_length(tmp_path: Path) -> None:
    """As a browser or a dash cam records it: Matroska's element Duration is voided here."""
    path = video(tmp_path / "streamed.mkv", frames=9)
    whole = path.read_bytes()
    assert whole.count(b"\x44\x89\x88") == 1, "the element Duration, 8 bytes long"
    path.write_bytes(whole.replace(b"\x44\x89\x88", b"\xec\x40\x08"))
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) <= 0
    chosen = sources(path, every=4)
    assert [image.name for image in chosen.images] == [f"streamed.mkv/{k:06d}" for k in (0, 4, 8)]
    assert [len(boxes) for boxes in predict(Spots(), chosen).images.values()] == [1, 1, 1]


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"a\.mp4: cannot be read as a video"):
        sources(tmp_path / "a.mp4")


def test_a_split_is_one_of_annotated_data(tmp_path: Path) -> None:
    Photo.new("RGB", (8, 6)).save(tmp_path / "1.png")
    Photo.new("RGB", (8, 6)).save(tmp_path / "2.png")
    film = video(tmp_path / "walk.avi")
    for given in (
        tmp_path / "1.png",
        [tmp_path / "1.png", tmp_path / "2.png"],
        str(tmp_path / "*.png"),
        film,
        tmp_path,
    ):
        with pytest.raises(DataError, match="has no splits"):
            sources(given, "test")


def test_patterns_and_several_places(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/deep/3.png", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("png"):
            Photo.new("RGB", (8, 6)).save(tmp_path / name)
        else:
            (tmp_path / name).write_text("no photo")

    def names(*given: Path) -> list[str]:
        return [image.name for image in sources(list(given)).images]

    assert [i.name for i in sources(str(tmp_path / "*" / "1.png")).images] == ["a/1.png", "b/1.png"]
    assert [i.name for i in sources(str(tmp_path / "b" / "**" / "*.png")).images] == ["1.png", "deep/3.png"]
    assert names(tmp_path / "a", tmp_path / "b" / "1.png") == ["a/1.png", "a/2.png", "b/1.png"]
    assert names(tmp_path / "a" / "2.png", tmp_path / "a" / "2.png") == ["2.png"], "each once"
    roundabout = tmp_path / "b" / ".." / "a" / "2.png"
    assert names(tmp_path / "a" / "2.png", roundabout) == ["2.png"], "each once, by whatever way"
    assert names(tmp_path / "b" / "1.png", roundabout) == ["b/1.png", "a/2.png"], "and none above the folder"
    with pytest.raises(DataError, match=r"notes\.txt: no photo"):
        names(tmp_path / "a" / "1.png", tmp_path / "a" / "notes.txt")
    with pytest.raises(DataError, match="no photo"):
        sources(str(tmp_path / "*.gif"))
