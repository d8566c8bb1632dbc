"""The whole loop in a real browser: every view, a box tagged as a person does it, and the corrected dataset."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from detect import conversion
from detect.data import Box, Dataset
from detect.evaluation import Evaluation, evaluate
from detect.evaluation.label_issues import LIKELY, label_issues
from detect.evaluation.mistakes import Kind
from tests.review.browser import chromium, tab
from tests.review.user import FOUND, App, Detect, needed


@pytest.fixture(scope="module")
def results(sample: tuple[Path, Dataset]) -> list[Evaluation]:
    return [evaluate(sample[1], conversion.read_predictions(path), replicates=0) for path in FOUND]


def with_kinds(result: Evaluation, *kinds: Kind) -> int:
    """How many images have a counted detection of one of these kinds."""
    point = result.outcomes
    rows = point.rows[np.isin(point.kind, kinds)]
    return len(set(result.table.detections.image[rows].tolist()))


def expected(dataset: Dataset, results: list[Evaluation]) -> dict[str, int]:
    """The number of images or boxes of each view, counted from the evaluations."""
    first, second = results
    point, true = first.outcomes, first.table.truths
    said = set(first.table.detections.image[point.rows].tolist())
    real = set(true.image.tolist())
    issues = label_issues(first.table)
    likely = issues.truth_score >= LIKELY
    alarms = point.rows[point.wrong]
    unannotated = alarms[issues.detection_score[alarms] >= LIKELY]
    listed = {*true.image[likely].tolist(), *first.table.detections.image[unannotated].tolist()}
    views = {
        "missed damage": len(set(true.image[point.missed].tolist())),
        "false alarms": with_kinds(first, Kind.BACKGROUND),
        "wrong class": with_kinds(first, Kind.WRONG_CLASS, Kind.BOTH),
        "poor boxes": with_kinds(first, Kind.POOR_BOX, Kind.BOTH),
        "duplicates": with_kinds(first, Kind.DUPLICATE),
        "label issues": len(listed),
        "undamaged, flagged": len(said - real),
        "damaged, not flagged": len(real - said),
        "boxes: missed": int(point.missed.sum()),
        "boxes: false": int(point.wrong.sum()),
        "boxes: label issues": int(likely.sum()),
    }
    for k, label in enumerate(dataset.classes):
        rows = point.rows[first.table.detections.label[point.rows] == k]
        images = {*true.image[true.label == k].tolist(), *first.table.detections.image[rows].tolist()}
        views[f"class: {label}"] = len(images)
    names = [path.stem.replace("-", "_") for path in FOUND]
    for (a, better), (b, worse) in ((z := list(zip(names, (first, second), strict=True))), z[::-1]):
        ahead = set(true.image[worse.outcomes.missed & ~better.outcomes.missed].tolist())
        fewer = np.flatnonzero(mistakes(better) < mistakes(worse)).tolist()
        views[f"{a} right, {b} wrong"] = len(ahead | set(fewer))
    return views


def mistakes(result: Evaluation) -> np.ndarray:
    """(I,) false detections and missed boxes of each image."""
    point, count = result.outcomes, len(result.table.images)
    wrong = result.table.detections.image[point.rows[point.wrong]]
    return np.bincount(wrong, minlength=count) + np.bincount(result.table.truths.image[point.missed], minlength=count)


def test_every_view_a_tag_and_the_corrected_dataset(
    app: App, detect: Detect, sample: tuple[Path, Dataset], results: list[Evaluation], tmp_path: Path
) -> None:
    needed("playwright and chromium", find_spec("playwright") is not None and chromium() is not None)
    folder, dataset = sample
    views = expected(dataset, results)
    assert views["missed damage"] > 5 and views["false alarms"] and views["boxes: false"] > 5
    with tab(app.url) as page:
        for name in one_of_each_kind(views):
            page.open_view(name, held(name, views[name]))
        page.open_view("boxes: missed", held("boxes: missed", views["boxes: missed"]))
        page.open_photo()
        page.click_box()
        page.tag("fix:drop", "label")
        page.open_view("boxes: false", held("boxes: false", views["boxes: false"]))
        page.open_photo()
        page.click_box()
        page.tag("fix:add", "label")
        page.open_view("poor boxes", held("poor boxes", views["poor boxes"]))
        page.open_photo()
        page.edit([label for label in dataset.classes if label != "dent"], x=0.1, to="dent")
    dest = tmp_path / "fixed"
    detect("review", "--collect", folder.name, dest, "--to", "cvat", "-q")
    with (tmp_path / "fixed.changes.csv").open(newline="") as file:
        added, other, dropped, moved = sorted(csv.DictReader(file), key=lambda row: row["change"])
    assert (dropped["change"], dropped["by"]) == ("drop", "fix:drop")
    assert (added["change"], added["by"], added["box"]) == ("add", "fix:add", "0")
    assert (moved["change"], moved["by"], other["change"], other["by"]) == ("move", "edit", "class", "edit")
    assert [moved[key] for key in ("image", "box")] == [other[key] for key in ("image", "box")]
    assert other["before"] != other["after"] == "dent"
    assert corrected(dataset, dropped, added, moved, results[0]) == {
        image.name: image.boxes for image in conversion.read(dest).images
    }


def one_of_each_kind(views: dict[str, int]) -> list[str]:
    """Views of photos, of a class and of two models; those of boxes are opened to be tagged. All are counted below."""
    kinds = ("missed damage", "label issues", "class: ", FOUND[0].stem.replace("-", "_"))
    return [next(name for name, count in views.items() if name.startswith(kind) and count) for kind in kinds]


def test_keys_tag_a_cut_out_box_ask_and_take_back(
    app: App, detect: Detect, sample: tuple[Path, Dataset], results: list[Evaluation], tmp_path: Path
) -> None:
    needed("playwright and chromium", find_spec("playwright") is not None and chromium() is not None)
    views = expected(sample[1], results)

    def changes(number: int) -> list[str]:
        done = detect("review", "--collect", sample[0].name, tmp_path / f"{number}.json", "--to", "coco", "--json")
        return sorted(change["by"] for change in json.loads(done.stdout)["changes"])

    before = changes(0)  # of what other tests did in this review
    with tab(app.url) as page:
        page.open_view("boxes: missed", held("boxes: missed", views["boxes: missed"]))
        page.open_photo(3)
        page.press("d", "fix:drop on box")
        assert changes(1) == sorted([*before, "fix:drop"])
        page.press("w", "which class is it?")
        label = page.choose_first()
        page.page.get_by_text(f"fix:class={label} on box").wait_for()
        assert changes(2) == sorted([*before, f"fix:class={label}"])
        page.press("u", f"taken back: fix:class={label}")
        page.press("u", "taken back: fix:drop")
    assert changes(3) == before


def test_nothing_done_in_a_view_of_boxes_is_lost_and_a_class_is_asked_for(
    app: App, detect: Detect, sample: tuple[Path, Dataset], results: list[Evaluation], tmp_path: Path
) -> None:
    needed("playwright and chromium", find_spec("playwright") is not None and chromium() is not None)
    views = expected(sample[1], results)
    collect = ["review", "--collect", sample[0].name]
    before = json.loads(detect(*collect, tmp_path / "before", "--to", "cvat", "--json").stdout)
    with tab(app.url) as page:
        page.open_view("boxes: missed", held("boxes: missed", views["boxes: missed"]))
        page.select(5)
        page.tag("fix:drop", "sample", where="")
        page.open_photo(3)
        page.draw((160, 700), (300, 850), label="dent")
        page.open_view("missed damage", held("missed damage", views["missed damage"]))
        page.open_photo()
        page.draw((160, 200), (300, 350), label=None)
    refused = detect(*collect, tmp_path / "refused", "--to", "cvat", check=False)
    assert refused.returncode == 1 and "was drawn, and its class not chosen (tag it ok" in refused.stderr
    done = json.loads(detect(*collect, tmp_path / "fixed", "--to", "cvat", "--json", "--partial").stdout)
    (unused,) = done["unused"]
    assert unused["kind"] == "no class"
    drawn, dropped = sorted((one for one in done["changes"] if one not in before["changes"]), key=lambda one: one["by"])
    assert (dropped["change"], dropped["by"]) == ("drop", "fix:drop")
    assert (drawn["change"], drawn["by"], drawn["after"].split()[0]) == ("add", "edit", "dent")
    old, new = (conversion.read(tmp_path / name) for name in ("before", "fixed"))
    boxes = {image.name: list(image.boxes) for image in old.images}
    known = {image.name: image.boxes for image in sample[1].images}
    boxes[dropped["image"]].remove(known[dropped["image"]][dropped["box"] - 1])
    after = {image.name: list(image.boxes) for image in new.images}
    assert after[drawn["image"]].pop().label == "dent" and after == boxes


def test_the_command_counts_the_same(detect: Detect, sample: tuple[Path, Dataset], results: list[Evaluation]) -> None:
    options = ["--name", "counted", "--resamples", "0", "--no-app", "--json"]
    assert json.loads(detect("review", sample[0], *FOUND, *options).stdout)["views"] == expected(sample[1], results)


def held(name: str, count: int) -> str:
    """How the App says how much a view holds."""
    one, more = ("patch", "patches") if name.startswith("boxes") else ("sample", "samples")
    return f"{count} {one if count == 1 else more}"


def corrected(
    dataset: Dataset, dropped: dict[str, str], added: dict[str, str], moved: dict[str, str], result: Evaluation
) -> dict[str, tuple[Box, ...]]:
    """What the dataset must hold: one box at a tenth of the width, a missed one less, the surest false one more."""
    boxes = {image.name: list(image.boxes) for image in dataset.images}
    box = boxes[moved["image"]][int(moved["box"]) - 1]
    boxes[moved["image"]][int(moved["box"]) - 1] = box._replace(label="dent", x1=64, x2=64 + box.x2 - box.x1)
    point, table = result.outcomes, result.table
    surest = point.rows[point.wrong][np.argmax(table.detections.score[point.rows[point.wrong]])]
    assert added["image"] == table.images[table.detections.image[surest]]
    x1, y1, x2, y2 = table.detections.xyxy[surest].tolist()
    boxes[added["image"]].append(Box(table.classes[table.detections.label[surest]], x1, y1, x2, y2))
    image, number = dropped["image"], int(dropped["box"]) - 1
    first = next(place for place, name in enumerate(table.images[i] for i in table.truths.image) if name == image)
    assert point.missed[first + number]
    del boxes[image][number]
    return {name: tuple(some) for name, some in boxes.items()}
