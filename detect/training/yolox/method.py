"""How a YOLOX is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.weights import Tensors, take_over
from detect.models.yolox.detector import find_candidates
from detect.models.yolox.network import NORM_EPS
from detect.recipes import Recipe
from detect.training import batches, loop
from detect.training.job import Job
from detect.training.loop import Method
from detect.training.transfer import blocks_of
from detect.training.yolox.losses import Losses, together
from detect.training.yolox.mosaic import Mosaics

PHOTOS = 64  # that say how norms are to be unfolded


def fit(job: Job, *, resume: bool) -> None:
    """See Family."""
    loop.learn(job, METHOD, resume=resume)


def trial(job: Job) -> Callable[[int], None]:
    """See Family."""
    return loop.trial(job, METHOD)


def preview_items(job: Job, keys: Sequence[int]) -> Iterator[tuple[Picture, Boxes, list[str]]]:
    """See Family."""
    return batches.preview_items(METHOD.photos(job.train, job.classes, job.recipe, job.factors), keys)


def start(module: Any, recipe: Recipe, tensors: Tensors) -> str:
    """Take over what fits of the tensors of the recipe's `weights`; returns how much, in words."""
    if recipe.weights:
        return take_over(module, tensors).report(recipe.weights)
    return "no weights given: a start from scratch"


def stages(module: Any) -> list[nn.Module]:
    """The blocks of the backbone, from the picture on."""
    return list(blocks_of(module.backbone.backbone))


def unfold(module: Any, job: Job) -> None:
    """Give norms that were folded into the convolutions before them their statistics back, by what photos show.

    Weights that went through an exported model have norms that do nothing; trained on as they are, they would begin to
    norm, and what was learnt would be lost. Afterwards the network does what it did, and its norms are what they were.
    """
    norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d) and _folded(norm)]
    if not norms:
        return
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def count(norm: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        values = given[0].double()
        sums[norm] += torch.stack([torch.ones_like(values), values, values**2]).sum(dim=(1, 3, 4))  # type: ignore[index]

    for norm in norms:
        norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
    hooks = [norm.register_forward_pre_hook(count) for norm in norms]
    photos = Mosaics(job.train, job.classes, job.recipe)
    training = module.training
    module.eval()
    with torch.inference_mode():
        for position in range(0, len(photos), -(-len(photos) // PHOTOS)):
            picture = torch.from_numpy(photos.still(position, [])[1][0].transpose(2, 0, 1).copy())
            module.raw(together([picture], torch.device("cpu")))
    module.train(training)
    for hook in hooks:
        hook.remove()
    for norm, (number, total, squares) in sums.items():
        mean = total / number
        variance = (squares / number - mean**2).clamp(min=0)
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.data.copy_((variance + norm.eps).sqrt())
        norm.bias.data.add_(mean)


def _folded(norm: nn.BatchNorm2d) -> bool:
    """Whether it does no more than add its bias; a fresh one has none."""
    values = norm.state_dict()
    still = (values["weight"] == 1).all() and (values["running_mean"] == 0).all()
    return bool(still and ((values["running_var"] - 1).abs() <= 2 * NORM_EPS).all() and values["bias"].any())


METHOD = Method(
    losses=lambda module, job: Losses(module, job.class_weights, job.recipe.multiscale),
    start=start,
    stages=stages,
    find=find_candidates,
    photos=Mosaics,
    adapt=unfold,
)
