"""CVAT for video: other shapes than boxes, several tasks in one file, files of another kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import read
from detect.errors import DataError
from tests.conversion.test_conversion_cvat_video import LABELS, box, seen, track, video

Tree = Callable[..., Path]

POLYLINE, OUT = '<polyline frame="{}" points="1,1;9,1;9,9"/>', '<polyline frame="{}" outside="1" points="1,1"/>'
BAD = '<box frame="{}" xtl="x" ytl="1" xbr="2" ybr="2"/>'
LEFT_OUT = [
    # the shapes of a track beside one whose box is seen in frame 4 alone; the frames that are left of 0 to 4
    ([POLYLINE.format(1), OUT.format(3)], [0, 3, 4]),  # something is seen in 1 and 2
    ([POLYLINE.format(2)], [0, 1, 4]),  # until the end, where there is a box
    ([BAD.format(1), box(2, 1)], [0, 2, 3, 4]),
    ([BAD.format(2)], [0, 1]),  # until the end; what cannot be read may be a second box in 4
    ([box(0, 1), '<box xtl="1" ytl="1" xbr="2" ybr="2"/>'], []),  # of which frame?
]


@pytest.mark.parametrize(("shapes", "left"), LEFT_OUT)
def test_frames_in_which_something_else_is_seen_are_left_out(tree: Tree, shapes: list[str], left: list[int]) -> None:
    root = tree({"a.xml": video(track(*shapes), track(box(4, 1), number=1))})
    if not left:
        with pytest.raises(DataError, match="needs frame as a number"):
            read(root, on_error="skip")
        return
    assert sorted(seen(read(root, on_error="skip"))) == left


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (video(track(POLYLINE.format(1))), "holds not one box, but other shapes: 1 x polyline"),
        (video(track(box(0, 1)), '<image id="0" name="1.jpg"/>'), "holds 1 <image> beside others"),
        (video(track(box(0, 1)))[:-20], "is not good XML"),  # who knows what followed
    ],
)
def test_files_that_hold_something_else_or_break_off(tree: Tree, text: str, words: str) -> None:
    for on_error in ("fail", "skip"):
        with pytest.raises(DataError, match=words):
            read(tree({"a.xml": text}), on_error=on_error)


@pytest.mark.parametrize(
    ("subsets", "names"),
    [
        (("Train", "Test"), {"Train/frame_000000.png": 1, "Test/frame_000000.png": 2}),
        (("Train", "Train"), {"Train/task_1/frame_000000.png": 1, "Train/task_2/frame_000000.png": 2}),
        (("", ""), {"task_1/frame_000000.png": 1, "task_2/frame_000000.png": 2}),
    ],
)
def test_frames_of_two_tasks_stay_apart(tree: Tree, subsets: tuple[str, str], names: dict[str, float]) -> None:
    one = "<task><id>{}</id><subset>{}</subset><start_frame>0</start_frame><stop_frame>0</stop_frame>" \
          "<original_size><width>100</width><height>50</height></original_size></task>"  # fmt: skip
    tasks = "".join(one.format(number, subset) for number, subset in enumerate(subsets, 1))
    tracks = [track(box(0, n), more=f'task_id="{n}"') for n in (1, 2)]
    text = video(*tracks, meta=f"<project>{LABELS}<tasks>{tasks}</tasks></project>")
    assert {i.name: i.boxes[0].x1 for i in read(tree({"a.xml": text})).images} == names
    if subsets[0] == subsets[1]:  # one file cannot be a frame of both
        with pytest.raises(DataError, match=r"frame_000000\.png: this image is annotated twice"):
            read(tree({"a.xml": text, str(Path(subsets[0], "frame_000000.png")): (100, 50)}))
