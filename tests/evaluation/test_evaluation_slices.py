"""Slices of the data: what they are, their numbers by hand, and which are called worse than the rest."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image as Pictures

from detect.data import Attributes, Box, Dataset, Image, Predictions, Value
from detect.evaluation.bootstrap import Floats, Rows, resamples
from detect.evaluation.match import match
from detect.evaluation.slices import Slice, brightness, slices
from tests.evaluation.random_sets import knobs, random_set

CLASSES = ("dent", "scratch")
Found = dict[str, tuple[Box, ...]]


def sliced(
    dataset: Dataset, found: Found, luma: Floats | None = None, units: Rows | None = None, replicates: int = 200
) -> tuple[Slice, ...]:
    """The slices at IoU 0.5 and confidence 0.5."""
    table = match(dataset, Predictions(dataset.classes, found))
    rows = np.flatnonzero(table.detections.score >= 0.5)
    right = table.found[0, 0, rows]
    seen = np.zeros(len(table.truths.label), dtype=bool)
    seen[table.truth[0, rows[right]]] = True
    units = np.arange(len(dataset)) if units is None else units
    weights = resamples(units, replicates)
    drawn = int(units.max(initial=-1)) + 1
    counted = ~table.ignored[0, 0, rows]
    return slices(dataset, table, seen, rows, right, counted, weights, units=drawn, brightness=luma)


def box(label: str = "dent", width: float = 40, height: float = 40, y: float = 0, **attributes: Value) -> Box:
    return Box(label, 0, y, width, y + height, None, Attributes(attributes))


def photo(name: str, *boxes: Box, **attributes: Value) -> Image:
    return Image(name, 500, 500, boxes, attributes=Attributes(attributes))


def hit(true: Box, score: float = 0.9) -> Box:
    return true._replace(score=score, attributes=Attributes())


def simple(truths: list[Box], found: list[bool] | None = None) -> tuple[Dataset, Found]:
    """One image per true box."""
    images = tuple(photo(f"{n}.jpg", true) for n, true in enumerate(truths))
    seen = [True] * len(truths) if found is None else found
    answers = ((hit(true),) if yes else () for true, yes in zip(truths, seen, strict=True))
    return Dataset(CLASSES, images), dict(zip([image.name for image in images], answers, strict=True))


def names(found: tuple[Slice, ...], by: str) -> dict[str, int]:
    """The slices by this property, and how many true boxes each has."""
    return {one.name: one.truths for one in found if one.by == by}


def the(found: tuple[Slice, ...], by: str, name: str) -> Slice:
    return next(one for one in found if (one.by, one.name) == (by, name))


def test_numbers_by_hand() -> None:
    dent, scratch = box(), box("scratch", y=100)
    crowd = box("scratch", y=200, iscrowd=1)
    images = (photo("a.jpg", dent, scratch), photo("b.jpg", dent, crowd), photo("c.jpg", dent), photo("d.jpg"))
    found = {
        "a.jpg": (hit(dent), hit(scratch, 0.4)),  # the scratch is found, but below the confidence
        "b.jpg": (hit(dent), hit(crowd), hit(box("scratch", y=300))),  # one in the crowd, which does not count
        "c.jpg": (hit(box(y=300)),),
        "d.jpg": (hit(box(y=300)),),
    }
    result = sliced(Dataset(CLASSES, images), found)
    one, other = result  # by class; all boxes are medium and compact, all images in one folder
    assert (one.name, one.images, one.truths, one.detections) == ("dent", 4, 3, 4)
    assert (one.recall, one.recall_rest, one.precision, one.precision_rest) == (2 / 3, 0.0, 0.5, 0.0)
    assert (other.name, other.images, other.truths, other.detections) == ("scratch", 2, 1, 1)
    assert (other.recall, other.recall_rest, other.precision, other.precision_rest) == (0.0, 2 / 3, 0.0, 0.5)
    assert np.isnan(other.recall_difference).all()  # one image speaks of it


@settings(max_examples=40, deadline=None)
@given(knobs)
def test_slices_make_up_the_whole(setting: dict[str, Any]) -> None:
    """Of every property all boxes have, the slices' counts sum to the same, and slice and rest to the share of all."""
    dataset, predictions = random_set(**setting)
    luma = np.random.default_rng(setting["seed"]).uniform(0, 255, len(dataset))
    result = sliced(dataset, dict(predictions.images), luma, replicates=20)
    table = match(dataset, predictions)
    truths = int((~table.truth_ignored[0]).sum())
    for by in {one.by for one in result}:
        group = [one for one in result if one.by == by]
        assert sum(one.truths for one in group) == truths
        parted = [one for one in group if 0 < one.truths < truths]
        hits = [one.recall * one.truths + one.recall_rest * (truths - one.truths) for one in parted]
        assert hits == pytest.approx(hits[:1] * len(hits))
        for one in group:
            assert one.truths or one.detections
            assert [math.isnan(one.recall), math.isnan(one.precision)] == [one.truths == 0, one.detections == 0]


