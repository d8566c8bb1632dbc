"""What CVAT's two XML formats share: labels, attribute types and frames of the head, shapes and their attributes.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from xml.etree.ElementTree import Element

from detect.conversion import safe_xml
from detect.conversion.cvat.plain import PARTS
from detect.conversion.cvat.writer import BUILT_IN
from detect.conversion.entries import Entry, FileReader, assemble
from detect.conversion.names import split_word, without_containers
from detect.conversion.shapes import cvat_corners
from detect.conversion.sizes import Size
from detect.conversion.source import Source
from detect.conversion.text import Numbers, typed
from detect.conversion.tidy import NEW, Found, Labels, clean_label
from detect.data import NONE, Attributes, Box, Dataset, Value
from detect.errors import DataError
from detect.progress import bar

SHAPES = frozenset({"box", "polygon", "polyline", "ellipse", "mask"})
"""Shapes that become boxes; points, tags, cuboids, skeletons and whatever CVAT may still invent do not."""

SHARED = 100_000
"""Different attributes of shapes that are kept for others to share."""

_STEP = re.compile(r"step\s*=\s*(\d+)")


def kind_of(source: Source, file: str) -> str:
    """What an <annotations> file is of: "image", "track", or "" where it is something else.

    It is known by the first element after the head, and where nothing follows, by the mode of the task.
    """
    path = source.root / file
    mode = ""
    if safe_xml.root_tag(path) != "annotations":
        return ""
    try:
        for node in safe_xml.stream(path, PARTS):
            if node.tag == "meta":
                mode = node.findtext("task/mode") or node.findtext("job/mode") or ""
            else:
                return node.tag
    except (safe_xml.BrokenXML, OSError):
        return "image"  # reading it will report what is wrong
    return "track" if mode == "interpolation" else "image"


def files_of(source: Source, kind: str) -> list[str]:
    """The XML files of a kind; with those of images also what is no XML at all: reading it reports what is wrong."""
    kinds = {file: kind_of(source, file) for file in source.with_suffix(".xml")}
    return [
        file
        for file, found in kinds.items()
        if found == kind or (kind == "image" and safe_xml.root_tag(source.root / file) == "")
    ]


@dataclass
class Task:
    """The frames of one task of a video: absolute numbers from `start` to `stop`, both included, every `step`-th."""

    subset: str = ""
    start: int = 0
    stop: int | None = None
    step: int = 1
    size: Size | None = None


@dataclass
class CvatReader:
    """One XML file while it is read; `types` holds the input type of each label's attributes."""

    reader: FileReader
    tasks: dict[str, Task] = field(default_factory=dict)
    types: dict[tuple[str, str], str] = field(default_factory=dict)
    subset: str = ""
    numbers: Numbers = field(default_factory=Numbers)
    shared: dict[tuple[object, ...], Attributes] = field(default_factory=dict)
    boxes: int = 0
    others: Counter[str] = field(default_factory=Counter)
    """What is no box, by its kind."""

    @cached_property
    def folder(self) -> str:
        """The folder of the file, relative to the source."""
        return self.reader.file.rpartition("/")[0]

    @cached_property
    def near(self) -> str:
        """The same without folders that only hold things: where its images are expected."""
        return without_containers(self.reader.file).rpartition("/")[0]

    @classmethod
    def open(cls, source: Source, file: str, labels: Labels) -> CvatReader:
        """A reader whose subset is, until its head says otherwise, what its name means: train.xml, val.xml."""
        reader = FileReader(source, file, labels)
        stem = file.rpartition("/")[2].rpartition(".")[0]
        return cls(reader, subset=stem if split_word(stem) else "")

    def take_meta(self, meta: Element) -> None:
        """Declare the labels, those of skeleton joints left out; note subsets and frames of the tasks."""
        for label in meta.iter("label"):
            name = label.findtext("name") or ""
            if label.find("parent") is None and self.reader.labels.declare(name):
                for spec in label.iter("attribute"):
                    key = clean_label(name), (spec.findtext("name") or "").strip()
                    self.types[key] = (spec.findtext("input_type") or "").strip()
        found = [*meta.findall("task"), *meta.findall("job"), *meta.iterfind("project/tasks/task")]
        for node in found:
            self.tasks[node.findtext("id") or ""] = _task(node, meta)
        if len(found) == 1 and self.tasks:
            self.subset = next(iter(self.tasks.values())).subset or self.subset

    def box(self, shape: Element, label: str | None, where: str, more: dict[str, Value] | None = None) -> Box | None:
        """The box around a shape with its attributes (and `more`); None, and reported, where it is none."""
        add = self.reader.add
        try:
            bounds = cvat_corners(shape.tag, shape.attrib) if shape.tag in SHAPES else None
        except (KeyError, ValueError, OverflowError) as error:
            what = f"<{shape.tag}> needs {error} as a number" if isinstance(error, KeyError) else str(error)
            add("error", "not a number", what, where)
            return None
        if bounds is None:
            what = f"<{shape.tag}>{' that is not closed' if shape.tag == 'polyline' else ''} is no box"
            add("dropped", f"{shape.tag} not converted", what, where)
            self.others[shape.tag] += 1
            return None
        known = self.reader.labels(label, self.reader.path, where)
        if known is None:
            return None
        self.boxes += 1
        attributes = self.attributes(shape, known, more)
        if shape.tag == "box" and float(shape.get("rotation", 0)) % 360 == 0:
            return NEW(Box, (known, *bounds, None, attributes))
        return self.reader.box(known, bounds, where, attributes, "rotated box" if shape.tag == "box" else shape.tag)

    def attributes(self, shape: Element, label: str, more: dict[str, Value] | None = None) -> Attributes:
        """The attributes of a shape: CVAT's own where they are not as usual, and the label's with their types.

        Shapes that say the same share one object: there may be a million, with a few different values.
        """
        if more:
            return self._attributes(shape, label, more)
        own = tuple((node.get("name"), node.text) for node in shape if node.tag == "attribute")
        key = (label, own, *map(shape.get, BUILT_IN))
        if key not in self.shared:
            made = self._attributes(shape, label, None)
            if len(self.shared) >= SHARED:
                return made
            self.shared[key] = made
        return self.shared[key]

    def _attributes(self, shape: Element, label: str, more: dict[str, Value] | None) -> Attributes:
        found: dict[str, Value] = {}
        for key, (default, convert) in BUILT_IN.items():
            text = shape.get(key, default)
            if text != default:
                found[key] = convert(text)
        if more:
            found |= more
        for node in shape:
            if node.tag == "attribute":
                name = (node.get("name") or "").strip()
                found[name] = _value(node.text or "", self.types.get((label, name), ""))
        return Attributes(found) if found else NONE

    def settle(self, found: Iterable[Found], strangers: str = "") -> None:
        """Note what is wrong with the file as a whole, and leave out its images (`found`) where something is.

        `strangers` are elements that files of this kind do not hold, as many as there are: "3 <track>".
        """
        before = len(self.reader.source.problems.errors)
        if self.others and not self.boxes:
            each = ", ".join(f"{count} x {kind}" for kind, count in self.others.most_common())
            what = f"holds not one box, but other shapes: {each}"
            self.reader.add("error", "no boxes", what, remedy="draw boxes or outlines in CVAT")
        if strangers:
            what = f"holds {strangers} beside others: CVAT writes images and tracks into files of their own"
            self.reader.add("error", "images and tracks", what, remedy="put the tracks into a file of their own")
        if len(self.reader.source.problems.errors) > before:
            for one in found:
                one.whole = False

    def broken(self, error: Exception) -> None:
        """Note that the file breaks off."""
        self.reader.add("error", "broken XML", str(error))


