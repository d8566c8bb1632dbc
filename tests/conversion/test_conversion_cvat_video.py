"""CVAT for video 1.1: tracks, interpolation, which frames are images and which files are theirs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from detect.conversion import read
from detect.data import Box, Dataset
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

LABELS = "<labels><label><name>dent</name></label><label><name>rust</name></label></labels>"


def task(frames: str = "<start_frame>0</start_frame><stop_frame>4</stop_frame>", more: str = "") -> str:
    size = "<original_size><width>100</width><height>50</height></original_size>"
    return f"<task><id>1</id><mode>interpolation</mode>{frames}{more}{LABELS}{size}</task>"


def video(*tracks: str, meta: str = "") -> str:
    return f"<annotations><version>1.1</version><meta>{meta or task()}</meta>{''.join(tracks)}</annotations>"


def track(*shapes: str, number: int = 0, label: str = "dent", more: str = "") -> str:
    return f'<track id="{number}" label="{label}" source="manual" {more}>{"".join(shapes)}</track>'


def box(frame: int, xtl: float, *, outside: int = 0, keyframe: int = 1, more: str = "", inner: str = "") -> str:
    return (
        f'<box frame="{frame}" outside="{outside}" occluded="0" keyframe="{keyframe}" xtl="{xtl}" ytl="10"'
        f' xbr="{xtl + 20}" ybr="30" z_order="0" {more}>{inner}</box>'
    )


def seen(dataset: Dataset) -> dict[int, list[float]]:
    """The left edges of the boxes, by the number at the end of the image's name."""
    return {int(Path(i.name).stem[-6:]): [b.x1 for b in i.boxes] for i in dataset.images}


CASES = [
    # what CVAT exports: every frame is written, the interpolated ones with keyframe="0"
    ([box(0, 0), box(1, 5, keyframe=0), box(2, 10), box(3, 10, outside=1)], {0: [0], 1: [5], 2: [10], 3: [], 4: []}),
    # keyframes alone: the frames between are filled in, in a straight line
    ([box(0, 0), box(4, 40)], {0: [0], 1: [10], 2: [20], 3: [30], 4: [40]}),
    ([box(4, 40), box(0, 0)], {0: [0], 1: [10], 2: [20], 3: [30], 4: [40]}),  # in whatever order they stand
    # on its way to where it gets out of sight, it still moves
    ([box(0, 0), box(2, 20, outside=1)], {0: [0], 1: [10], 2: [], 3: [], 4: []}),
    # out of sight and back: nothing is filled in between
    ([box(0, 0), box(1, 0, outside=1), box(3, 30), box(4, 30, outside=1)], {0: [0], 1: [], 2: [], 3: [30], 4: []}),
    # keyframes alone, and the last one is in sight: it stays until the end of the task
    ([box(2, 7)], {0: [], 1: [], 2: [7], 3: [7], 4: [7]}),
    # every frame is written, so where the boxes stop, they stop: nothing is invented
    ([box(0, 0), box(1, 1, keyframe=0), box(2, 2)], {0: [0], 1: [1], 2: [2], 3: [], 4: []}),
    ([], {0: [], 1: [], 2: [], 3: [], 4: []}),  # frames without a box are images
]


@pytest.mark.parametrize(("shapes", "expected"), CASES)
def test_tracks(tree: Tree, shapes: list[str], expected: dict[int, list[float]]) -> None:
    problems = Problems()
    dataset = read(tree({"annotations.xml": video(track(*shapes))}), problems=problems)
    assert seen(dataset) == expected
    assert dataset.classes == ("dent", "rust")
    assert {image.name for image in dataset.images} == {f"frame_{n:06d}.png" for n in range(5)}  # as CVAT names them
    assert {(image.width, image.height) for image in dataset.images} == {(100, 50)}
    assert set(problems.counts()) == {("note", "image missing")}


def test_every_box_says_whose_it_is(tree: Tree) -> None:
    tracks = (
        track(box(0, 0), box(1, 0, outside=1), number=7),
        track(box(0, 50), box(1, 0, outside=1), number=8, label="rust"),
    )
    (first, *_) = read(tree({"a.xml": video(*tracks)})).images
    assert [(b.label, b.attributes["track_id"]) for b in first.boxes] == [("dent", 7), ("rust", 8)]


@pytest.mark.parametrize(
    ("start", "end", "middle"),
    [
        (0, 90, 45),
        (350, 10, 0),  # the shorter way round, over 360
        (10, 350, 0),
        (0, 180, -90),  # both ways are as long
    ],
)
def test_rotation_goes_the_shorter_way(tree: Tree, start: float, end: float, middle: float) -> None:
    shapes = (box(0, 40, more=f'rotation="{start}"'), box(2, 40, more=f'rotation="{end}"'), box(3, 40, outside=1))
    alone = track(box(1, 40, more=f'rotation="{middle}"'), box(2, 40, outside=1))
    turned = read(tree({"a.xml": video(track(*shapes))}, "turned")).images[1].boxes
    expected = read(tree({"a.xml": video(alone)}, "expected")).images[1].boxes
    assert turned[0].xyxy == pytest.approx(expected[0].xyxy, abs=1e-6)


