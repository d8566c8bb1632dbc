"""How torchvision's detectors are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.torchvision.detector import find_candidates
from detect.training import batches, loop
from detect.training.job import Job
from detect.training.loop import Method
from detect.training.torchvision.backbone import stages, start
from detect.training.torchvision.losses import Losses

METHOD = Method(lambda module, job: Losses(module, job.class_weights), start, stages, find_candidates)


def fit(job: Job, *, resume: bool) -> None:
    """See Family."""
    loop.learn(job, METHOD, resume=resume)


def trial(job: Job) -> Callable[[int], None]:
    """See Family."""
    return loop.trial(job, METHOD)


def preview_items(job: Job, keys: Sequence[int]) -> Iterator[tuple[Picture, Boxes, list[str]]]:
    """See Family."""
    return batches.preview_items(METHOD.photos(job.train, job.classes, job.recipe, job.factors), keys)