def no_such_file(source: Source, kind: str) -> DataError:
    """The error of a source without a file of that kind, which says what there is instead."""
    other = {"image": "track", "track": "image"}[kind]
    name = {"image": "cvat", "track": "cvat-video"}
    title = {"image": "CVAT for images", "track": "CVAT for video"}
    if files_of(source, other):
        return DataError(f"{source.path}: is {title[other]}, not {title[kind]} (say --from {name[other]})")
    return DataError(f"{source.path}: there is no {title[kind]} XML (<annotations> with <{kind}>) in it")


def _task(node: Element, meta: Element) -> Task:
    step = _STEP.search(node.findtext("frame_filter") or "")
    size = node.find("original_size")
    size = meta.find("original_size") if size is None else size
    wide, high = (_whole(size.findtext(key)) for key in ("width", "height")) if size is not None else (None, None)
    start, stop, count = (_whole(node.findtext(key)) for key in ("start_frame", "stop_frame", "size"))
    by = max(1, int(step[1])) if step else 1
    first = start or 0
    if stop is None and count:
        stop = first + (count - 1) * by
    subset = (node.findtext("subset") or "").strip()
    return Task(subset, first, stop, by, (wide, high) if wide and high else None)


def _whole(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _value(text: str, kind: str) -> Value:
    if kind == "checkbox":
        return text.strip().lower() in ("true", "1")
    return typed(text.strip()) if kind == "number" else text


def read_files(
    source: Source, kind: str, entries_of: Callable[[CvatReader, Callable[[], None]], list[Entry]]
) -> Dataset:
    """The dataset in all XML files of a kind; `entries_of` gives the images of one. Raises DataError for none."""
    files = files_of(source, kind)
    if not files:
        raise no_such_file(source, kind)
    labels = Labels(source.problems)
    entries: list[Entry] = []
    with bar("Reading CVAT XML", None) as advance:
        for file in files:
            entries += entries_of(CvatReader.open(source, file, labels), advance)
    return assemble(entries, labels, source)
