"""The App's server, as a program: FiftyOne's own, but nothing that people do in a view of single boxes gets lost.

Such a view ("patches") shows a copy of the dataset. FiftyOne 1.22 leaves a tag of a patch in that copy, and has no
place for a box that is drawn there, though the App shows it as saved. Here the tag becomes one of the box, and the new
box one of the photo. The App gives a drawn box a class of its own choice; that is noted, so that somebody can be asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detect.review.fiftyone import NEEDLESS, not_installed
from detect.review.original import PROPOSED, TRUTHS

PATH = f"{TRUTHS}.detections"
COPY = "generated_dataset"  # in a request: the dataset that is a copy
Operation = Mapping[str, Any]  # of a JSON patch


def command(port: int, address: str | None) -> list[str]:
    """The command that starts the server."""
    root = str(Path(__file__).parents[3])
    program = f"import sys; sys.path.insert(0, {root!r}); from detect.review.fiftyone.server import main; main()"
    return [sys.executable, "-c", program, "--port", str(port), *(["--address", address] if address else [])]


def main() -> None:
    """Serve on --address and --port until the process is ended."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int)
    arguments.add_argument("--address")
    given = arguments.parse_args()
    with not_installed(NEEDLESS):
        from fiftyone.server.main import start_server  # first of all of FiftyOne's: it says that this is the server

    keep_all()
    start_server(port=given.port, address=given.address)


def keep_all() -> None:
    """Put ours before those functions of FiftyOne's server that would lose something."""
    from fiftyone.server import decorators, utils
    from fiftyone.server.routes import sample as routes

    change_tags, change_sample = utils.change_sample_tags, routes._handle_top_level_patch
    change_label = routes.SampleField.patch

    def tag(view: Any, changes: Mapping[str, bool]) -> None:
        if view._is_patches and _is_ours(view._root_dataset):
            utils.change_label_tags(view, changes, label_fields=view._label_fields)
        else:
            change_tags(view, changes)

    def change(sample: Any, operations: Sequence[Operation]) -> Any:
        if _is_ours(sample.dataset):
            note_proposals(operations)
        return change_sample(sample, operations)

    async def draw(_: Any, request: Any, operations: Sequence[Operation]) -> Any:
        copy = routes.get_dataset(request.query_params[COPY])[request.query_params["generated_sample_id"]]
        sample = routes.get_sample(request.path_params["dataset_id"], request.path_params["sample_id"], None)
        box = draw_box(sample, copy[TRUTHS], request.path_params["field_id"], operations)
        mark = routes.save_sample(sample, None)
        held = utils.json.serialize(copy)
        if box is not None:  # for the App, which knows one box alone, it is the one that is shown, with another place
            mine = {
                key: value
                for key, value in utils.json.serialize(box).items()
                if key != PROPOSED and value not in (None, [], {})
            }
            held[TRUTHS] = {**held[TRUTHS], **mine}
        return utils.json.JSONResponse(held, headers={"ETag": mark})

    answer = decorators.route(draw, parse_body=True)

    async def patch(endpoint: Any, request: Any) -> Any:
        given, query = request.path_params, request.query_params
        if given["field_path"] == PATH and query.get("generated_sample_id", given["field_id"]) != given["field_id"]:
            there = routes.get_dataset(given["dataset_id"])
            if _is_ours(there) and _is_new(there[given["sample_id"]], given["field_id"]):
                return await answer(endpoint, request)
        return await change_label(endpoint, request)

    utils.change_sample_tags = tag
    routes._handle_top_level_patch = change
    routes.SampleField.patch = patch


def note_proposals(operations: Sequence[Operation]) -> None:
    """Mark boxes that are being added: each comes with a class before anybody can choose one."""
    for operation in operations:
        value = operation.get("value")
        if operation["op"] == "add" and operation["path"].startswith(f"/{TRUTHS}") and isinstance(value, dict):
            for box in value.get("detections") or [value]:
                if "bounding_box" in box and box.get("number") is None:  # those of the data come back by an undo
                    box[PROPOSED] = box.get("label")


def draw_box(sample: Any, shown: Any, name: str, operations: Sequence[Operation]) -> Any:
    """The new box of a photo called `name`, or None where it is deleted: `operations` make it of the one `shown`."""
    import fiftyone as fo

    from detect.review.fiftyone.fields import known_attributes

    if sample[TRUTHS] is None:
        sample[TRUTHS] = fo.Detections()
    there = sample[TRUTHS].detections
    box = next((one for one in there if one.id == name), None)
    if any(one["op"] == "remove" and one["path"] in ("", "/") for one in operations):
        sample[TRUTHS].detections = [one for one in there if one.id != name]
        return None
    is_new = box is None
    if box is None:
        box = fo.Detection(id=name, label=shown.label, bounding_box=list(shown.bounding_box))
        there.append(box)
    attributes = {one.field for one in known_attributes(sample.dataset)}
    edges = list(box.bounding_box)
    for operation in operations:
        key, *rest = operation["path"].strip("/").split("/")
        if rest:  # nothing else has parts
            edges[int(rest[0])] = operation["value"]
        elif key == "bounding_box":
            edges = list(operation["value"])
        elif key == "label" or key in attributes:
            box[key] = operation.get("value")
    box.bounding_box = edges
    if is_new:
        box[PROPOSED] = box.label
    return box


def _boxes(sample: Any) -> Sequence[Any]:
    return sample[TRUTHS].detections if sample[TRUTHS] is not None else ()


def _is_new(sample: Any, name: str) -> bool:
    """Whether the box called so is none of the data: one that is being drawn, or was before."""
    return all(box.id != name or getattr(box, "number", None) is None for box in _boxes(sample))


def _is_ours(dataset: Any) -> bool:
    from detect.review.fiftyone.fields import INFO

    return INFO in dataset.info
