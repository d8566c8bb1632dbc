"""Training photos as a YOLO would see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy

import numpy as np
import torch

from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.letterbox import STRIDE
from detect.models.yolo.library import get_cfg, scratch
from detect.training.job import Job
from detect.training.yolo.arguments import arguments
from detect.training.yolo.trainer import training_items


def preview_items(job: Job, keys: Sequence[int]) -> Iterator[tuple[Picture, Boxes, list[str]]]:
    """What the model sees under these keys, see `EpochSampler`: picture, boxes (N, 4) in its pixels, their labels."""
    args = get_cfg(overrides=arguments(job.recipe, torch.device("cpu"), scratch))
    items = training_items(job, args, STRIDE, job.recipe.batch)
    if job.recipe.epochs <= job.recipe.augment.mosaic_off:  # closed before the first batch
        items.close_mosaic(copy(args))
    for key in keys:
        item = items[key]
        picture = np.ascontiguousarray(item["img"].numpy().transpose(1, 2, 0))
        centred = item["bboxes"].double().numpy() * ([picture.shape[1], picture.shape[0]] * 2)
        corners = np.concatenate([centred[:, :2] - centred[:, 2:] / 2, centred[:, :2] + centred[:, 2:] / 2], axis=1)
        yield picture, corners, [job.classes[int(label)] for label in item["cls"].flatten().tolist()]
