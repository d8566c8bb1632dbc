"""docs/metrics.md: its examples are recomputed, and it names every key of metrics.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import evaluate, metrics_document

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^Example(?: at ([\d.]+))?( with the costs)?: `([\w.]+)` = (.+)$", TEXT, flags=re.MULTILINE)


def _result(confidence: float | None, costs: Path | None = None) -> dict[str, Any]:
    block = re.search(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)
    assert block is not None
    given = json.loads(block[1])
    images = given["images"].items()
    dataset = Dataset(
        tuple(given["classes"]), tuple(Image(n, 100, 100, tuple(Box(*b) for b in i["truth"])) for n, i in images)
    )
    predictions = Predictions(dataset.classes, {n: tuple(Box(*b) for b in i["found"]) for n, i in images})
    goal = "f1" if costs is None else f"cost={costs}"
    return metrics_document(evaluate(dataset, predictions, confidence=confidence, choose=goal))


@pytest.mark.parametrize(("confidence", "costs", "key", "value"), EXAMPLES)
def test_the_examples_of_the_page(confidence: str, costs: str, key: str, value: str, tmp_path: Path) -> None:
    table = re.search(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    assert table is not None
    (tmp_path / "costs.yaml").write_text(table[1], encoding="utf-8")
    answer: Any = _result(float(confidence) if confidence else None, tmp_path / "costs.yaml" if costs else None)
    for part in key.split("."):
        answer = (
            {c.get("name", c.get("mistake")): c for c in answer}[part] if isinstance(answer, list) else answer[part]
        )
    if isinstance(answer, list):
        assert np.round(answer, 3).tolist() == json.loads(value)
    else:
        assert ("-" if answer is None else f"{answer:.3f}") == value


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 25
    rooms = {
        "metrics", "classes", "operating_point", "confusion", "mistakes", "images", "calibration", "intervals",
        "slices",
    }  # fmt: skip
    assert {key.split(".")[0] for _, _, key, _ in EXAMPLES} == rooms


def test_every_key_of_metrics_json_is_named() -> None:
    unnamed = [key for key in _keys(_result(None)) if f"`{key}`" not in TEXT]
    assert [key for key in unnamed if not key.startswith("map@")] == []
    assert all(f"`{key}`" in TEXT for key in ("image_sensitivity", "lost_background", "dent.recall", "map@0.5"))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _keys(item)
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("dent", "scratch"):
                yield key
            if key != "intervals":  # its keys are the names of all metrics
                yield from _keys(item)
