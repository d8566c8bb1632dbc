"""Two models in one review: whose boxes a view shows, in which colours, and what stands on the photos of the grid."""

from __future__ import annotations

from typing import Any

import pytest

from detect.data import Box, Dataset
from detect.review import Reviews
from tests.review.reviewed import found, full, stored

BOTH = ("a right, b wrong", "b right, a wrong")


@pytest.fixture(scope="module")
def there(reviews: Reviews, squares: Dataset) -> Any:
    """Box 1 is red: `a` finds it, `b` takes it for a blue one; box 2 is found by nobody."""
    dataset = full(squares)
    box = (1 / 3, 0.1, 17.3, 64.0)
    reviews.load(
        "two", dataset, {"a": found(dataset, Box("red", *box, 0.9)), "b": found(dataset, Box("blue", *box, 0.75))}
    )
    return stored("two")


def test_views_of_two_models_show_the_boxes_of_both_and_others_those_of_the_first(there: Any) -> None:
    active = there.app_config.active_fields.paths
    for name in there.list_saved_views():
        fields = set(there.load_saved_view(name).get_field_schema())
        drawn = [field for field in active if field in fields and not field.endswith("wrong_class")]
        if not name.startswith("boxes: "):  # a box that was cut out is alone
            assert drawn == (["ground_truth", "a", "b"] if name in BOTH else ["ground_truth", "a"]), name
    assert there.load_saved_view(BOTH[0]).values("name") == ["b/x.png"]


def test_no_colour_means_two_things(there: Any) -> None:
    by_path = {one["path"]: one for one in there.app_config.color_scheme.fields}
    meanings = [
        (one["color"], path, one["value"])
        for path in ("ground_truth", "a", "b")
        for one in by_path[path]["valueColors"]
        if one["value"] != "ignored"
    ]
    assert len(meanings) == 6 and len({colour for colour, *_ in meanings}) == 6
    assert "a: light green right" in there.get_saved_view_info(BOTH[0])["description"]


def test_the_grid_says_which_class_was_predicted_as_which(there: Any) -> None:
    assert there.values("b_wrong_class") == [["red → blue 0.75"], [], []]
    assert there.values("a_wrong_class") == [[], [], []]
    assert {"a_wrong_class", "b_wrong_class"} <= set(there.app_config.active_fields.paths)
    for name, wrong in zip(BOTH, ("b", "a"), strict=True):  # there, what the one that is wrong predicted
        fields = there.load_saved_view(name).get_field_schema()
        assert [field for field in fields if field.endswith("_wrong_class")] == [f"{wrong}_wrong_class"]
