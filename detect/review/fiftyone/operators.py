"""FiftyOne's operators behind the keys and buttons of a review; what each press means is in `detect.review.presses`."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from detect.review.fiftyone import targets
from detect.review.fiftyone.fields import INFO
from detect.review.fiftyone.progress_panel import PLUGIN, ProgressPanel, progress, refresh
from detect.review.fiftyone.targets import Target
from detect.review.original import TRUTHS
from detect.review.presses import NEXT, PRESSES, UNDO, Ask, Meaning, Press, Refusal, kind_of, meaning, tagged, together
from detect.review.tags import FIX

STORE, HISTORY = "detect_review", "history"
MAX_HISTORY = 100  # presses that can be taken back


class PressOperator(foo.Operator):
    """Gives what is selected the tag of this press, after a question where there is one."""

    press: Press

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return foo.OperatorConfig(self.press.name, label=f"Review: {self.press.label}", description=self.press.about)

    def resolve_input(self, ctx: Any) -> Any:
        """The question, where there is one."""
        if not reviewed(ctx) or not isinstance(asked := _meaning(self.press, ctx, targets.selected(ctx)), Ask):
            return None
        inputs, choices = types.Object(), types.RadioGroup()
        for tag, words in asked.choices.items():
            choices.add_choice(tag, label=words)
        # Not `required`: FiftyOne would refuse a press without it before `execute` could ask.
        default = asked.likely or (next(iter(asked.choices)) if len(asked.choices) == 1 else None)
        inputs.enum("tag", choices.values(), label=asked.question, default=default, view=choices)
        return types.Property(inputs, view=types.PromptView(label=self.press.label, submit_button_label="Tag"))

    def execute(self, ctx: Any) -> None:
        """Tag, ask or say why not."""
        if not reviewed(ctx):
            return
        found = targets.selected(ctx)
        what = _meaning(self.press, ctx, found)
        if isinstance(what, Refusal):
            ctx.ops.notify(f"{self.press.label}: {what.why}", variant="warning")
        elif isinstance(what, Ask) and ctx.params.get("tag") not in what.choices:
            ctx.prompt(f"{PLUGIN}/{self.press.name}")
        else:
            give(ctx, found, ctx.params["tag"] if isinstance(what, Ask) else what.tag)


class Next(foo.Operator):
    """Opens the next photo or box of the view that nobody has looked at."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return foo.OperatorConfig(NEXT.name, label=f"Review: {NEXT.label}", description=NEXT.about)

    def execute(self, ctx: Any) -> None:
        """Open it, or say that there is none."""
        if not reviewed(ctx):
            return
        rows = targets.items(ctx, targets.tagged_photos(ctx.dataset))
        ids = [one for one, _ in rows]
        here = ids.index(ctx.current_sample) if ctx.current_sample in ids else None
        start = 0 if here is None else here + 1
        left = [place for place in (*range(start, len(ids)), *range(start)) if not rows[place][1] and place != here]
        if not left:
            ctx.ops.notify("everything else in this view was looked at", variant="success")
            return
        ctx.ops.clear_selected_labels()
        if here is not None and left[0] > here:
            ctx.trigger(f"{PLUGIN}/step", {"steps": left[0] - here, "id": ids[left[0]]})
        else:
            ctx.ops.open_sample(id=ids[left[0]])


class Undo(foo.Operator):
    """Takes the last press back."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return foo.OperatorConfig(UNDO.name, label=f"Review: {UNDO.label}", description=UNDO.about)

    def execute(self, ctx: Any) -> None:
        """Give the tags of before back, where they are as that press left them."""
        if not reviewed(ctx):
            return
        store = ctx.store(STORE)
        history = list(store.get(HISTORY) or [])
        if not history:
            ctx.ops.notify("there is no press to take back", variant="info")
            return
        last = history.pop()
        store.set(HISTORY, history)
        kept = 0
        for photo, field, box, before, after in last["tags"]:
            if targets.tags_now(ctx.dataset, photo, field, box) == after:
                targets.write_tags(ctx, photo, field, box, before)
            else:
                kept += 1
        what = f"taken back: {last['what']}"
        _done(ctx, f"{what}; {kept} had other tags by now and were left" if kept else what)


def reviewed(ctx: Any) -> bool:
    """Whether the dataset that is open is a review: the database may hold others."""
    return ctx.dataset is not None and INFO in ctx.dataset.info


def _meaning(press: Press, ctx: Any, found: list[Target]) -> Meaning:
    there = ctx.dataset
    fields, classes = {"", *targets.label_fields(there)}, there.info[INFO]["classes"]
    if strange := next((one.field for one in found if one.field not in fields), None):
        return Refusal(f"the tags of {strange} are not collected")
    return together([meaning(press.name, one.field, one.document, classes, one.truth) for one in found])


def give(ctx: Any, found: list[Target], tag: str) -> None:
    """Give these the tag, in place of what was said before, and remember how it was."""
    rows: list[tuple[str, str, str, list[str], list[str]]] = []
    for one in found:
        field, box, document = one.field, one.box, one.document
        if tag.startswith(f"{FIX}class=") and kind_of(field) == "prediction" and one.truth is not None:
            field, box, document = TRUTHS, str(one.truth["_id"]), one.truth
        before = list(document.get("tags") or ())
        rows.append((one.photo, field, box, before, tagged(before, tag)))
    for photo, field, box, _, after in rows:
        targets.write_tags(ctx, photo, field, box, after)
    what = f"{tag} on {found[0].description() if len(found) == 1 else f'{len(found)} at once'}"
    store = ctx.store(STORE)
    store.set(HISTORY, [*(store.get(HISTORY) or []), {"what": what, "tags": rows}][-MAX_HISTORY:])
    _done(ctx, what)


def _done(ctx: Any, what: str) -> None:
    """Show the tags, the progress and what was done."""
    seen = progress(ctx)
    ctx.ops.clear_selected_labels()
    ctx.ops.reload_samples()
    refresh(ctx, seen, what)
    ctx.ops.notify(f"{what} ({seen.done} of {seen.all} looked at)", variant="success")


def _operator(press: Press) -> type[PressOperator]:
    return type(press.name, (PressOperator,), {"press": press, "__doc__": press.about})


OPERATORS = (*map(_operator, PRESSES), Next, Undo, ProgressPanel)


def register(plugin: Any) -> None:
    """Called by FiftyOne, which finds it in the folder `plugin`."""
    for one in OPERATORS:
        plugin.register(one)