def test_an_ellipse_moves_in_its_own_terms(tree: Tree) -> None:
    ends = [f'<ellipse frame="{f}" outside="0" keyframe="1" cx="{x}" cy="25" rx="{r}" ry="5"/>'
            for f, x, r in ((0, 20, 4), (2, 40, 8))]  # fmt: skip
    found = read(tree({"a.xml": video(track(*ends))})).images[1].boxes
    assert found[0].xyxy == (24, 20, 36, 30)


def test_attributes_stay_until_they_change(tree: Tree) -> None:
    severe = '<attribute name="severity">{}</attribute>'
    shapes = (
        box(0, 0, inner=severe.format("high"), more=""),
        box(2, 0),  # a keyframe that repeats nothing
        box(3, 0, inner=severe.format("low")),
    )
    images = read(tree({"a.xml": video(track(*shapes))})).images
    assert [image.boxes[0].attributes.get("severity") for image in images] == ["high", "high", "high", "low", "low"]


def test_occlusion_is_of_the_keyframe(tree: Tree) -> None:
    shapes = (box(0, 0).replace('occluded="0"', 'occluded="1"'), box(2, 0))
    images = read(tree({"a.xml": video(track(*shapes))})).images
    assert [image.boxes[0].attributes.get("occluded") for image in images] == [True, True, None, None, None]