def test_no_boxes_and_no_images() -> None:
    assert sliced(Dataset(CLASSES, ()), {}) == ()
    assert sliced(Dataset((), ()), {}, np.empty(0)) == ()
    empty = Dataset(CLASSES, (photo("a/1.jpg"), photo("b/1.jpg")))
    assert sliced(empty, {}, np.full(2, np.nan)) == ()


def test_without_resamples_nothing_is_tested() -> None:
    result = sliced(*simple([box()] * 20 + [box("scratch")] * 20, [True] * 20 + [False] * 20), replicates=0)
    assert [(one.recall, one.worse) for one in result] == [(1.0, ""), (0.0, "")]
    assert np.isnan([one.recall_difference for one in result]).all()


def test_borders_of_sizes() -> None:
    sizes = [box(width=a / 32, height=32) for a in (1023.5, 1024, 1024.5)]
    sizes += [box(width=a / 96, height=96) for a in (9215, 9216, 9217)]
    filed = [box(area=900.0)]  # the area that the file gives is the one that counts
    result = sliced(*simple(sizes + filed))
    assert names(result, "size") == {"small": 2, "medium": 3, "large": 2}
    # The detection on the last box has no area but its own, and that is medium.
    assert [one.detections for one in result if one.by == "size"] == [1, 4, 2]


def test_borders_of_aspects() -> None:
    shapes = [(19, 40), (20, 40), (40, 40), (80, 40), (81, 40)]
    result = sliced(*simple([box(width=w, height=h) for w, h in shapes]))
    assert names(result, "aspect") == {"tall": 1, "compact": 3, "wide": 1}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["a/", "a/", "b/c/"], {"a": 2, "b/c": 1}),
        (["", "", "b/"], {".": 2, "b": 1}),  # the root is a folder
        (["a/", "a/", "a/"], {}),  # one is no property
        ([f"{n}/" for n in range(20)], {str(n): 1 for n in range(20)}),
        ([f"{n}/" for n in range(21)], {}),  # more than 20 are none either
    ],
)
def test_folders(folders: list[str], expected: dict[str, int]) -> None:
    images = tuple(photo(f"{folder}{n}.jpg", box()) for n, folder in enumerate(folders))
    assert names(sliced(Dataset(CLASSES, images), {}), "folder") == expected


def test_an_image_without_boxes_belongs_to_its_folder() -> None:
    images = (photo("a/1.jpg", box()), photo("a/2.jpg"), photo("b/1.jpg"), photo("c/1.jpg"))
    result = sliced(Dataset(CLASSES, images), {"b/1.jpg": (hit(box()),)})
    assert [(one.name, one.images, one.truths, one.detections) for one in result] == [("a", 2, 1, 0), ("b", 1, 0, 1)]


