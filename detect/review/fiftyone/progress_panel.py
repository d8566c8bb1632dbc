"""The panel of a review in the App: what was looked at, what was said so far, and a button for each key."""

from __future__ import annotations

from typing import Any, NamedTuple

import fiftyone.operators as foo
from fiftyone.operators import types

from detect.review.fiftyone import targets
from detect.review.presses import NEXT, PRESSES, UNDO, summary

PLUGIN = "@detect/review"
PANELS = "panels"  # the key in the store under which the ids of the panels that were opened are kept
MAX_PANELS = 4


class Progress(NamedTuple):
    """Of the view: how many of its photos or cut out boxes were looked at; of the review: what was said."""

    done: int
    all: int
    what: str
    so_far: str


def progress(ctx: Any) -> Progress:
    """Count by the tags in the database."""
    fields, photos = targets.label_fields(ctx.dataset), targets.tagged_photos(ctx.dataset)
    rows = targets.items(ctx, photos)
    what = "photos" if getattr(ctx.view, "patches_field", None) is None else "boxes"
    so_far = summary(tags for photo in photos for tags in targets.all_tags(photo, fields))
    return Progress(sum(seen for _, seen in rows), len(rows), what, so_far)


class ProgressPanel(foo.Panel):
    """What was looked at, and the buttons; in the grid and beside an open photo."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return foo.PanelConfig("review_progress", "Review", icon="fact_check", surfaces="grid modal")

    def on_load(self, ctx: Any) -> None:
        """Remember where it is: presses show their effect there."""
        store = ctx.store("detect_review")
        others = [one for one in store.get(PANELS) or [] if one != ctx.panel_id]
        store.set(PANELS, [*others, ctx.panel_id][-MAX_PANELS:])

    def on_change_view(self, ctx: Any) -> None:
        """It is drawn anew after this."""

    def render(self, ctx: Any) -> Any:
        """The panel as it is now."""
        return _drawn(progress(ctx), "")


def refresh(ctx: Any, seen: Progress, last: str) -> None:
    """Draw the panels that are open anew."""
    for one in ctx.store("detect_review").get(PANELS) or []:
        ctx.ops.show_panel_output(_drawn(seen, last), panel_id=one)


def _drawn(seen: Progress, last: str) -> Any:
    panel = types.Object()
    left = f"{seen.all - seen.done} left"
    panel.md(f"**{seen.done} of {seen.all} {seen.what}** of this view looked at, {left}", name="looked_at")
    panel.md(f"So far in this review: {seen.so_far}", name="so_far")
    panel.md(f"Last: {last}" if last else "Select boxes with a click, then press a key or a button.", name="last")
    for number, row in enumerate((PRESSES[:3], PRESSES[3:], (NEXT, UNDO))):
        stack = panel.h_stack(f"row_{number}", gap=1)
        for press in row:
            stack.btn(
                press.name, f"{press.label} ({press.key})", on_click=f"{PLUGIN}/{press.name}", variant="outlined",
                title=press.about,
            )  # fmt: skip
    return types.Property(panel, view=types.GridView(orientation="vertical", gap=2))
