"""How the App shows a review: colours that say what a box is, a sidebar in sensible groups, a note with the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import fiftyone as fo

from detect.review.colours import GREEN, GREY, MODELS, YELLOW
from detect.review.documents import IMAGE
from detect.review.fiftyone.fields import INFO, known_attributes
from detect.review.findings import FALSE, FOUND, IGNORED, MISSED, RIGHT
from detect.review.original import TRUTHS

MAX_BUTTONS = 12  # classes that are shown at once; more are a list to choose from


def dress(there: Any, models: Mapping[str, str], note: str) -> None:
    """Colours, sidebar and note for these models, each with its metrics in short, the first in front."""
    there.app_config.color_scheme = fo.ColorScheme(color_by="value", opacity=0.9, fields=_colours(list(models)))
    there.app_config.sidebar_groups = [
        fo.SidebarGroupDocument(name=name, paths=paths, expanded=open_) for name, paths, open_ in _groups(there, models)
    ]
    there.app_config.active_fields = fo.ActiveFields(paths=_shown(there, models), exclude=False)
    there.description = note
    there.save()
    there.set_label_schemas({TRUTHS: _schema(there)})
    there.active_label_schemas = [TRUTHS]


def _shown(there: Any, models: Iterable[str]) -> list[str]:
    """The fields that are drawn at first: boxes, and under the photos of the grid what was taken for what.

    Views of one model leave out the fields of the other.
    """
    fields = [TRUTHS, *(name for model in models for name in (model, f"{model}_wrong_class"))]
    return [field for field in fields if there.has_field(field)]


def _schema(there: Any) -> dict[str, Any]:
    """What the App's annotate mode lets people edit: boxes, classes, and the attributes of the data."""
    kinds = {str: "str", int: "int", float: "float", bool: "bool"}
    classes = there.info[INFO]["classes"]
    return {
        "type": "detections",
        "component": "radio" if len(classes) <= MAX_BUTTONS else "dropdown",
        "classes": classes,
        "attributes": [
            {"name": one.field, "type": kinds[one.type], "component": "toggle" if one.type is bool else "text"}
            for one in known_attributes(there)
        ],
    }


def _colours(models: Sequence[str]) -> list[dict[str, Any]]:
    truth = {FOUND: GREEN, MISSED: YELLOW, IGNORED: GREY}
    colours = [_coloured(TRUTHS, f"{models[0]}_status", truth, GREEN)]
    for place, model in enumerate(models):
        right, wrong = MODELS[min(place, len(MODELS) - 1)]
        colours.append(_coloured(model, "status", {RIGHT: right, FALSE: wrong, IGNORED: GREY}, right))
        colours += [
            {"path": f"{model}_unsure", "fieldColor": GREY, "valueColors": []},
            {"path": f"{model}_wrong_class", "fieldColor": wrong, "valueColors": []},
        ]
    return colours


def _coloured(path: str, attribute: str, colours: dict[str, str], field: str) -> dict[str, Any]:
    values = [{"value": value, "color": colour} for value, colour in colours.items()]
    return {"path": path, "fieldColor": field, "colorByAttribute": attribute, "valueColors": values}


def _groups(there: Any, models: Mapping[str, str]) -> list[tuple[str, list[str], bool]]:
    """Groups of fields: name, paths, open or not. What is not named here, the App puts into a group of its own."""
    held = list(there.get_field_schema())
    about = {model: [path for key in IMAGE if (path := f"{model}_{key}") in held] for model in models}
    labels = [TRUTHS, *(name for model in models for name in (model, f"{model}_unsure"))]
    image = ["name", "split", "claim", "problems", *(one.field for one in known_attributes(there, "image_attributes"))]
    file = ["id", "filepath", "metadata", "created_at", "last_modified_at", "original"]
    image = [path for path in image if path in held]
    rest = [path for path in held if path not in {"tags", *chain(*about.values()), *labels, *image, *file}]
    groups = [
        ("tags", ["tags"], True),
        # The title of a group is the one place of the App where a line of text can stand.
        *((metrics, about[model], place == 0) for place, (model, metrics) in enumerate(models.items())),
        ("boxes", labels, True),
        ("photo", image, True),
        ("other models", rest, False),
        ("metadata", file, False),
    ]
    return [group for group in groups if group[1]]