def test_photos_are_cut_at_the_terciles_of_brightness() -> None:
    luma = np.array([10.0, 200, 90, 20, 210, 100, np.nan])
    result = sliced(*simple([box()] * 7), luma)
    assert names(result, "brightness") == {"dark": 2, "medium": 2, "bright": 2}
    assert names(sliced(*simple([box()] * 7), np.full(7, 3.0)), "brightness") == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["low", "high", "low", ""], {"low": 2, "high": 1}, id="texts, and an empty one"),
        pytest.param([True, False, True], {"true": 2, "false": 1}, id="yes or no"),
        pytest.param([3, 1, 3.0, 2.5, math.nan], {"1": 1, "2.5": 1, "3": 2}, id="few numbers"),
        pytest.param(["low", 2, "low"], {"low": 2, "2": 1}, id="a number among texts"),
        pytest.param([1, 2, 3.5, 4, 5, 6, 7.25], {"1 to 3.5": 3, "4 to 5": 2, "6 to 7.25": 2}, id="many numbers"),
        pytest.param([0] * 8 + [1, 2, 3, 4, 5, 6], {"0": 8, "1": 1, "2 to 6": 5}, id="mostly one number"),
        pytest.param([0] * 20 + [1, 2, 3, 4, 5, 6], {"0": 20, "1 to 6": 6}, id="nearly all one number"),
        pytest.param([str(n) for n in range(21)], {}, id="too many texts"),
        pytest.param(["low", "low"], {}, id="all alike"),
    ],
)
@pytest.mark.parametrize("of", ["box", "image"])
def test_attributes(of: str, values: list[Value], expected: dict[str, int]) -> None:
    said: list[dict[str, Any]] = [{"mood": value} for value in values]
    if of == "box":
        images = tuple(photo(f"{n}.jpg", box(**mood)) for n, mood in enumerate(said))
    else:
        images = tuple(photo(f"{n}.jpg", box(), **mood) for n, mood in enumerate(said))
    result = sliced(Dataset(CLASSES, images), {image.name: (hit(box()),) for image in images})
    assert names(result, "mood") == expected
    for one in result:
        assert (one.precision == 1) == (of == "image"), "a detection has no attributes, but its image has"
        assert math.isnan(one.precision) == (of == "box")
        assert (one.detections, one.images) == (one.truths if of == "image" else 0, one.truths)


def test_marks_and_ids_are_no_properties() -> None:
    marked = box(ignore=0, iscrowd=0, area=1500.0, track_id=1, id=1, ID="a", valid=1)
    other = box(ignore="no", iscrowd="0", area=1600.0, track_id=2, id=2, ID="b", valid=2)
    result = sliced(*simple([marked, other]))
    assert {one.by for one in result} == {"valid"}


def test_properties_of_one_name_are_told_apart() -> None:
    images = tuple(photo(f"{n}.jpg", box(size=f"b{n}", view=f"b{n}"), size=n, view=n) for n in range(2))
    found = [one.by for one in sliced(Dataset(CLASSES, images), {})]
    assert found[::2] == ["size (image attribute)", "view", "size (box attribute)", "view (box attribute)"]


def random_slices(seed: int, planted: float = 0.0) -> tuple[Slice, ...]:
    """100 photos, some harder than others; nothing else differs, but scratches are missed more often by `planted`."""
    rng = np.random.default_rng(seed)
    images, found = [], {}
    for number in range(100):
        chance = rng.beta(4, 2)
        boxes, ours = [], []
        for y in range(rng.integers(0, 7)):
            width, height = rng.choice([25.0, 60.0, 130.0], 2)
            real = box(rng.choice(CLASSES), width, height, 200.0 * y, severity=int(rng.integers(3)))
            if rng.random() < 0.75:
                boxes.append(real)
                ours += [hit(real)] if rng.random() < chance - planted * (real.label == "scratch") else []
            elif rng.random() < 0.5:
                ours.append(hit(real))
        name = f"{rng.integers(4)}/{number}.jpg"
        images.append(photo(name, *boxes, view=f"v{rng.integers(3)}"))
        found[name] = tuple(ours)
    return sliced(Dataset(CLASSES, tuple(images)), found, rng.uniform(0, 255, 100))


