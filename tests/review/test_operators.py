"""The operators behind keys and buttons, on a review in the database: a press, what `--collect` makes of it, undo."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from detect.data import Box, Dataset
from detect.review import Reviews
from detect.review.presses import NEXT, PRESSES, UNDO
from tests.review.reviewed import found, full, stored

PLUGIN = Path(__file__).parents[2] / "detect" / "review" / "fiftyone" / "plugin"


class Screen:
    """What an operator is given of the App, and what it makes the App do."""

    def __init__(self, name: str, view: str = "") -> None:
        self.dataset = stored(name)
        self.view = self.dataset.load_saved_view(view) if view else self.dataset.view()
        self.current_sample: str | None = None
        self.selected: list[str] = []
        self.selected_labels: list[dict[str, str]] = []
        self.params: dict[str, Any] = {}
        self.panel_id = "panel-1"
        self.kept: dict[str, Any] = {}
        self.said: list[str] = []
        self.asked: list[str] = []
        self.opened: list[str] = []
        self.steps: list[int] = []
        self.drawn: list[str] = []
        self.ops = SimpleNamespace(
            notify=lambda text, variant: self.said.append(text),
            clear_selected_labels=lambda: self.selected_labels.clear(),
            reload_samples=lambda: None,
            open_sample=lambda id: self.opened.append(id),  # noqa: A006 as FiftyOne calls it
            show_panel_output=lambda _output, panel_id: self.drawn.append(panel_id),
        )

    def store(self, _name: str) -> Any:
        """Kept as FiftyOne keeps it: by the name of the key."""
        return SimpleNamespace(get=self.kept.get, set=self.kept.__setitem__)

    def trigger(self, operator: str, params: dict[str, Any]) -> None:
        assert operator == "@detect/review/step"
        self.opened.append(params["id"])
        self.steps.append(params["steps"])

    def prompt(self, operator: str) -> None:
        self.asked.append(operator)

    def select(self, field: str, place: int = 0) -> None:
        """Open the first photo, and click the box at this place of the field."""
        photo = self.dataset.first()
        self.current_sample = photo.id
        box = photo[field].detections[place].id
        self.selected_labels = [{"sample_id": photo.id, "field": field, "label_id": box}]

    def press(self, name: str, **params: Any) -> None:
        from detect.review.fiftyone.operators import OPERATORS

        self.params = params
        operator = next(one for one in OPERATORS if one().config.name == name)()
        operator.execute(self)


@pytest.fixture(scope="module")
def loaded(reviews: Reviews, squares: Dataset) -> str:
    """A photo with two boxes, of which one is taken for the other class, and one false alarm; two photos more."""
    dataset = full(squares)
    said = (Box("blue", 1 / 3, 0.1, 17.3, 64.0, 0.9), Box("red", 40, 2, 60, 20, 0.8))
    reviews.load("pressed", dataset, {"m": found(dataset, *said)})
    return "pressed"


@pytest.fixture
def review(loaded: str) -> str:
    """That review, without a tag."""
    fields = ("ground_truth", "m", "m_unsure")
    no_tags = {path: list[str]() for path in ("tags", *(f"{field}.detections.$[].tags" for field in fields))}
    stored(loaded)._sample_collection.update_many({}, {"$set": no_tags})
    return loaded


@pytest.mark.parametrize(
    ("field", "place", "press", "params", "changes"),
    [
        ("ground_truth", 0, "drop", {}, [("drop", 1, "fix:drop")]),
        ("ground_truth", 1, "right", {}, []),
        ("ground_truth", 1, "wrong_class", {"tag": "fix:class=red"}, [("class", 2, "fix:class=red")]),
        ("m", 1, "add", {}, [("add", 0, "fix:add")]),
        ("m", 1, "wrong_class", {"tag": "fix:add=blue"}, [("add", 0, "fix:add=blue")]),
        # It lies where box 1 does, which is called red: the class of that box is meant.
        ("m", 0, "add", {"tag": "fix:class=blue"}, [("class", 1, "fix:class=blue")]),
    ],
)
def test_a_press_is_what_collect_reads_and_undo_takes_it_back(
    reviews: Reviews, review: str, field: str, place: int, press: str, params: dict[str, Any], changes: list[Any]
) -> None:
    screen = Screen(review)
    screen.select(field, place)
    screen.press(press, **params)
    assert screen.asked == [] and "(1 of 3 looked at)" in screen.said[-1] and screen.selected_labels == []
    assert [(one.change, one.box, one.by) for one in reviews.collect(review).changes] == changes
    screen.press("undo")
    assert reviews.collect(review).changes == () and "taken back" in screen.said[-1]
    assert screen.dataset.count_label_tags() == {}
    screen.press("undo")
    assert "no press to take back" in screen.said[-1]


@pytest.mark.parametrize(("press", "tags"), [("right", ["ok"]), ("disputed", ["disputed"]), ("drop", [])])
def test_without_a_box_the_photo_is_tagged_and_never_the_boxes_in_it(
    reviews: Reviews, review: str, press: str, tags: list[str]
) -> None:
    screen = Screen(review)
    screen.current_sample = screen.dataset.first().id
    screen.press(press)
    screen.dataset.reload()
    assert screen.dataset.first().tags == tags and screen.dataset.count_label_tags() == {}
    assert screen.asked == (["@detect/review/drop"] if press == "drop" else [])  # a whole photo: only after asking
    screen.press("drop", tag="fix:drop")
    assert [one.change for one in reviews.collect(review).changes] == ["drop image"]
    assert screen.dataset.count_label_tags() == {}


@pytest.mark.parametrize("press", ["add", "wrong_class"])
def test_a_press_that_needs_a_box_says_so(review: str, press: str) -> None:
    screen = Screen(review)
    screen.press(press)
    assert "nothing is selected" in screen.said[-1]
    screen.current_sample = screen.dataset.first().id
    screen.press(press)
    assert "no box is selected" in screen.said[-1]
    assert screen.dataset.count_label_tags() == {} and screen.asked == [] and screen.kept == {}


def test_boxes_that_were_selected_in_another_photo_do_not_count(review: str) -> None:
    screen = Screen(review)
    screen.select("ground_truth")
    screen.current_sample = screen.dataset.last().id
    screen.press("right")
    assert screen.dataset.count_label_tags() == {} and screen.dataset.last().tags == ["ok"]


def test_several_photos_of_the_grid_at_once(review: str) -> None:
    screen = Screen(review)
    screen.selected = screen.dataset.values("id")[:2]
    screen.press("right")
    assert screen.dataset.values("tags") == [["ok"], ["ok"], []] and "2 at once" in screen.said[-1]
    screen.press("undo")
    assert screen.dataset.values("tags") == [[], [], []]


def test_the_question_offers_the_classes(review: str) -> None:
    from detect.review.fiftyone.operators import OPERATORS

    screen = Screen(review)
    screen.select("ground_truth")
    asked = next(one for one in OPERATORS if one().config.name == "wrong_class")().resolve_input(screen).to_json()
    choices = asked["type"]["properties"]["tag"]["view"]["choices"]
    assert [one["value"] for one in choices] == ["fix:class=blue", "fix:class=never"]
    screen.press("wrong_class")
    assert screen.asked == ["@detect/review/wrong_class"] and screen.dataset.count_label_tags() == {}


def test_a_press_takes_the_place_of_the_one_before_and_undo_goes_back_step_by_step(review: str) -> None:
    screen = Screen(review)
    tags = []
    for press in ("right", "disputed", "drop", "undo", "undo", "undo"):
        screen.select("ground_truth")
        screen.press(press)
        screen.dataset.reload()
        tags.append(screen.dataset.first().ground_truth.detections[0].tags)
    assert tags == [["ok"], ["ok", "disputed"], ["disputed", "fix:drop"], ["ok", "disputed"], ["ok"], []]


def test_undo_leaves_what_somebody_else_tagged_meanwhile(review: str) -> None:
    screen = Screen(review)
    screen.select("ground_truth")
    screen.press("drop")
    photo = screen.dataset.first()
    photo.ground_truth.detections[0].tags = ["ok"]
    photo.save()
    screen.press("undo")
    assert screen.dataset.count_label_tags() == {"ok": 1} and "were left" in screen.said[-1]


def test_a_cut_out_box_stands_for_its_box(reviews: Reviews, review: str) -> None:
    screen = Screen(review, "boxes: missed")
    first, *others = screen.view.values("id")
    screen.current_sample = first
    screen.press("drop")
    assert [(one.change, one.by) for one in reviews.collect(review).changes] == [("drop", "fix:drop")]
    assert f"(1 of {1 + len(others)} looked at)" in screen.said[-1]
    screen.view.reload()
    assert screen.view.count_label_tags() == {"fix:drop": 1}
    screen.press("next")
    assert screen.opened == others[:1]
    screen.press("undo")
    assert reviews.collect(review).changes == ()


def test_next_goes_on_and_round_and_ends(review: str) -> None:
    screen = Screen(review)
    first, second, third = screen.dataset.values("id")
    screen.press("next")
    screen.current_sample = second
    screen.press("next")
    screen.current_sample = third
    screen.press("next")
    assert screen.opened == [first, third, first] and screen.steps == [1]  # the others are opened by their id
    for one in (first, second):
        screen.current_sample = one
        screen.press("right")
    screen.current_sample = third
    screen.press("next")
    assert len(screen.opened) == 3 and "was looked at" in screen.said[-1]


def test_the_panel_counts_and_is_drawn_after_a_press(review: str) -> None:
    from detect.review.fiftyone.progress_panel import ProgressPanel

    screen, panel = Screen(review), ProgressPanel()
    panel.on_load(screen)
    screen.select("ground_truth")
    screen.press("drop")
    assert screen.drawn == ["panel-1"]
    drawn = panel.render(screen).to_json()["type"]["properties"]
    assert drawn["looked_at"]["default"] == "**1 of 3 photos** of this view looked at, 2 left"
    assert drawn["so_far"]["default"] == "So far in this review: 1 left out"
    rows = [one["type"]["properties"] for name, one in drawn.items() if name.startswith("row_")]
    assert [name for row in rows for name in row] == [press.name for press in (*PRESSES, NEXT, UNDO)]


def test_a_dataset_that_is_no_review_is_left_alone(reviews: Reviews) -> None:
    import fiftyone

    other = fiftyone.Dataset("somebody's")
    other.add_sample(fiftyone.Sample("a.jpg"))
    screen = SimpleNamespace(dataset=other, ops=None)
    from detect.review.fiftyone.operators import OPERATORS

    for one in OPERATORS[:-1]:
        one().execute(screen)
    assert other.first().tags == []


def test_fiftyone_loads_the_plugin_and_the_keys_are_those_of_the_presses(reviews: Reviews) -> None:
    from fiftyone.plugins.context import PluginContext
    from fiftyone.plugins.definitions import PluginDefinition

    listed = yaml.safe_load((PLUGIN / "fiftyone.yml").read_text())
    plugin = PluginContext(PluginDefinition.from_disk(str(PLUGIN / "fiftyone.yml")))
    plugin.register_all()
    assert plugin.errors == []
    assert [one.name for one in plugin.instances] == [*listed["operators"], *listed["panels"]]
    assert plugin.instances[0].uri == "@detect/review/right"
    keys = dict(re.findall(r'\b(\w): "(\w+)"', (PLUGIN / listed["js_bundle"]).read_text()))
    assert keys == {press.key: press.name for press in (*PRESSES, NEXT, UNDO)}


@pytest.mark.parametrize("theirs", ["", "mine", "gone"])
def test_plugins_of_the_user_s_are_loaded_where_a_variable_names_them(
    reviews: Reviews, theirs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from fiftyone.plugins.core import _iter_plugin_metadata_files

    from detect.review.fiftyone.app import _plugins

    monkeypatch.delenv("FIFTYONE_PLUGINS_DIR", raising=False)
    (tmp_path / "mine" / "own").mkdir(parents=True)
    (tmp_path / "mine" / "own" / "fiftyone.yml").write_text("name: own\n")
    if theirs:
        monkeypatch.setenv("FIFTYONE_PLUGINS_DIR", str(tmp_path / theirs))
    with _plugins():
        folder = os.environ["FIFTYONE_PLUGINS_DIR"]
        files = sorted(str(Path(one).relative_to(folder)) for one in _iter_plugin_metadata_files(folder))
    assert files == ["review/fiftyone.yml", *(["yours/own/fiftyone.yml"] if theirs == "mine" else [])]
    assert os.environ.get("FIFTYONE_PLUGINS_DIR") == (str(tmp_path / theirs) if theirs else None)
    assert not Path(folder).exists() and (tmp_path / "mine" / "own" / "fiftyone.yml").exists()
