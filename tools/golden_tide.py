"""Write what tidecv makes of random sets into tests/golden/tide.json.

In an environment with tidecv (which is no dependency of this project):
    pip install tidecv hypothesis && PYTHONPATH=. python tools/golden_tide.py
"""

from __future__ import annotations

import json
from pathlib import Path

from tidecv import TIDE, Data  # type: ignore[import-not-found, unused-ignore]

from tests.evaluation.random_sets import TIDE_SETS, tide_set

TARGET = Path(__file__).resolve().parents[1] / "tests" / "golden" / "tide.json"


def judged(number: int) -> dict[str, float]:
    """AP50 and the cost of each kind of error by tidecv, as shares of 1."""
    dataset, predictions = tide_set(number)
    truth, found = Data("truth"), Data("found")
    for place, image in enumerate(dataset.images):
        truth.add_image(place, image.name)  # else detections in images without truth are passed over
        for box in image.boxes:
            truth.add_ground_truth(place, box.label, [box.x1, box.y1, box.width, box.height])
        for box in predictions.images[image.name]:
            found.add_detection(place, box.label, box.score, [box.x1, box.y1, box.width, box.height])
    tide = TIDE()
    run = tide.evaluate(truth, found, mode=TIDE.BOX)
    costs = {**run.fix_main_errors(), **run.fix_special_errors()}
    return {"ap50": run.ap / 100} | {error.short_name: cost / 100 for error, cost in costs.items()}


if __name__ == "__main__":
    TARGET.write_text(
        json.dumps([judged(number) for number in range(len(TIDE_SETS))], indent=1) + "\n", encoding="utf-8"
    )
