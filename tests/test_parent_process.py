"""A process that ends with its parent, however that one ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from multiprocessing import get_all_start_methods
from pathlib import Path

import pytest

PARENT = """
import threading
from multiprocessing import get_context
from detect.parent_process import end_with_parent

def wait():
    end_with_parent()
    print("ready", flush=True)
    threading.Event().wait()

if __name__ == "__main__":
    context = get_context({how!r})
    children = [context.Process(target=wait) for _ in range(2)]
    for child in children:
        child.start()
    threading.Event().wait()
"""


@pytest.mark.parametrize("how", get_all_start_methods())
def test_a_killed_parent_takes_its_children_along(how: str, tmp_path: Path) -> None:
    """The output ends when the last child has ended, too; without it they would wait for ever."""
    (tmp_path / "parent.py").write_text(PARENT.format(how=how))
    with subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        parent.send_signal(signal.SIGKILL)
        assert parent.communicate(timeout=60)[0] == ""
    assert parent.returncode == -signal.SIGKILL
