"""The run folder: what is refused before training, what a stop leaves, what the log and the curves hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.axes import Axes
from PIL import Image as Photo

from detect.cli import main
from detect.conversion import write
from detect.data import Dataset
from detect.errors import ConfigError, DataError, DetectError, ModelError
from detect.recipes import Assigner, Loss, Overlap, Recipe, Roi, load_recipe
from detect.training import train
from detect.training.curves import draw_curves
from detect.training.job import Job
from detect.training.log import Log
from tests.training.pretended import RECIPE, epoch, pretend, train_with


def test_a_run_folder_holds_all_that_explains_it(
    tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_with(monkeypatch, pretend)
    run = train(RECIPE, pair, tmp_path / "run")
    assert run.best["epoch"] == 2
    assert load_recipe(tmp_path / "run" / "recipe.yaml") == RECIPE
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "recipe.yaml", "data.json", "log.jsonl", "summary.json", "curves.png", "state.pt", "weights",
    }  # fmt: skip
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["verdict"] == run.verdict == "val mAP peaked at epoch 2 of 2 (0.400). Too few epochs to say more."
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert data["splits"] == {"train": {"images": 1, "boxes": 1}, "val": {"images": 1, "boxes": 1}}
    events = [json.loads(line)["event"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert events == ["start", "epoch", "epoch", "end"]
    with Photo.open(tmp_path / "run" / "curves.png") as curves:
        assert np.asarray(curves.convert("L")).std() > 5, "something is drawn"


def test_what_is_refused_leaves_no_folder(tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(job: Job, *, resume: bool) -> None:
        raise ModelError("no good")

    train_with(monkeypatch, fails)
    out = tmp_path / "run"
    with pytest.raises(ModelError, match="no good"):
        train(RECIPE, pair, out)
    only_train = Dataset(pair.classes, pair.images[:1])
    with pytest.raises(DataError, match=r"no images in split 'val'; the data has: train"):
        train(RECIPE, only_train, out)
    with pytest.raises(ConfigError, match="no run to resume"):
        train(RECIPE, pair, out, resume=True)
    pair.images[0].path.unlink()  # type: ignore[union-attr]
    with pytest.raises(DataError, match=r"1 of 1 photos is not there, first a\.png"):
        train(RECIPE, pair, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [
        ("yolov5n", "anchors", ((24.0, 12.0),)), ("yolov5n", "overlap.foreground", Overlap(foreground=0.6)),
        ("yolov5n", "roi", Roi(samples=64)), ("ssdlite320_mobilenet_v3_large", "roi", Roi(samples=64)),
        ("yolo26n", "loss.dfl", Loss(dfl=3)), ("fasterrcnn_resnet18_fpn", "loss.box", Loss(box=3)),
        ("fasterrcnn_resnet18_fpn", "overlap.foreground", Overlap(foreground=0.6)),
        ("retinanet_resnet50_fpn", "assigner.topk", Assigner(topk=5)),
        ("retinanet_resnet50_fpn", "overlap.rpn_nms", Overlap(rpn_nms=0.5)),
        ("ssdlite320_mobilenet_v3_large", "overlap.background", Overlap(background=0.3)),
    ],
)  # fmt: skip
def test_keys_that_would_do_nothing_are_refused(
    model: str, key: str, value: object, tmp_path: Path, pair: Dataset
) -> None:
    recipe = Recipe(model=model, imgsz=320).model_copy(update={key.partition(".")[0]: value})
    with pytest.raises(ConfigError, match=f"{model} has no use for `{key}`"):
        train(recipe, pair, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_failure_before_the_first_epoch_leaves_the_name_free(
    tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("of a library")

    train_with(monkeypatch, breaks)
    with pytest.raises(RuntimeError, match="of a library"):
        train(RECIPE, pair, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(
    tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train_with(monkeypatch, pretend)
    first = train(RECIPE, pair, tmp_path / "run")
    with pytest.raises(DetectError, match="there is a run already"):
        train(RECIPE, pair, tmp_path / "run")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    with pytest.raises(DetectError, match="photos: already there; give another name"):
        train(RECIPE, pair, tmp_path / "photos")
    with pytest.raises(ConfigError, match=r"another recipe \(lr: 0\.01 -> 0\.02\)"):
        train(Recipe(model="yolov5n", epochs=2, lr=0.02), pair, tmp_path / "run", resume=True)
    with pytest.raises(ConfigError, match="other data"):
        train(RECIPE, Dataset(("dent", "rust"), pair.images), tmp_path / "run", resume=True)
    assert train(RECIPE, pair, tmp_path / "run", resume=True) == first
    assert "the training is finished (2 epochs)" in capsys.readouterr().err


def test_a_stop_by_hand_says_how_to_go_on(
    tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(job: Job, *, resume: bool) -> None:
        raise KeyboardInterrupt

    train_with(monkeypatch, stopped)
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, pair, tmp_path / "run")
    assert "--resume" in capsys.readouterr().err
    train_with(monkeypatch, pretend)
    assert len(train(RECIPE, pair, tmp_path / "run", resume=True).epochs) == 2  # no epoch was done: from the start


def test_bad_data_can_be_left_out(tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    train_with(monkeypatch, pretend)
    write(pair, tmp_path / "data", "yolo")
    (tmp_path / "data" / "images" / "broken.png").write_bytes(b"no image")
    with (tmp_path / "data" / "train.txt").open("a") as file:
        file.write("./images/broken.png\n")
    (tmp_path / "r.yaml").write_text("model: yolov5n\nepochs: 2\n")
    words = ["train", str(tmp_path / "r.yaml"), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run")]
    refused = CliRunner().invoke(main, words)
    assert (refused.exit_code, "broken.png" in refused.stderr) == (1, True)
    assert not (tmp_path / "run").exists()
    done = CliRunner().invoke(main, [*words, "--on-error", "skip"])
    assert done.exit_code == 0, done.output
    assert "broken.png" in done.stderr, "it is named all the same"
    assert "broken.png" in (tmp_path / "run" / "rejects.jsonl").read_text()
    assert done.stdout.splitlines()[-1].startswith("val mAP peaked at epoch 2 of 2 (0.400). Too few epochs")


def test_a_preview_for_machines(tmp_path: Path, pair: Dataset) -> None:
    write(pair, tmp_path / "data", "yolo")
    (tmp_path / "r.yaml").write_text("model: yolov5n\nimgsz: 64\naugment: {mosaic: 0}\n")
    words = ["train", str(tmp_path / "r.yaml"), "--data", str(tmp_path / "data"), "--preview", str(tmp_path / "drawn")]
    answer = CliRunner().invoke(main, [*words, "--json"])
    assert json.loads(answer.stdout) == {
        "preview": str(tmp_path / "drawn"),
        "pictures": len(list((tmp_path / "drawn").iterdir())),
    }


def test_a_typo_in_a_recipe_is_answered(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("model: yolo11n\nepoch: 3\n")
    result = CliRunner().invoke(main, ["train", str(tmp_path / "r.yaml"), "--data", "absent"])
    assert result.exit_code == 1
    assert "did you mean `epochs`?" in result.output


def test_a_log_survives_a_line_cut_short(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    for number in (1, 2, 3):
        log.add({"event": "epoch", **epoch(number, 0.1)})
    with log.path.open("ab") as file:
        file.write(b'{"event":"epo')  # killed here
    assert [event["epoch"] for event in log.epochs()] == [1, 2, 3]
    log.forget_from(3)
    log.add({"event": "epoch", **epoch(3, 0.7)})
    assert [event["val"]["map50"] for event in log.epochs()] == [0.1, 0.1, 0.7]


def test_only_curves_that_there_are_have_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of an earlier version may have no losses on val."""
    drawn, plot = list[str](), Axes.plot

    def watched(self: Axes, *values: Any, **look: Any) -> Any:
        drawn.append(look["label"])
        return plot(self, *values, **look)

    monkeypatch.setattr(Axes, "plot", watched)
    with_loss = epoch(1, 0.3)
    without = {**with_loss, "val": {name: value for name, value in with_loss["val"].items() if name != "box_loss"}}
    draw_curves([with_loss], tmp_path / "a.png", RECIPE)
    assert drawn[:2] == ["box, train", "box, val"]
    drawn.clear()
    draw_curves([without], tmp_path / "b.png", RECIPE)
    assert drawn[0] == "box, train"
    assert not any(", val" in name for name in drawn)


def test_curves_of_one_epoch(tmp_path: Path) -> None:
    draw_curves([epoch(1, 0.3)], tmp_path / "curves.png", RECIPE)
    assert (tmp_path / "curves.png").stat().st_size > 5000
