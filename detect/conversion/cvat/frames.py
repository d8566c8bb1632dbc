"""Which frames of a CVAT video are images, and which files are theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from detect.conversion.cvat.reader import Task
from detect.conversion.entries import Entry, FileReader
from detect.conversion.names import split_name, stem, without_containers
from detect.conversion.stated import Stated
from detect.conversion.tidy import Found

_CVAT = re.compile(r"frame_\d{6}")
"""What CVAT calls a frame, by its absolute number, which begins at 0."""

_NUMBER = re.compile(r"(\d{1,9})$")


@dataclass
class Frames:
    """What is seen in the frames of one task, by absolute frame number: (track, box)."""

    boxes: dict[int, Found] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)
    """Frames in which something is seen that is no box."""
    unread: set[int] = field(default_factory=set)
    """Frames in which a shape could not be read."""
    whole: bool = True
    """False: nobody knows in which frames what could not be read is."""

    def found(self, frame: int) -> Found:
        """The boxes in a frame; not whole where a shape could not be read, or where there are others but no box."""
        found = self.boxes.get(frame) or Found()
        found.whole = self.whole and frame not in self.unread and bool(found.boxes or frame not in self.others)
        return found


def entries_of(reader: FileReader, task: Task, frames: Frames, part: str) -> Iterator[Entry]:
    """An entry for each frame of the task; `part` is its name where the file has others, with frames of like numbers.

    A frame that the task passes over is no image, nor is one that was deleted: where the files of other frames are
    there, a frame without a file and without boxes. All of it is reported.
    """
    last = task.stop if task.stop is not None else max(frames.boxes, default=-1)
    planned = range(task.start, last + 1, task.step)
    for frame in sorted(frames.boxes):
        if frame not in planned:
            what = f"frame {frame} is none of the task's ({task.start} to {last}, every {task.step}); boxes left out"
            reader.add("dropped", "skipped frame", what, f"frame {frame}")
    files = _files(reader, task, planned)
    deleted = 0
    for frame in planned:
        found, file = frames.found(frame), files.get(frame)
        if file is None and files and not found.boxes:
            deleted += 1
            continue
        name = file or f"{part + '/' if part else ''}frame_{frame:06d}.png"
        if file is None:
            reader.add("note", "image missing", f"there is no file of frame {frame}", f"frame {frame}")
        split = split_name(task.subset) if task.subset else None
        yield Entry(Stated(name, task.subset, file), split, task.size, found, reader.path, f"frame {frame}: track")
    if deleted:
        what = f"{deleted} frames without a box have no file, as deleted ones do; not images"
        reader.add("note", "frames without a file", what)


def _files(reader: FileReader, task: Task, planned: range) -> dict[int, str]:
    """The file of each frame: by the number at the end of its name, else in the order of the names."""
    files, last = list(reader.source.photos.files), planned.stop - 1
    own = [file for file in files if without_containers(file).rpartition("/")[0].lower() == task.subset.lower()]
    files = sorted(own or files, key=_natural)
    numbered = {int(found[1]): file for file in files if (found := _NUMBER.search(stem(file)))}
    clear = len(numbered) == len(files) and any(frame in numbered for frame in planned)
    if clear and (len(files) != len(planned) or all(frame in numbered for frame in planned)):
        cvat = all(_CVAT.fullmatch(stem(file).rpartition("/")[2]) for file in files) and max(numbered) <= last
        if task.start == 0 and 0 not in numbered and 1 in numbered and not cvat:
            reader.add("note", "frames counted from 1", "files are numbered from 1; frame 0 is taken to be number 1")
            numbered = {number - 1: file for number, file in numbered.items()}
        return {frame: numbered[frame] for frame in planned if frame in numbered}
    if files and len(files) == len(planned):
        what = "the files are taken for the frames in the order of their names"
        reader.add("note", "frames by order", what)
        return dict(zip(planned, files, strict=True))
    if files:
        what = f"{len(files)} files cannot be matched with {len(planned)} frames; name them frame_000000.png ..."
        reader.add("note", "unknown files", what)
    return {}


def _natural(file: str) -> list[tuple[int, str]]:
    """An order in which 2 stands before 10."""
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split(r"(\d+)", file)]
