"""The example of the documentation runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detect.conversion import write
from detect.data import Dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_the_example_runs(
    page: str, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On small data, and with a recipe of its name that is done in seconds."""
    codes = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    write(squares, tmp_path / "data", "yolo")
    (tmp_path / "photos").symlink_to(tmp_path / "data")
    (tmp_path / "yolox-nano").write_text("model: yolov5n\nimgsz: 64\nepochs: 1\nworkers: 0\n")
    for code in codes:
        exec(compile(code, page, "exec"), {})  # noqa: S102
    assert "val mAP peaked at epoch 1 of 1" in capsys.readouterr().out
    assert (tmp_path / "runs" / "first" / "weights" / "best.pt").is_file()