FRAMES = [
    # start, stop, step; files beside the XML; image names with the left edge of their box
    ("<start_frame>10</start_frame><stop_frame>19</stop_frame><frame_filter>step=3</frame_filter>", [],
     {"frame_000010.png": 10, "frame_000013.png": 13, "frame_000016.png": 16, "frame_000019.png": 19}),
    # the files of the frames, as CVAT exports them
    ("<start_frame>10</start_frame><stop_frame>16</stop_frame><frame_filter>step=3</frame_filter>",
     ["images/frame_000010.png", "images/frame_000013.png", "images/frame_000016.png"],
     {"frame_000010.png": 10, "frame_000013.png": 13, "frame_000016.png": 16}),
    # other numbered names
    ("<start_frame>0</start_frame><stop_frame>2</stop_frame>", ["v_0.jpg", "v_1.jpg", "v_2.jpg"],
     {"v_0.jpg": 0, "v_1.jpg": 1, "v_2.jpg": 2}),
    # as ffmpeg numbers them, from 1: as many as there are frames, so in their order; 10 comes after 9
    ("<start_frame>0</start_frame><stop_frame>9</stop_frame>", [f"f{n}.jpg" for n in range(1, 11)],
     {f"f{n + 1}.jpg": n for n in range(10)}),
    # ffmpeg's numbers of the whole video, of which the task takes a part
    ("<start_frame>0</start_frame><stop_frame>4</stop_frame><frame_filter>step=2</frame_filter>",
     [f"{n:04d}.jpg" for n in range(1, 9)], {"0001.jpg": 0, "0003.jpg": 2, "0005.jpg": 4}),
    # the same with a file missing, and not as CVAT names them: still counted from 1
    ("<start_frame>0</start_frame><stop_frame>3</stop_frame>", ["f_1.jpg", "f_2.jpg"], {"f_1.jpg": 0, "f_2.jpg": 1}),
    # frame 0 was deleted: CVAT's own names count from 0
    ("<start_frame>0</start_frame><stop_frame>2</stop_frame>", ["frame_000001.png", "frame_000002.png"],
     {"frame_000001.png": 1, "frame_000002.png": 2}),
    # photos of a task that is no video
    ("<start_frame>0</start_frame><stop_frame>1</stop_frame>", ["a.jpg", "b.jpg"], {"a.jpg": 0, "b.jpg": 1}),
    # no stop: the size tells, else the last box
    ("<size>2</size>", [], {"frame_000000.png": 0, "frame_000001.png": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "files", "expected"), FRAMES)
def test_frames_and_their_files(tree: Tree, frames: str, files: list[str], expected: dict[str, int]) -> None:
    shapes = [box(n, n, keyframe=int(n == 0)) for n in expected.values()]  # every frame is written
    root = tree({"annotations.xml": video(track(*shapes), meta=task(frames)), **dict.fromkeys(files, (100, 50))})
    dataset = read(root)
    assert {i.name: [b.x1 for b in i.boxes] for i in dataset.images} == {name: [n] for name, n in expected.items()}
    assert all((image.path is not None) == bool(files) for image in dataset.images)


def test_deleted_and_skipped_frames_are_no_images(tree: Tree) -> None:
    frames = "<start_frame>0</start_frame><stop_frame>6</stop_frame><frame_filter>step=2</frame_filter>"
    shapes = (box(0, 0), box(1, 1, keyframe=0), box(2, 2), box(3, 3, outside=1))  # frame 1 is passed over by the task
    files = dict.fromkeys(["frame_000000.png", "frame_000002.png", "frame_000006.png"], (100, 50))  # 4 was deleted
    problems = Problems()
    dataset = read(tree({"a.xml": video(track(*shapes), meta=task(frames)), **files}), problems=problems)
    assert seen(dataset) == {0: [0], 2: [2], 6: []}
    assert problems.counts() == {("dropped", "skipped frame"): 1, ("note", "frames without a file"): 1}


def test_a_frame_with_a_box_is_kept_without_its_file(tree: Tree) -> None:
    root = tree({"a.xml": video(track(box(0, 0), box(4, 4))), "frame_000000.png": (100, 50)})
    problems = Problems()
    assert seen(read(root, problems=problems)) == {0: [0], 1: [1], 2: [2], 3: [3], 4: [4]}
    assert problems.counts() == {("note", "image missing"): 4}


def test_a_project_of_two_videos(tree: Tree) -> None:
    one = "<task><id>{}</id><subset>{}</subset><start_frame>0</start_frame><stop_frame>0</stop_frame>" \
          "<original_size><width>100</width><height>50</height></original_size></task>"  # fmt: skip
    meta = f"<project>{LABELS}<tasks>{one.format(1, 'Train')}{one.format(2, 'Test')}</tasks></project>"
    tracks = (
        track(box(0, 1), more='task_id="1" subset="Train"'),
        track(box(0, 2), more='task_id="2" subset="Test"'),
    )
    root = tree({"annotations.xml": video(*tracks, meta=meta), "images/Train/frame_000000.png": (100, 50),
                 "images/Test/frame_000000.png": (100, 50)})  # fmt: skip
    found = {i.name: (i.split, [b.x1 for b in i.boxes]) for i in read(root).images}
    assert found == {"Train/frame_000000.png": ("train", [1]), "Test/frame_000000.png": ("test", [2])}


@pytest.mark.parametrize(
    ("shapes", "report"),
    [
        ('<box frame="a" xtl="1" ytl="1" xbr="2" ybr="2"/>', ("error", "no frame")),
        ('<box xtl="1" ytl="1" xbr="2" ybr="2"/>', ("error", "no frame")),
        (box(1, 1) + box(1, 2), ("error", "frame twice")),
        ('<box frame="0" xtl="nan" ytl="1" xbr="2" ybr="2"/>', ("error", "not a number")),
        ('<box frame="0" ytl="1" xbr="2" ybr="2"/>', ("error", "not a number")),
        ('<points frame="0" points="1,1"/>', ("dropped", "points not converted")),
        ('<skeleton frame="0"><points points="1,1"/></skeleton>', ("dropped", "skeleton not converted")),
        ('<polygon frame="0" outside="0" points="1,1;9,1;9,9"/>', ("lost", "outline")),
        (box(0, 90), ("repaired", "box clipped")),
    ],
)
def test_each_shape_is_converted_or_counted(tree: Tree, shapes: str, report: tuple[str, str]) -> None:
    problems = Problems()
    good = track(box(3, 1), box(4, 1, outside=1), number=1)
    with suppress(DataError):  # nothing is left
        read(tree({"a.xml": video(track(shapes), good)}), on_error="skip", problems=problems)
    assert [key for key in problems.counts() if key[1] not in ("image missing", "image left out")] == [report]


def test_a_polygon_that_cannot_be_read_between_two_good_ones(tree: Tree) -> None:
    shapes = ('<polygon frame="0" points="1,1;9,1;9,9"/>', '<polygon frame="2" points="x"/>')
    problems = Problems()
    dataset = read(tree({"a.xml": video(track(*shapes))}), on_error="skip", problems=problems)
    assert ("error", "not a number") in problems.counts()
    assert [len(image.boxes) for image in dataset.images] == [1, 1]  # who knows where it is later


@pytest.mark.parametrize(("form", "words"), [("cvat", "is CVAT for video"), ("cvat-video", None)])
def test_the_other_format_is_named(tree: Tree, form: str, words: str | None) -> None:
    root = tree({"a.xml": video(track(box(0, 0)))})
    if words is None:
        assert read(root, format=form).boxes == 5
        return
    with pytest.raises(DataError, match=words):
        read(root, format=form)


def test_the_real_export(shared_data: Path) -> None:
    problems = Problems()
    dataset = read(shared_data / "exports/datumaro/cvat_dataset/for_video", problems=problems)
    assert [image.name for image in dataset.images] == ["frame_000010.png", "frame_000016.png"]
    attributes = dataset.images[0].boxes[0].attributes
    assert [image.boxes for image in dataset.images] == [(Box("II", 3.0, 4.0, 10.0, 5.0, None, attributes),), ()]
    assert attributes == {"track_id": 0, "occluded": True}
    assert problems.counts() == {
        ("dropped", "points not converted"): 1,
        ("dropped", "polyline not converted"): 1,
        ("dropped", "image left out"): 1,  # where it is all there is
        ("note", "frames without a file"): 1,
    }
