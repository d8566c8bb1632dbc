"""Writing CVAT for images 1.1: annotations.xml with its labels and typed attributes, and images/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from detect.conversion.lost_content import report_attributes
from detect.conversion.media import Media, lay
from detect.conversion.safe_xml import escape, quoted
from detect.conversion.text import number, typed, untyped
from detect.data import Box, Dataset, Image, Value
from detect.errors import Problems
from detect.progress import track

BUILT_IN: dict[str, tuple[str, Callable[[str], Value]]] = {
    "occluded": ("0", lambda text: text == "1"),
    "source": ("manual", str),
    "z_order": ("0", typed),
    "group_id": ("", typed),
}
"""XML attributes of a shape that become attributes of a box where they are not as usual: the usual text, the type."""

MANY = 20
"""More different texts than this are free text, not a choice."""


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """annotations.xml and images/ below `folder`. With splits it is a project export, else that of a task."""
    report_attributes(dataset, "CVAT", problems, boxes=False)
    lay(dataset, folder / "images", media, problems)
    with (folder / "annotations.xml").open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
        _write_meta(dataset, file, problems)
        for place, image in enumerate(track(dataset.images, "Writing CVAT XML")):
            file.write(_image(place, image))
        file.write("</annotations>\n")


def _write_meta(dataset: Dataset, file: IO[str], problems: Problems) -> None:
    kind = "project" if dataset.splits else "task"
    specs = _specs(dataset, problems)
    file.write(f"  <meta>\n    <{kind}>\n      <name>detect</name>\n      <size>{len(dataset)}</size>\n")
    if dataset.splits:
        file.write(f"      <subsets>{escape(chr(10).join(dataset.splits))}</subsets>\n")
    file.write("      <labels>\n")
    for label in dataset.classes:
        file.write(f"        <label>\n          <name>{escape(label)}</name>\n          <type>any</type>\n")
        file.write("          <attributes>\n")
        for name, (input_type, default, values) in specs.get(label, {}).items():
            file.write(
                "            <attribute>\n"
                f"              <name>{escape(name)}</name>\n              <mutable>False</mutable>\n"
                f"              <input_type>{input_type}</input_type>\n"
                f"              <default_value>{escape(default)}</default_value>\n"
                f"              <values>{escape(chr(10).join(values))}</values>\n"
                "            </attribute>\n"
            )
        file.write("          </attributes>\n        </label>\n")
    file.write(f"      </labels>\n    </{kind}>\n  </meta>\n")


Spec = tuple[str, str, list[str]]


def _specs(dataset: Dataset, problems: Problems) -> dict[str, dict[str, Spec]]:
    """For each label and attribute: input type, default and values, from the values that occur.

    Labels that use an attribute alike share its values: a severity of 1 to 5 is one for all of them.
    """
    seen: dict[str, dict[str, set[Value]]] = {}
    for image in dataset.images:
        for box in image.boxes:
            for name, value in box.attributes.items():
                if name not in BUILT_IN:
                    seen.setdefault(box.label, {}).setdefault(name, set()).add(value)
    shared: dict[tuple[str, frozenset[type]], set[Value]] = {}
    for attributes in seen.values():
        for name, values in attributes.items():
            shared.setdefault((name, _kinds(values)), set()).update(values)
    return {
        label: {name: _spec(label, name, shared[name, _kinds(values)], problems) for name, values in attributes.items()}
        for label, attributes in seen.items()
    }


def _kinds(values: set[Value]) -> frozenset[type]:
    return frozenset(map(type, values))


def _spec(label: str, name: str, values: set[Value], problems: Problems) -> Spec:
    kinds = _kinds(values)
    if kinds == {bool}:
        return "checkbox", "false", ["false", "true"]
    if kinds <= {int, float}:
        low, high = min(values), max(values)
        return "number", untyped(low), [untyped(low), untyped(high), "1" if kinds == {int} else "0.000001"]
    texts = sorted(map(untyped, values))
    if kinds != {str}:
        what = f"{label}: {name} is text in some boxes and not in others; all of it becomes text"
        problems.add("lost", "attribute type", what)
    return ("select", texts[0], texts) if len(texts) <= MANY and all(texts) else ("text", "", [])


def _image(place: int, image: Image) -> str:
    subset = f" subset={quoted(image.split)}" if image.split else ""
    head = f'  <image id="{place}" name={quoted(image.name)}{subset}'
    head += f' width="{image.width}" height="{image.height}">\n'
    return f"{head}{''.join(_lines(image.boxes))}  </image>\n"


def _lines(boxes: tuple[Box, ...]) -> Iterator[str]:
    for label, x1, y1, x2, y2, _, attributes in boxes:
        source = quoted(untyped(attributes.get("source", "manual")))
        group = f" group_id={quoted(untyped(attributes['group_id']))}" if "group_id" in attributes else ""
        others = [(name, value) for name, value in attributes.items() if name not in BUILT_IN]
        yield (
            f'    <box label={quoted(label)} source={source} occluded="{int(bool(attributes.get("occluded")))}"'
            f' xtl="{number(x1)}" ytl="{number(y1)}" xbr="{number(x2)}" ybr="{number(y2)}"'
            f" z_order={quoted(untyped(attributes.get('z_order', 0)))}{group}{'>' if others else '/>'}\n"
        )
        for name, value in others:
            yield f"      <attribute name={quoted(name)}>{escape(untyped(value))}</attribute>\n"
        if others:
            yield "    </box>\n"
