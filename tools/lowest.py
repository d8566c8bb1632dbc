"""Run the tests with the oldest versions that setup.cfg allows: python tools/lowest.py [EXTRA ...].

Without an extra, the tests of what needs no torch. uv makes the environment, in a temporary folder.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("conversion", "splitting", "evaluation", "sample", "recipes")
FILES = ("test_data.py", "test_drawing.py", "test_geometry.py")
TESTERS = ("pytest", "pytest-xdist", "hypothesis", "imagesize", "pip", "setuptools")


def main(extras: list[str], *versions: str) -> int:
    """Install with uv's options `versions`, then test; the exit code of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        python, uv = Path(folder) / "tried/bin/python", Path(folder) / "uv/bin/uv"
        install = [str(uv), "pip", "install", "--quiet", "--python", str(python)]
        for command in (
            [sys.executable, "-m", "venv", str(uv.parents[1])],
            [str(uv.with_name("pip")), "install", "--quiet", "uv"],
            [str(uv), "venv", "--quiet", "--python", sys.executable, str(python.parents[1])],
            [*install, *versions, f".[{','.join(extras)}]" if extras else "."],
            [*install, *TESTERS],
            [str(uv), "pip", "list", "--python", str(python)],
        ):
            subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
        tests = ["tests"] if extras else [f"tests/{name}" for name in (*FOLDERS, *FILES)]
        command = [str(python), "-m", "pytest", "-q", "--numprocesses", "auto", "--dist", "loadfile", *tests]
        return subprocess.run([*command, "--ignore", "tests/test_rules.py"], cwd=ROOT).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "--resolution", "lowest-direct"))
