"""Install the wheel with the extra `train` alone, outside the checkout, and train with it: python tools/wheel.py."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import logging, sys, setuptools.build_meta as b; logging.disable(); b.build_sdist(sys.argv[1])"
CHECK = "import detect, importlib.util as u; print(detect.__file__); assert not u.find_spec('ultralytics')"
USE = """recipes
sample sample --images 40 --seed 1
split sample data --ratios 60/20/20
train ssdlite --data data --out run epochs=1 batch=4 workers=0
predict run data --split test --out predictions.json
evaluate data predictions.json --split test"""


def main(folder: Path) -> None:
    """Build, install, use; a command that fails ends it with CalledProcessError."""
    python, detect = str(folder / "venv/bin/python"), str(folder / "venv/bin/detect")

    def run(*command: str, cwd: Path = folder) -> None:
        print("$", *command, flush=True)
        subprocess.run(command, cwd=cwd, env={**os.environ, "PYTHONPATH": ""}, check=True)  # noqa: S603

    run(sys.executable, "-m", "venv", str(folder / "venv"))
    run(sys.executable, "-c", BUILD, str(folder), cwd=ROOT)
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", *map(str, folder.glob("*.tar.gz")))
    wheels = [f"{wheel}[train]" for wheel in folder.glob("*.whl")]
    run(python, "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), *wheels)
    run(python, "-c", CHECK)
    for line in USE.splitlines():
        run(detect, *line.split())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