def test_chance_is_not_called_worse() -> None:
    flagged = [bool([one for one in random_slices(seed) if one.worse]) for seed in range(40)]
    assert sum(flagged) <= 4  # 2 of 40 are 5 %


def test_a_worse_slice_is_found() -> None:
    for seed in range(5):
        result = random_slices(seed, planted=0.4)
        assert [(one.name, one.worse[:6]) for one in result if one.worse] == [("scratch", "recall")]
        low, high = the(result, "class", "scratch").recall_difference
        assert low < -0.4 < high < 0


def test_both_metrics_can_be_worse() -> None:
    truths = [box()] * 30 + [box("scratch")] * 30
    data, found = simple(truths, [n % 10 > 0 for n in range(30)] + [n % 10 > 5 for n in range(30)])
    for n in range(30, 54):
        found[f"{n}.jpg"] += (hit(box("scratch", y=200)),)
    assert the(sliced(data, found), "class", "scratch").worse == "recall and precision"


@pytest.mark.parametrize(
    ("scratches", "missed", "dents", "unseen", "worse"),
    [
        pytest.param(5, 5, 100, 5, "recall", id="five of five are missed, where others are found"),
        pytest.param(4, 4, 100, 5, "", id="four are too few to be tested"),
        pytest.param(5, 5, 100, 50, "", id="five in a row, as with a coin, though all resamples agree"),
        pytest.param(100, 100, 4, 0, "", id="a rest of four is too small"),
        pytest.param(100, 100, 5, 0, "recall", id="a rest of five"),
        pytest.param(30, 0, 30, 0, "", id="nothing is missed"),
    ],
)
def test_how_much_it_takes(scratches: int, missed: int, dents: int, unseen: int, worse: str) -> None:
    seen = [n >= missed for n in range(scratches)] + [n >= unseen for n in range(dents)]
    result = sliced(*simple([box("scratch")] * scratches + [box()] * dents, seen))
    assert the(result, "class", "scratch").worse == worse


def test_many_boxes_of_two_images_prove_little() -> None:
    """Ten missed scratches in two photos are two photos."""
    missed = tuple(box("scratch", y=50.0 * n) for n in range(5))
    data, found = simple([box()] * 40, [n % 3 > 0 for n in range(40)])
    more = tuple(photo(f"more{n}.jpg", *missed) for n in range(2))
    found |= {"more0.jpg": tuple(map(hit, missed[:1])), "more1.jpg": ()}
    scratch = the(sliced(Dataset(CLASSES, (*data.images, *more)), found), "class", "scratch")
    assert (scratch.recall, scratch.worse) == (0.1, "")


def test_brightness(tmp_path: Path) -> None:
    def save(name: str, picture: Pictures.Image, **how: Any) -> Image:
        picture.save(tmp_path / name, **how)
        return Image(name, *picture.size, path=tmp_path / name)

    half = Pictures.new("RGB", (300, 200))
    half.paste((200, 200, 200), (0, 0, 150, 200))
    turned = Pictures.Exif()
    turned[0x0112] = 6
    images = [
        save("grey.png", Pictures.new("RGB", (300, 200), (90, 90, 90))),
        save("red.png", Pictures.new("RGB", (30, 20), (255, 0, 0))),
        save("half.png", half),
        save("turned.jpg", half, exif=turned, quality=95),
        save("cut.png", Pictures.effect_noise((300, 300), 50)),
        *(Image(name, 9, 9, path=tmp_path / name) for name in ("text.jpg", "gone.jpg")),
        Image("nowhere.jpg", 9, 9),
    ]
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:500])
    measured = brightness(Dataset((), tuple(images)))
    assert measured[:2].tolist() == [90, 76]  # Rec. 601: 0.299 of the red
    assert measured[2:4] == pytest.approx([100, 100], abs=1)
    assert np.isnan(measured[4:]).all()
    assert brightness(Dataset((), ())).shape == (0,)
