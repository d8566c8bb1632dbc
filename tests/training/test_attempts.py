"""What is not good enough is trained again, more gently, as often as the recipe allows; and exit code 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from detect.cli import main
from detect.conversion import write
from detect.data import Dataset
from detect.errors import ConfigError
from detect.models.weights import load_weights
from detect.recipes import Accept, Recipe, Roi, load_recipe
from detect.training import train
from detect.training.job import Job

RECIPE = Recipe(
    model="yolov5n", epochs=2, lr=0.01, weight_decay=0.001, accept=Accept(map50=0.6, retries=2, lr_factor=0.3)
)


class Pretended:
    """A detector that trains in no time; each attempt reaches the next of these metrics."""

    def __init__(self, *metrics: float) -> None:
        self.metrics, self.jobs = list(metrics), list[Job]()

    def __call__(self, job: Job, *, resume: bool) -> None:
        metric = self.metrics[len(self.jobs)]
        self.jobs.append(job)
        if metric < 0:
            raise KeyboardInterrupt
        job.listeners.start(1, "nothing")
        job.best.parent.mkdir(exist_ok=True)
        for epoch in (1, 2):
            val = {"precision": 0.5, "recall": 0.5, "map50": metric / (3 - epoch), "map": metric / 4 / (3 - epoch)}
            job.listeners.epoch({"epoch": epoch, "seconds": 1.0, "lr": 0.01, "train": {"box_loss": 1.0}, "val": val})
        job.best.write_text(f"weights of {metric}")
        job.state.write_text("state")


def go(monkeypatch: pytest.MonkeyPatch, *metrics: float) -> Pretended:
    pretended = Pretended(*metrics)
    monkeypatch.setattr("detect.training.attempt.resolve", lambda name: pretended)
    return pretended


def summary(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "summary.json").read_text()))


@pytest.mark.usefixtures("narrow")
def test_a_real_second_attempt_starts_from_the_weights_of_the_first(squares: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(
        model="fasterrcnn_resnet18_fpn", imgsz=64, epochs=1, batch=8, workers=0, threads=1,
        optimizer="adamw", lr=0.001, roi=Roi(samples=16, proposals=50), accept=Accept(map50=1, retries=1),
    )  # fmt: skip
    run = train(recipe, squares, tmp_path / "run")
    first, second = (tmp_path / "run" / name / "log.jsonl" for name in (".", "attempt-2"))
    taken = [json.loads(log.read_text().splitlines()[0])["weights"] for log in (first, second)]
    assert taken[0].startswith("no weights given")
    count = len(load_weights(run.folder / "attempt-2").tensors)
    assert taken[1].startswith(f"{count} of {count} tensors ")
    assert run.attempts[1].epochs[0]["train"] != run.attempts[0].epochs[0]["train"]
    assert [one.recipe.lr for one in run.attempts] == [0.001, pytest.approx(0.0003)]


def test_good_enough_at_once(squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretended = go(monkeypatch, 0.7)
    run = train(RECIPE, squares, tmp_path / "run")
    assert (len(pretended.jobs), run.accepted, summary(run.folder)["accepted"]) == (1, True, True)
    assert not (tmp_path / "run" / "attempt-2").exists()


def test_falls_short_and_goes_on_from_the_best(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretended = go(monkeypatch, 0.5, 0.4, 0.65)
    run = train(RECIPE, squares, tmp_path / "run")
    first, second, third = (job.recipe for job in pretended.jobs)
    assert [r.lr for r in (first, second, third)] == pytest.approx([0.01, 0.003, 0.0009])
    assert [r.weight_decay for r in (first, second, third)] == pytest.approx([0.001, 0.002, 0.004])
    assert first.weights is None
    assert second.weights == third.weights == tmp_path / "run" / "weights" / "best.pt", "0.5 is better than 0.4"
    assert run.accepted
    assert run.best["val"]["map50"] == 0.65
    assert run.weights.read_text() == "weights of 0.65"
    assert run.weights.with_name("attempt-1.pt").read_text() == "weights of 0.5"
    rows = summary(run.folder)["attempts"]
    assert [(row["folder"], row["val"]["map50"], row["accepted"]) for row in rows] == [
        (".", 0.5, False), ("attempt-2", 0.4, False), ("attempt-3", 0.65, True),
    ]  # fmt: skip
    assert load_recipe(tmp_path / "run" / "attempt-3" / "recipe.yaml") == third


def test_still_short_ends_with_3(squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(monkeypatch, 0.5, 0.55, 0.3)
    write(squares, tmp_path / "data", "yolo")
    (tmp_path / "r.yaml").write_text("model: yolov5n\nepochs: 2\naccept: {map50: 0.6, retries: 2}\n")
    words = ["train", str(tmp_path / "r.yaml"), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run")]
    answer = CliRunner().invoke(main, [*words, "--json"])
    assert answer.exit_code == 3
    told = json.loads(answer.stdout)
    assert (told["accepted"], told["attempts"], told["best"]["val"]["map50"]) == (False, 3, 0.55)
    assert (tmp_path / "run" / "weights" / "best.pt").read_text() == "weights of 0.55"
    assert "not good enough (map50 0.500 < 0.6): attempt 2 goes on" in answer.stderr


def test_a_stop_between_attempts_is_resumed(squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretended = go(monkeypatch, 0.5, -1, 0.7)
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, squares, tmp_path / "run")
    run = train(RECIPE, squares, tmp_path / "run", resume=True)
    assert len(pretended.jobs) == 3
    assert [one.folder.name for one in run.attempts] == ["run", "attempt-2"]
    assert run.accepted
    assert train(RECIPE, squares, tmp_path / "run", resume=True) == run
    assert len(pretended.jobs) == 3


@pytest.mark.parametrize("which", [1, 2])
def test_a_kill_while_an_attempt_begins_is_resumed(
    which: int, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detect.training import folder as run_folder

    class Killed(BaseException):
        pass

    folders = list[Path]()

    def write(path: Path, text: str) -> None:
        folders.append(path.parent)
        if len(set(folders)) == which and path.name == "data.json":
            raise Killed
        path.write_text(text)

    go(monkeypatch, 0.4, 0.7)
    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_text", write)
        with pytest.raises(Killed):
            train(RECIPE, squares, tmp_path / "run")
    if which == 1:  # nothing has begun
        assert not (tmp_path / "run").exists()
    pretended = go(monkeypatch, *((0.4, 0.7) if which == 1 else (0.7,)))
    run = train(RECIPE, squares, tmp_path / "run", resume=which == 2)
    assert run.accepted and len(pretended.jobs) == 3 - which


def test_a_rank_of_somebody_else_is_not_ours(squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One training among several that a cluster starts side by side writes its own files."""
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.setenv(name, "1")
    go(monkeypatch, 0.7)
    assert train(RECIPE, squares, tmp_path / "run").accepted
    assert summary(tmp_path / "run")["epochs"] == 2 and (tmp_path / "run" / "log.jsonl").is_file()


def test_without_retries_one_attempt_is_judged(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(monkeypatch, 0.5)
    run = train(RECIPE.model_copy(update={"accept": Accept(recall=0.4, map50=0.6)}), squares, tmp_path / "run")
    assert run.accepted is False
    go(monkeypatch, 0.5)
    assert train(RECIPE.model_copy(update={"accept": None}), squares, tmp_path / "free").accepted is None


def test_accept_without_a_metric_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("model: yolov5n\naccept: {retries: 2}\n")
    with pytest.raises(ConfigError, match=r"names no metric to reach, such as map50: 0\.6"):
        load_recipe(tmp_path / "r.yaml")


def test_a_second_attempt_decays_weights_that_did_not_before(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretended = go(monkeypatch, 0.5, 0.4, 0.3)
    train(RECIPE.model_copy(update={"weight_decay": 0.0}), squares, tmp_path / "run")
    assert [job.recipe.weight_decay for job in pretended.jobs] == pytest.approx([0, 0.0005, 0.001])
    assert "with lr 0.003 and weight decay 0.0005" in capsys.readouterr().err
