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

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import isfinite
from typing import NamedTuple
from xml.etree.ElementTree import Element

from detect.conversion import safe_xml
from detect.conversion.cvat_frames import Frames, entries_of
from detect.conversion.cvat_reader import SHAPES, CvatReader, Task, files_of, kind_of, no_such_file
from detect.conversion.cvat_write import BUILT_IN
from detect.conversion.entries import Entry, assemble
from detect.conversion.source import Source
from detect.conversion.tidy import NEW, Found, Labels, rounded
from detect.data import Box, Dataset, Value
from detect.progress import bar


def recognise(source: Source) -> bool:
    """XML whose root is <annotations> and holds tracks."""
    return any(kind_of(source, file) == "track" for file in safe_xml.nearest(source.with_suffix(".xml")))


def read(source: Source) -> Dataset:
    """Every frame of every XML file, with what is seen in it; the attribute `track_id` tells whose a box is."""
    files = files_of(source, "track")
    if not files:
        raise no_such_file(source, "track")
    labels = Labels(source.problems)
    entries: list[Entry] = []
    with bar("Reading CVAT XML", None) as advance:
        for file in files:
            reader = CvatReader.open(source, file, labels)
            film = _Film(reader)
            try:
                for node in safe_xml.stream(source.root / file, ("meta", "track")):
                    if node.tag == "meta":
                        reader.take_meta(node)
                    else:
                        film.add(node)
                        advance()
            except safe_xml.BrokenXML as error:
                reader.broken(error)
            entries += film.entries()
    return assemble(entries, labels, source)


class _Shape(NamedTuple):
    """One shape of a track; `pose` is what moves linearly: corners, or centre and radii, and the rotation."""

    frame: int
    node: Element
    outside: bool
    keyframe: bool


class _Film:
    """The tracks of one file."""

    def __init__(self, reader: CvatReader) -> None:
        self.reader = reader
        self.frames: dict[str, Frames] = {}  # by task
        self.tails: list[tuple[str, str, _Shape, Box]] = []  # tracks that are still seen at their last shape
        self.complete = False  # interpolated frames are written out, so that nothing goes on where a track stops

    def entries(self) -> Iterator[Entry]:
        """An entry per frame."""
        if not self.complete:
            for task, track, shape, box in self.tails:
                for frame in self._between(task, shape.frame, None):
                    self._put(task, frame, track, box)
        for task in self.reader.tasks if self.reader.tasks else {"": Task()}:
            self.frames.setdefault(task, Frames())
        for task, frames in self.frames.items():
            yield from entries_of(self.reader.reader, self._task(task), frames, several=len(self.frames) > 1)

    def add(self, node: Element) -> None:
        """Take in one track."""
        number, label = node.get("id", ""), node.get("label")
        task = node.get("task_id", "")
        if task not in self.reader.tasks and len(self.reader.tasks) == 1:
            task = next(iter(self.reader.tasks))
        shapes = self._shapes(node, number)
        self.complete |= not all(shape.keyframe for shape in shapes)
        own: dict[str, Value] = {"track_id": int(number) if number.isascii() and number.isdigit() else number}
        own |= {key: convert(node.attrib[key]) for key, (usual, convert) in BUILT_IN.items()
                if node.get(key, usual) != usual}  # fmt: skip
        inherited: dict[str, Value] = dict(own)
        boxes: list[Box | None] = []
        for shape in shapes:
            where = f"track {number}: frame {shape.frame}"
            box = None if shape.outside else self.reader.box(shape.node, label, where, inherited)
            if box:
                inherited = {k: v for k, v in box.attributes.items() if k not in BUILT_IN or k in own}
            boxes.append(box)
        for (shape, box), (after, _) in pairwise([*zip(shapes, boxes, strict=True)]):
            if box:
                self._put(task, shape.frame, number, box)
                for frame in self._between(task, shape.frame, after.frame):
                    self._put(task, frame, number, _interpolate(box, shape, after, frame))
        if shapes and (last := boxes[-1]):
            self._put(task, shapes[-1].frame, number, last)
            self.tails.append((task, number, shapes[-1], last))

    def _shapes(self, node: Element, number: str) -> list[_Shape]:
        """The shapes of a track in the order of their frames, one per frame."""
        found: dict[int, _Shape] = {}
        for shape in node:
            if shape.tag not in SHAPES:
                continue
            text = shape.get("frame", "")
            if not (text.isascii() and text.isdigit() and len(text) < 10):
                self.reader.reader.add("error", "no frame", f"<{shape.tag}> needs frame as a number", f"track {number}")
                continue
            frame = int(text)
            if frame in found:
                what = f"frame {frame} appears twice"
                self.reader.reader.add("error", "frame twice", what, f"track {number}")
                continue
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

    def _put(self, task: str, frame: int, track: str, box: Box) -> None:
        self.frames.setdefault(task, Frames()).boxes.setdefault(frame, Found()).add(track, box)


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
