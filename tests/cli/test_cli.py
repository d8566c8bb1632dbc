"""The command line as such: exit codes, suggestions, no traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from detect import progress
from detect.cli import COMMANDS, main, options
from detect.errors import ConfigError, DataError, DetectError, Level, MissingExtra, Problem, Problems
from detect.evaluation.requirements import parse_thresholds
from detect.version import __version__


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_the_version(runner: CliRunner) -> None:
    result = runner.invoke(main, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"detect, version {__version__}\n")


def test_python_m_detect_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "detect", "--version"], capture_output=True, text=True)
    assert done.stdout == f"detect, version {__version__}\n"


def test_help_lists_the_commands_in_the_order_of_the_work(runner: CliRunner) -> None:
    text = runner.invoke(main, ["-h"]).stdout
    listed = [
        line.split()[0]
        for line in text.partition("Commands:")[2].splitlines()
        if line.startswith("  ") and line[2] != " "
    ]
    assert listed == list(COMMANDS)


USAGE = [
    # what was typed, what the message must say
    (["convrt"], "Did you mean 'convert'?"),
    (["Split"], "Did you mean 'split'?"),
    (["xyzzy"], "No such command 'xyzzy'."),
    (["--nonsense"], "No such option"),
    (["split"], "Missing argument 'DATA'"),
    (["split", "a", "b", "--ratoi", "70/30"], "No such option"),
]


@pytest.mark.parametrize(("typed", "said"), USAGE)
def test_bad_usage_is_2_and_says_what_is_wrong(runner: CliRunner, typed: list[str], said: str) -> None:
    result = runner.invoke(main, typed)
    assert result.exit_code == 2
    assert said in result.stderr


def test_nothing_like_it_gives_no_suggestion(runner: CliRunner) -> None:
    assert "Did you mean" not in runner.invoke(main, ["xyzzy"]).stderr


OUTCOMES = [
    # what a command raises, exit code, what stands on stderr
    (DataError([Problem("error", "k", "no size", "a.xml"), Problem("error", "k", "no name", "b.xml")]), 1,
     "error: a.xml: no size\nb.xml: no name\n"),
    (DetectError("disk full"), 1, "error: disk full\n"),
    (MissingExtra("torch", "train"), 1, "error: this needs torch: pip install 'damage-detect[train]'\n"),
    (KeyboardInterrupt(), 130, "interrupted\n"),
]  # fmt: skip


@pytest.mark.parametrize(("raised", "code", "said"), OUTCOMES)
def test_a_users_mistake_has_no_traceback(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, said: str
) -> None:
    @click.command()
    def command() -> None:
        raise raised

    monkeypatch.setattr(main, "get_command", lambda ctx, name: command)
    result = runner.invoke(main, ["split"])
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", said)


def test_a_bug_keeps_its_traceback(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def command() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "get_command", lambda ctx, name: command)
    assert isinstance(runner.invoke(main, ["split"]).exception, ZeroDivisionError)


@click.command()
@options.quiet
@options.as_json
def talk(as_json: bool) -> None:
    """Says one remark, one family of problems and one result."""
    progress.remark("remark")
    options.report(Problems([Problem("note", "empty label file", "no boxes", "a.txt")]))
    if as_json:
        options.print_json({"boxes": 3, "undefined": float("nan")})


@pytest.mark.parametrize("flags", [[], ["--quiet"], ["-q"]])
def test_quiet_silences_remarks_and_keeps_results(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(progress, "_quiet", False)  # put back when the test is over
    result = runner.invoke(talk, ["--json", *flags])
    assert json.loads(result.stdout) == {"boxes": 3, "undefined": None}
    remarks = "remark\n1 note: empty label file: a.txt: no boxes\n"
    assert result.stderr == ("" if flags else remarks)


def test_a_report_of_many_kinds_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    options.report(Problems([Problem("note", f"kind {n}", "w") for n in range(15)]))
    assert capsys.readouterr().err.splitlines()[-1] == "... and 3 more kinds"


def test_a_cut_report_keeps_the_worst_in_the_order_found(capsys: pytest.CaptureFixture[str]) -> None:
    worst: tuple[Level, ...] = ("lost", "error", "dropped")
    notes = [Problem("note", f"kind {n}", "w") for n in range(14)]
    options.report(Problems([*notes, *(Problem(level, "kind", "w") for level in worst)]))
    shown = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in shown[-4:-1]] == ["1 lost", "1 error", "1 dropped"]
    assert (len(shown), shown[0], shown[-1]) == (13, "1 note: kind 0: w", "... and 5 more kinds")


def test_the_reference_is_that_of_the_commands() -> None:
    # in a process of its own: click keeps the help option that an earlier test made
    code = "import runpy; t = runpy.run_path('tools/commands.py'); print(t['TARGET'].read_text() == t['reference']())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n", f"run python tools/commands.py\n{done.stderr}"


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "run", "photos", "--out", "p.json", "--confidence", "nan"],
        ["predict", "run", "photos", "--out", "p.json", "--confidence", "2"],
        ["predict", "run", "photos", "--out", "p.json", "--nms-iou", "nan"],
        ["evaluate", "data", "p.json", "--confidence", "nan"],
        ["evaluate", "data", "p.json", "--seed", "-1"],
        ["compare", "data", "p.json", "q.json", "--seed", "-1"],
        ["anchors", "data", "--seed", "-1"],
        ["split", "data", "new", "--seed", "-1"],
        ["sample", "new", "--seed", "-1"],
    ],
    ids=" ".join,
)
def test_numbers_that_make_no_sense_are_bad_usage(words: list[str]) -> None:
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert words[-2] in answer.stderr


def test_a_threshold_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="map50=nan"):
        parse_thresholds("map50=nan")


def test_out_that_is_a_folder_is_said_before_the_work(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["predict", "run", "photos", "--out", str(tmp_path)])
    assert answer.exit_code == 1
    assert "is a folder; --out names a file" in answer.stderr


def test_detectors_that_there_are_not(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["anchors", str(tmp_path), "--model", "fasterrcn_resnet50_fpn"])
    assert answer.exit_code == 2
    assert "did you mean fasterrcnn_resnet50_fpn?" in answer.stderr


@pytest.mark.parametrize("asked", [None, "active"])
def test_threads_that_wait_soon_sleep_unless_asked_otherwise(
    monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, asked or "")
        if asked is None:
            monkeypatch.delenv(name)
    CliRunner().invoke(main, ["models"])
    wanted = (asked, asked) if asked else ("passive", "1000")
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == wanted
