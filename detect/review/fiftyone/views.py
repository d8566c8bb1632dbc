"""The saved views: what is worth looking at, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fiftyone import ViewField as F
from fiftyone.core.utils import to_slug

from detect.evaluation.label_issues import LIKELY
from detect.review.colours import WORDS
from detect.review.fiftyone.fields import INFO
from detect.review.findings import FALSE, FOUND, MISSED
from detect.review.original import TRUTHS

OUR_MARK = "detect: "  # how the description of a view begins that this tool made, and may replace

BOXES = "boxes: "  # how the name of a view begins that shows boxes one by one


class View(NamedTuple):
    """A saved view: its name in the App, what it shows, and the view itself."""

    name: str
    about: str
    view: Any


def save_views(there: Any, models: Sequence[str]) -> list[View]:
    """Save the views of the first model, and of what it does better or worse than the second; the reviewer's stay.

    Names that would have one address, since FiftyOne makes it of ASCII alone, are numbered.
    """
    for name in there.list_saved_views():
        if (there.get_saved_view_info(name).get("description") or "").startswith(OUR_MARK):
            there.delete_saved_view(name)
    taken = {to_slug(name) for name in there.list_saved_views()}
    saved = []
    for view in (*_of_one_model(there, models), *_compared(there, models)):
        name, number = view.name, 1
        while to_slug(name) in taken:
            number += 1
            name = f"{view.name} ({number})"
        taken.add(to_slug(name))
        there.save_view(name, view.view, description=OUR_MARK + view.about)
        saved.append(view._replace(name=name))
    return saved


def as_names(there: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Our saved views that show whole photos: name, what it shows, the names of its images."""
    for name in there.list_saved_views():
        about = there.get_saved_view_info(name).get("description") or ""
        if about.startswith(OUR_MARK) and not name.startswith(BOXES):
            yield name, about.removeprefix(OUR_MARK), there.load_saved_view(name).values("name")


def _of_one_model(there: Any, models: Sequence[str]) -> Iterator[View]:
    """The views of the first model; the boxes of the other, which are drawn where they are there, are not in them."""
    others = [name for model in models[1:] for name in (model, f"{model}_unsure", f"{model}_wrong_class")]
    others = [field for field in others if there.has_field(field)]
    for view in _views(there, models[0]):
        alone = others and not view.name.startswith(BOXES)  # a box that was cut out has no other fields
        yield view._replace(view=view.view.exclude_fields(others)) if alone else view


def _views(there: Any, model: str) -> Iterator[View]:
    status = F(f"{model}_status")
    yield _truths(there, "missed damage", "a true box that was not found", status == MISSED, F(f"{model}_cost"))
    background = (F("status") == FALSE) & (F("mistake") == "background")
    yield _found(there, model, "false alarms", "a prediction where nothing is", background)
    for name, about, kinds in (
        ("wrong class", "a prediction of another class than the true box", ["wrong_class", "both"]),
        ("poor boxes", "a prediction that overlaps its true box too little", ["poor_box", "both"]),
        ("duplicates", "a second prediction on the same true box", ["duplicate"]),
    ):
        yield _found(there, model, name, about, (F("status") == FALSE) & F("mistake").is_in(kinds))
    likely = there.match(F(f"{model}_label_issue") >= LIKELY).sort_by(f"{model}_label_issue", reverse=True)
    yield View("label issues", "where the annotation is probably wrong", likely)
    counted = F(f"{model}.detections").filter(F("status") == FALSE)
    nothing = F(f"{TRUTHS}.detections").length() == 0
    flagged = there.match(nothing & (counted.length() > 0)).sort_by(counted.map(F("confidence")).max(), reverse=True)
    yield View("undamaged, flagged", "photos without damage in which some is predicted", flagged)
    real = F(f"{TRUTHS}.detections").filter(status.is_in([FOUND, MISSED]))
    unflagged = there.match((real.length() > 0) & (F(f"{model}.detections").length() == 0))
    unflagged = unflagged.sort_by(f"{model}_worst", reverse=True)
    yield View("damaged, not flagged", "photos with damage in which none is predicted", unflagged)
    for name in there.info[INFO]["classes"]:
        mine = F("label") == name
        either = (F(f"{TRUTHS}.detections").filter(mine).length() > 0) | (
            F(f"{model}.detections").filter(mine).length() > 0
        )
        view = there.exists(f"{model}_mistakes").match(either).sort_by(f"{model}_worst", reverse=True)
        yield View(f"class: {name}", f"photos in which {name} is annotated or predicted", view)
    misses = there.filter_labels(TRUTHS, status == MISSED).to_patches(TRUTHS, other_fields=["name"])
    yield View(f"{BOXES}missed", "each missed box", misses.sort_by(f"{TRUTHS}.{model}_cost", reverse=True))
    alarms = there.filter_labels(model, F("status") == FALSE).to_patches(model, other_fields=["name"])
    yield View(f"{BOXES}false", "each false prediction", alarms.sort_by(f"{model}.confidence", reverse=True))
    wrong = there.filter_labels(TRUTHS, F(f"{model}_label_issue") != None)  # noqa: E711 an expression
    wrong = wrong.to_patches(TRUTHS, other_fields=["name"])
    wrong = wrong.sort_by(f"{TRUTHS}.{model}_label_issue_score", reverse=True)
    yield View(f"{BOXES}label issues", "each true box that is probably wrong", wrong)


def _truths(there: Any, name: str, about: str, wanted: Any, cost: Any) -> View:
    boxes = F(f"{TRUTHS}.detections").filter(wanted)
    return View(name, about, there.match(boxes.length() > 0).sort_by(boxes.map(cost).sum(), reverse=True))


def _found(there: Any, model: str, name: str, about: str, wanted: Any) -> View:
    boxes = F(f"{model}.detections").filter(wanted)
    return View(name, about, there.match(boxes.length() > 0).sort_by(boxes.map(F("confidence")).max(), reverse=True))


def _compared(there: Any, models: Sequence[str]) -> Iterator[View]:
    if len(models) < 2:
        return
    first, second = models
    boxes = F(f"{TRUTHS}.detections")
    for better, worse in ((first, second), (second, first)):
        mine = boxes.filter((F(f"{better}_status") == FOUND) & (F(f"{worse}_status") == MISSED)).length()
        fewer = F(f"{better}_mistakes") < F(f"{worse}_mistakes")
        view = there.match((mine > 0) | fewer).sort_by(F(f"{worse}_mistakes") - F(f"{better}_mistakes"), reverse=True)
        about = f"photos where {better} does better than {worse} ({first}: {WORDS[0]}; {second}: {WORDS[1]})"
        if there.has_field(words := f"{better}_wrong_class"):
            view = view.exclude_fields(words)  # the words on the photos are then of the one that is wrong
        yield View(f"{better} right, {worse} wrong", about, view)
