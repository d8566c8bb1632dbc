"""CVAT for video 1.1: tracks whose shapes stand at frames; between two of them a shape moves in a straight line.

::

    frame      10          13          16          19
    keyframe   o ─────────── o                           outside="0" until the next
    outside                              x               from here on the object is not seen
    boxes      ▭     ▭  ▭    ▭     ▭  ▭

CVAT writes every frame of a track, the interpolated ones with keyframe="0". Files with keyframes alone are filled in
as CVAT does: position and size linearly, rotation the shorter way round, and the last shape stays until the end.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/; cvat/apps/dataset_manager/annotation.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

from detect.conversion import safe_xml
from detect.conversion.cvat.frames import Frames, entries_of
from detect.conversion.cvat.plain import PARTS
from detect.conversion.cvat.reader import CvatReader, Task, kind_of, read_files
from detect.conversion.cvat.writer import BUILT_IN
from detect.conversion.entries import Entry
from detect.conversion.source import Source
from detect.conversion.tidy import NEW, Found, rounded
from detect.data import Box, Dataset, Value


def recognise(source: Source) -> bool:
    """XML whose root is <annotations> and holds tracks."""
    return any(kind_of(source, file) == "track" for file in safe_xml.telling(source.root, source.with_suffix(".xml")))


def read(source: Source) -> Dataset:
    """Every frame of every XML file, with what is seen in it; the attribute `track_id` tells whose a box is."""
    return read_files(source, "track", _entries)


def _entries(reader: CvatReader, advance: Callable[[], None]) -> list[Entry]:
    """The frames of one XML file; none where it breaks off, since what follows may be seen in any of them."""
    film, images = _Film(reader), 0
    try:
        for node in safe_xml.stream(Path(reader.reader.path), PARTS):
            if node.tag == "track":
                film.add(node)
                advance()
            elif node.tag == "meta":
                reader.take_meta(node)
            else:
                images += 1
    except safe_xml.BrokenXML as error:
        reader.broken(error)
        return []
    entries = list(film.entries())
    reader.settle((entry.boxes for entry in entries), f"{images} <image>" if images else "")
    return entries


class _Shape(NamedTuple):
    """One shape of a track; `pose` is what moves linearly: corners, or centre and radii, and the rotation."""

    frame: int
    node: Element
    outside: bool
    keyframe: bool


_Seen = Box | Literal["others", "unread"]
"""What is seen in a frame; the words are the fields of Frames in which what is no box is kept."""


class _Film:
    """The tracks of one file."""

    def __init__(self, reader: CvatReader) -> None:
        self.reader = reader
        self.frames: dict[str, Frames] = {}  # by task
        self.tails: list[tuple[str, str, _Shape, _Seen]] = []  # tracks that are still seen at their last shape
        self.complete = False  # interpolated frames are written out, so that nothing goes on where a track stops

    def entries(self) -> Iterator[Entry]:
        """An entry per frame."""
        if not self.complete:
            for task, track, shape, seen in self.tails:
                for frame in self._between(task, shape.frame, None):
                    self._put(task, frame, track, seen)
        for task in self.reader.tasks if self.reader.tasks else {"": Task()}:
            self.frames.setdefault(task, Frames())
        subsets = Counter(self._task(task).subset for task in self.frames)
        for task, frames in self.frames.items():
            subset = self._task(task).subset
            part = "/".join(filter(None, (subset, f"task_{task}" if subsets[subset] > 1 else "")))
            yield from entries_of(self.reader.reader, self._task(task), frames, part if len(self.frames) > 1 else "")

    def add(self, node: Element) -> None:
        """Take in one track."""
        number, label = node.get("id", ""), node.get("label")
        task = node.get("task_id", "")
        if task not in self.reader.tasks and len(self.reader.tasks) == 1:
            task = next(iter(self.reader.tasks))
        shapes = self._shapes(node, number)
        if shapes is None:
            self.frames.setdefault(task, Frames()).whole = False
            return
        self.complete |= not all(shape.keyframe for shape in shapes)
        own: dict[str, Value] = {"track_id": int(number) if number.isascii() and number.isdigit() else number}
        own |= {key: convert(node.attrib[key]) for key, (usual, convert) in BUILT_IN.items()
                if node.get(key, usual) != usual}  # fmt: skip
        inherited: dict[str, Value] = dict(own)
        seen: list[_Seen | None] = []
        for shape in shapes:
            one = None if shape.outside else self._seen(shape, label, f"track {number}: frame {shape.frame}", inherited)
            if isinstance(one, Box):
                inherited = {k: v for k, v in one.attributes.items() if k not in BUILT_IN or k in own}
            seen.append(one)
        for (shape, one), (after, _) in pairwise([*zip(shapes, seen, strict=True)]):
            if one is not None:
                self._put(task, shape.frame, number, one)
                for frame in self._between(task, shape.frame, after.frame):
                    moved = _interpolate(one, shape, after, frame) if isinstance(one, Box) else one
                    self._put(task, frame, number, moved)
        if shapes and (last := seen[-1]) is not None:
            self._put(task, shapes[-1].frame, number, last)
            self.tails.append((task, number, shapes[-1], last))

    def _seen(self, shape: _Shape, label: str | None, where: str, inherited: dict[str, Value]) -> _Seen:
        """What is seen at a shape: a box, something that is none, or something that cannot be read."""
        found, problems = Found(), self.reader.reader.source.problems
        since = len(problems)
        box = self.reader.box(shape.node, label, where, inherited)
        found.check(problems, since)
        return box or ("others" if found.whole else "unread")

    def _shapes(self, node: Element, number: str) -> list[_Shape] | None:
        """The shapes of a track in the order of their frames, one per frame; None, and an error, where that fails."""
        found: dict[int, _Shape] = {}
        for shape in node:
            if shape.tag == "attribute":
                continue
            text = shape.get("frame", "")
            if not (text.isascii() and text.isdigit() and len(text) < 10):
                self.reader.reader.add("error", "no frame", f"<{shape.tag}> needs frame as a number", f"track {number}")
                return None
            frame = int(text)
            if frame in found:
                what = f"frame {frame} appears twice"
                self.reader.reader.add("error", "frame twice", what, f"track {number}")
                return None
            found[frame] = _Shape(frame, shape, shape.get("outside") == "1", shape.get("keyframe", "1") != "0")
        return [found[frame] for frame in sorted(found)]

    def _task(self, name: str) -> Task:
        return self.reader.tasks.get(name) or Task(subset=self.reader.subset)

    def _between(self, task: str, first: int, last: int | None) -> Iterable[int]:
        """The frames of the task after `first` and before `last`; None: until its end."""
        plan = self._task(task)
        end = last if last is not None else (plan.stop + 1 if plan.stop is not None else first)
        start = first + 1 + (plan.start - first - 1) % plan.step
        return range(start, end, plan.step)

    def _put(self, task: str, frame: int, track: str, seen: _Seen) -> None:
        frames = self.frames.setdefault(task, Frames())
        if isinstance(seen, Box):
            frames.boxes.setdefault(frame, Found()).add(track, seen)
        else:
            getattr(frames, seen).add(frame)


def _interpolate(box: Box, before: _Shape, after: _Shape, frame: int) -> Box:
    """The box at a frame between two shapes."""
    from detect.conversion.shapes import between

    share = (frame - before.frame) / (after.frame - before.frame)
    try:
        corners = between(before.node, after.node, share) if before.node.tag == after.node.tag else None
    except (KeyError, ValueError, OverflowError):  # the shape it moves to is an error of its own
        corners = None
    if corners is None or not all(map(isfinite, corners)):
        return box
    return rounded(NEW(Box, (box.label, *corners, None, box.attributes)))
