"""What ends a command from outside: SIGTERM, a disk that is full."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from detect.cli import main


def test_sigterm_takes_the_processes_and_the_unfinished_folder_along(tmp_path: Path) -> None:
    """What they say ends when all of them have ended."""
    words = ["sample", str(tmp_path / "sample"), "--images", "100000", "-q"]
    with subprocess.Popen([sys.executable, "-m", "detect", *words], stderr=subprocess.PIPE, text=True) as command:
        while command.poll() is None and not list(tmp_path.glob(".sample.*/**/*.jpg")):
            time.sleep(0.02)
        command.terminate()
        _, said = command.communicate(timeout=60)
    assert (command.returncode, said) == (143, "ended by SIGTERM\n")
    assert list(tmp_path.iterdir()) == []


def test_sigterm_means_what_it_did_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert CliRunner().invoke(main, ["formats"]).exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "No space left on device"), (errno.EDQUOT, "Disk quota exceeded")]
)
def test_a_full_disk_is_said_wherever_it_shows(code: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a library writes a file that nobody here knows of."""

    def full(*_: object, **__: object) -> None:
        raise OSError(code, said, "cache")

    monkeypatch.setattr("detect.recipes.recipe_files", full)
    done = CliRunner().invoke(main, ["recipes"])
    assert (done.exit_code, done.stderr) == (1, f"error: cache: {said}; make room, or name another place\n")


def test_another_error_of_the_system_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("detect.recipes.recipe_files", broken)
    assert isinstance(CliRunner().invoke(main, ["recipes"]).exception, OSError)
