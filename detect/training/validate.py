"""What a detector does on the validation photos: what it finds there, and its losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from detect.data import Box, Predictions
from detect.models.detector import LOWEST_SCORE, Picture
from detect.models.letterbox import back
from detect.models.nms import Candidates, suppress
from detect.operating_point import Suppression
from detect.training.batches import Item, scaled, tensors
from detect.training.distributed import gather
from detect.training.job import Job

Find = Callable[[Any, Sequence[Picture], int, float], list[Candidates]]
"""What a torch module sees in pictures of at most so many pixels, with scores above a confidence."""


@torch.no_grad()
def validate(
    losses: Any,
    loss: Callable[[list[Item]], tuple[Any, dict[str, Any]]],
    find: Find,
    job: Job,
    fabric: Any,
    loader: Any,
) -> tuple[Predictions, dict[str, float]]:
    """What the model finds in the photos of val that can be read, and the mean over them of each part of its loss.

    `loader` has this process's share of them.
    """
    losses.eval()
    size, how = job.recipe.imgsz, Suppression(job.recipe.nms_iou)
    found, totals, lost = dict[str, tuple[Box, ...]](), dict[str, float](), list[str]()
    for rows in loader:
        lost += (new := [image.name for image, picture, _ in rows if picture is None])
        job.listeners.unreadable(new)
        readable = [row for row in rows if row[1] is not None]
        if not readable:
            continue
        torch.manual_seed(job.recipe.seed)  # a Faster R-CNN draws the same examples in every epoch
        seen = [scaled(image, picture, size, job.classes) for image, picture, _ in readable]
        for name, part in loss([Item(*tensors(*one), "", ()) for one in seen])[1].items():
            totals[name] = totals.get(name, 0.0) + float(part) * len(seen)
        sights = find(losses.module, [picture for _, picture, _ in readable], size, LOWEST_SCORE)
        for (image, _, scale), one in zip(readable, sights, strict=True):
            kept = suppress(one._replace(xyxy=back(one.xyxy, scale)), how)
            found[image.name] = kept.inside(image.width, image.height).boxes(job.classes)
    parts = gather(fabric, (found, totals, lost))
    job.listeners.unreadable([name for _, _, names in parts for name in names])
    found = {name: boxes for part, _, _ in parts for name, boxes in part.items()}
    kinds = sorted({kind for _, part, _ in parts for kind in part})
    means = {kind: sum(part.get(kind, 0.0) for _, part, _ in parts) / len(found) for kind in kinds}
    return Predictions(job.classes, {image.name: found[image.name] for image in job.val if image.name in found}), means
