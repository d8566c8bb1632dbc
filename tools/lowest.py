"""Run the tests with the oldest versions that setup.cfg allows: python tools/lowest.py [EXTRA ...].

Without an extra, the rooms that need no torch. uv makes the environment, in a temporary folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TORCHLESS = ("convert", "formats", "split", "evaluate", "sample", "test_data.py", "test_draw.py", "test_geometry.py")


def main(extras: list[str]) -> int:
    """Install and test; the exit code of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        python, uv = Path(folder) / "lowest/bin/python", Path(folder) / "uv/bin/uv"
        for command in (
            [sys.executable, "-m", "venv", str(uv.parents[1])],
            [str(uv.with_name("pip")), "install", "--quiet", "uv"],
            [str(uv), "venv", "--quiet", "--python", sys.executable, str(python.parents[1])],
            [str(uv), "pip", "install", "--quiet", "--python", str(python), "--resolution", "lowest-direct",
             f".[{','.join(extras)}]" if extras else "."],
            [str(uv), "pip", "install", "--quiet", "--python", str(python), "pytest", "pytest-xdist", "hypothesis"],
            [str(uv), "pip", "list", "--python", str(python)],
        ):  # fmt: skip
            subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
        tests = ["tests"] if extras else [f"tests/{name}" for name in TORCHLESS]
        command = [str(python), "-m", "pytest", "-q", "--numprocesses", "auto", "--dist", "loadfile", *tests]
        done = subprocess.run([*command, "--ignore", "tests/test_rules.py"], cwd=ROOT)  # noqa: S603
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
