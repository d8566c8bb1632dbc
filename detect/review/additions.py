"""New boxes of a photo, drawn by hand or taken from predictions: never two of one class in one place.

A prediction may be about a box that is there already. Where that one is of its class, it adds nothing; where it is of
another, `fix:add` alone does not say whether the box is wrong or there are two things: that is asked.
"""

from __future__ import annotations

from detect.data import NONE, Box
from detect.review.edits import SAME_PLACE, Document, Edits, are_one, corners, nearest, text
from detect.review.original import PROPOSED
from detect.review.tags import OK, ON_PREDICTION, ON_TRUTH, Asked, Place, asked, is_class, tags_of

SAME_THING = 0.5  # overlap from which a prediction is about the box that it means
RIGHT, ABOUT = "right", ("wrong_class", "duplicate")  # status and mistakes of a prediction that is about a box


def draw(edits: Edits, document: Document) -> None:
    """Read a box that was drawn by hand, or is a copy of one."""
    place = edits.place()
    wish = asked(document, ON_TRUTH, edits.classes, place)
    if wish.verb == "drop" or (box := _box(edits, document, wish, place)) is None:
        return
    if document.get(PROPOSED) == box.label and not wish.verb and OK not in tags_of(document):
        what, remedy = f"{text(box)} was drawn, and its class not chosen", f"tag it ok if it is a {box.label}"
        place.refuse("no class", what, f"{remedy}, else choose its class or tag it fix:class=LABEL")
        return
    box = box._replace(attributes=edits.given(document, NONE))
    number, share = edits.nearest(box)
    if share >= SAME_PLACE or any(are_one(box, one) for one in edits.new):
        other = f"box {number} is" if share >= SAME_PLACE else "another one was drawn"
        place.refuse("two in one place", f"{text(box)} was drawn where {other}", "delete one of the two")
        return
    _append(edits, box, "edit")


def add(edits: Edits, document: Document, model: str) -> None:
    """Read a prediction, which becomes a true box where the reviewer says so."""
    place = edits.place(f"a box of {model}")
    wish = asked(document, ON_PREDICTION, edits.classes, place)
    if not wish.verb or (box := _box(edits, document, wish, place)) is None:
        return
    if any(are_one(box, one) for one in edits.new):  # two models found it, or somebody drew it
        return
    if _is_another(edits, box, document, wish, place):
        _append(edits, box, str(wish))


def _box(edits: Edits, document: Document, wish: Asked, place: Place) -> Box | None:
    """The box that it would be; None, and a problem, where it has no class or no place in the image."""
    label = wish.label or document.get("label")
    right, edges = is_class(label, edits.classes, place), corners(document, edits.before)
    if edges is None:
        place.refuse("empty box", "a box lies outside the image or has no size")
    return Box(str(label), *edges) if right and edges is not None else None


def _append(edits: Edits, box: Box, by: str) -> None:
    edits.new.append(box)
    edits.note(0, "add", "", text(box), by)


def _is_another(edits: Edits, box: Box, document: Document, wish: Asked, place: Place) -> bool:
    """Whether this prediction is of something that has no box yet."""
    number, share = _about(edits, box, document)
    there = edits.boxes.get(number)
    if there is None or (number in edits.right and there.label != box.label):
        return True
    if there.label != box.label:
        if not wish.label:
            what = f"{wish} of a {box.label}, where box {number} is a {there.label}: which is meant?"
            remedy = f"fix:class={box.label} or fix:drop on box {number}; fix:add={box.label} here if there are two"
            place.refuse("which is meant", what, remedy)
        return bool(wish.label)
    if edits.is_changed(number):  # tag and change say the same
        return False
    if wish.label and share < SAME_PLACE:
        return True
    again = f"fix:add={box.label} adds a second one; else move box {number}, or"
    what = f"{wish}: box {number} is a {box.label} in this place already (IoU {share:.2f})"
    place.refuse("two in one place", what, f"{again if share < SAME_PLACE else ''} take the tag away".strip())
    return False


def _about(edits: Edits, box: Box, document: Document) -> tuple[int, float]:
    """The number of the box of the data that a prediction is about, and their overlap; (0, 0) for none.

    One in the very same place, its own class first; else the one that the evaluation says it finds or means.
    """
    kept = [(number, one) for number, one in edits.boxes.items() if one is not None]
    own = nearest(box, [(number, one) for number, one in kept if one.label == box.label])
    if own[1] >= SAME_PLACE:
        return own
    about = document.get("status") == RIGHT or document.get("mistake") in ABOUT
    if about or (document.get("iou") or 0.0) >= SAME_THING:
        meant = [(number, one) for number, one in kept if number == document.get("truth")]
        if meant:
            return nearest(box, meant)
    other = nearest(box, kept)
    return other if other[1] >= SAME_PLACE else (0, 0.0)
