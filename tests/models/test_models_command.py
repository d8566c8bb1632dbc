"""`detect models`: the list is what can be built, with the parameters that it has."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from detect.cli import main
from detect.errors import ModelError
from detect.models.families import build, models
from detect.recipes import Recipe


def test_every_model_is_listed() -> None:
    rows = json.loads(CliRunner().invoke(main, ["models", "--json"]).stdout)
    assert list(rows) == list(models())
    known = models()
    text = CliRunner().invoke(main, ["models"]).stdout
    assert all(name in text for name in models())
    rows_shown = {line.split()[0]: line for line in text.splitlines() if line.split()[:1] and line.split()[0] in known}
    assert "2.6 M" in rows_shown["yolo11n"] and "0.09" in rows_shown["yolo11n"] and "none" in rows_shown["yolo11n"]
    assert "24.4 M" in rows_shown["ssd300_vgg16"] and "2.02" in rows_shown["ssd300_vgg16"]


@pytest.fixture
def unfilled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are built with whatever is in memory, and ask no host for weights."""

    def refuse(*given: Any, **how: Any) -> Any:
        raise OSError("no network here")

    for name in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "normal_", "uniform_", "trunc_normal_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *given, **how: tensor)
    for name in ("socket.getaddrinfo", "socket.create_connection", "torch.hub.download_url_to_file"):
        monkeypatch.setattr(name, refuse)


@pytest.mark.parametrize("name", models())
def test_the_parameters_are_those_of_the_model(name: str, unfilled: None) -> None:
    if models()[name][0].library == "ultralytics":
        pytest.importorskip("ultralytics")
    module = build(Recipe(model=name, imgsz=models()[name][1].imgsz), 6)
    assert sum(p.numel() for p in module.parameters()) == models()[name][1].parameters


def test_what_cannot_be_built_is_explained() -> None:
    with pytest.raises(ModelError, match=r"no such detector \(did you mean"):
        build(Recipe(model="fasterrcnn_vgg"), 2)
    with pytest.raises(ModelError, match=r"its input is 320 pixels, always; leave it at `imgsz: 320`"):
        build(Recipe(model="ssdlite320_mobilenet_v3_large", imgsz=640), 2)
