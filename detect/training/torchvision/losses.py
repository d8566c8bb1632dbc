"""What torchvision's detectors learn from: their losses, for a whole batch at once and with a weight for each class.

The metrics are those of torchvision's own training (see the tests), but for two things: a photo without boxes teaches
an SSD what no damage is, and a box that no anchor touches does not claim all the others that do not touch it either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, interpolate, smooth_l1_loss
from torch.nn.utils.rnn import pad_sequence
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.ops import batched_nms, generalized_box_iou_loss, sigmoid_focal_loss

from detect.models.letterbox import same_shape
from detect.training.batches import Truth, truth_of
from detect.training.torchvision.matching import NOTHING, UNDECIDED, match, pick, sample

Parts = dict[str, Tensor]
SMOOTH = 1 / 9  # where Faster R-CNN's loss of a box turns from a parabola into a line


class Batch(NamedTuple):
    """Normalised `pictures` (B, 3, H, W), 0 beyond the `sizes` (height, width) of each, and the boxes in them."""

    pictures: Tensor
    sizes: tuple[tuple[int, int], ...]
    truth: Truth


class Losses(torch.nn.Module):
    """The losses of a detector as a module, which Fabric can wrap. Without weights all classes are alike."""

    def __init__(self, module: Any, class_weights: tuple[float, ...]) -> None:
        super().__init__()
        self.final = False  # the same in every epoch
        self.weights: Tensor | None
        self.module = module
        with_background = torch.tensor((1.0, *class_weights))
        self.register_buffer("weights", with_background if class_weights else None, persistent=False)

    def forward(self, pictures: Sequence[Tensor], targets: Sequence[Parts]) -> Parts:
        """Each part of the loss by torchvision's name for it; see `assemble`."""
        batch = assemble(self.module, pictures, targets)
        if isinstance(self.module, FasterRCNN):
            return _faster_rcnn(self.module, batch, self.weights)
        return (_retinanet if isinstance(self.module, RetinaNet) else _ssd)(self.module, batch, self.weights)


def assemble(module: Any, pictures: Sequence[Tensor], targets: Sequence[Parts]) -> Batch:
    """Pictures (3, h, w) uint8 of at most the model's size, and their boxes and labels, as the model wants them."""
    transform, device = module.transform, next(module.parameters()).device
    fixed = transform.fixed_size and (transform.fixed_size[1], transform.fixed_size[0])  # it is (width, height)
    sizes = tuple(fixed or (picture.shape[1], picture.shape[2]) for picture in pictures)
    step = 1 if fixed else transform.size_divisible
    height, width = (-(-max(size[axis] for size in sizes) // step) * step for axis in (0, 1))
    mean, deviation = (
        torch.tensor(v, device=device)[:, None, None] for v in (transform.image_mean, transform.image_std)
    )
    together = torch.zeros((len(pictures), 3, height, width), device=device)
    for members in same_shape(pictures):
        h, w = sizes[members[0]]
        here = torch.stack([pictures[i].to(device, non_blocking=True) for i in members]).float() / 255
        if here.shape[2:] != (h, w):
            here = interpolate(here, size=(h, w), mode="bilinear", align_corners=False)
        together[members, :, :h, :w] = (here - mean) / deviation
    factors = [(w / one.shape[2], h / one.shape[1]) * 2 for one, (h, w) in zip(pictures, sizes, strict=True)]
    truth = truth_of(targets, device)
    truth = truth._replace(boxes=truth.boxes * torch.tensor(factors, device=device)[:, None])
    return Batch(together.contiguous(memory_format=torch.channels_last), sizes, truth)


def _ssd(module: Any, batch: Batch, weights: Tensor | None) -> Parts:
    """SSD's loss (Liu et al., 2016): right examples, and for each of them the three hardest wrong ones of its photo.

    A photo without boxes has three wrong ones, too: an undamaged car teaches what no damage is.
    """
    deltas, logits, anchors = _predict(module, batch)
    limit = module.proposal_matcher.high_threshold
    matched = match(batch.truth, anchors, limit, limit, rescue="best")
    right, labels = matched >= 0, _labels(batch.truth, matched)
    wanted = _encoded(module.box_coder, _boxes(batch.truth, matched, anchors), anchors)
    box = smooth_l1_loss(deltas, wanted, reduction="none").sum(dim=2)
    each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
    wrong = torch.where(right, -torch.inf, each).sort(dim=1, descending=True).values
    count = module.neg_to_pos_ratio * right.sum(dim=1, keepdim=True).clamp(min=1)
    hard = (torch.arange(wrong.shape[1], device=wrong.device) < count) & torch.isfinite(wrong)
    positive = each if weights is None else each * weights[labels]
    total = _sum(positive, right) + _sum(wrong, hard)
    examples = right.sum().clamp(min=1)
    return {"bbox_regression": _sum(box, right) / examples, "classification": total / examples}


def _retinanet(module: Any, batch: Batch, weights: Tensor | None) -> Parts:
    """The focal loss of RetinaNet (Lin et al., 2017), each photo's over its number of right anchors."""
    deltas, logits, anchors = _predict(module, batch)
    matcher = module.proposal_matcher
    matched = match(batch.truth, anchors, matcher.low_threshold, matcher.high_threshold, rescue="ties")
    right = matched >= 0
    examples = right.sum(dim=1).clamp(min=1)
    one_hot = torch.zeros_like(logits).scatter_(2, _labels(batch.truth, matched)[..., None], right[..., None].float())
    focal = sigmoid_focal_loss(logits, one_hot, reduction="none")
    focal = focal.sum(dim=2) if weights is None else (focal * weights).sum(dim=2)
    photo, place = torch.nonzero(right, as_tuple=True)
    boxes, shapes = _boxes(batch.truth, matched, anchors)[photo, place], anchors[0, place]
    regression, coder = module.head.regression_head, module.head.regression_head.box_coder
    if regression._loss_type == "giou":
        box = generalized_box_iou_loss(coder.decode_single(deltas[photo, place], shapes), boxes)
    else:
        box = (deltas[photo, place] - coder.encode_single(boxes, shapes)).abs().sum(dim=1)
    return {
        "classification": (torch.where(matched != UNDECIDED, focal, 0).sum(dim=1) / examples).mean(),
        "bbox_regression": (box / examples[photo]).sum() / len(batch.sizes),
    }


def _faster_rcnn(module: Any, batch: Batch, weights: Tensor | None) -> Parts:
    """The four losses of Faster R-CNN (Ren et al., 2015): two of the proposals, two of the head."""
    features = module.backbone(batch.pictures)
    proposals, real, parts = _propose(module.rpn, batch, list(features.values()))
    heads = module.roi_heads
    proposals = torch.cat([proposals, batch.truth.boxes], dim=1)  # what is right is proposed, too
    real = torch.cat([real, batch.truth.labels > 0], dim=1)
    matcher, sampler = heads.proposal_matcher, heads.fg_bg_sampler
    matched = match(batch.truth, proposals, matcher.low_threshold, matcher.high_threshold)
    places, drawn = sample(
        real & (matched >= 0), real & (matched == NOTHING), sampler.batch_size_per_image, sampler.positive_fraction
    )
    matched = matched.gather(1, places)
    rois = pick(proposals, places)
    wanted = _encoded(heads.box_coder, _boxes(batch.truth, matched, rois), rois)[drawn]
    labels, counts = _labels(batch.truth, matched)[drawn], drawn.sum(dim=1).tolist()
    pooled = heads.box_roi_pool(features, list(torch.split(rois[drawn], counts)), list(batch.sizes))
    logits, deltas = heads.box_predictor(heads.box_head(pooled))
    each = torch.arange(len(labels), device=labels.device)
    own = deltas.float().view(len(labels), deltas.shape[1] // 4, 4)[each, labels]
    box = smooth_l1_loss(own, wanted, beta=SMOOTH, reduction="none").sum(dim=1)
    named = {
        # A MobileNet that has learnt well proposes nothing in undamaged photos, and a mean of nothing is no number.
        "loss_classifier": cross_entropy(logits.float(), labels, weights) if len(labels) else logits.float().sum(),
        "loss_box_reg": _sum(box, labels > 0) / max(1, len(labels)),
    }
    return named | parts


def _propose(rpn: Any, batch: Batch, features: list[Tensor]) -> tuple[Tensor, Tensor, Parts]:
    """Proposals (B, P, 4) of the first stage, whether each is one (B, P), and its losses."""
    anchors = _anchors(rpn.anchor_generator, batch, features)
    objectness, deltas = rpn.head(features)
    counts = [level[0].numel() for level in objectness]
    objectness, deltas = concat_box_prediction_layers(objectness, deltas)
    objectness, deltas = objectness.float().view(len(batch.sizes), -1), deltas.float().view(len(batch.sizes), -1, 4)
    with torch.no_grad():
        proposals, real = _best_proposals(rpn, batch, objectness, deltas, anchors, counts)
    matcher, sampler = rpn.proposal_matcher, rpn.fg_bg_sampler
    matched = match(batch.truth, anchors, matcher.low_threshold, matcher.high_threshold, rescue="ties")
    budget, fraction = sampler.batch_size_per_image, sampler.positive_fraction
    places, drawn = sample(matched >= 0, matched == NOTHING, budget, fraction)
    matched, shapes, examples = matched.gather(1, places), pick(anchors, places), drawn.sum().clamp(min=1)
    wanted = _encoded(rpn.box_coder, _boxes(batch.truth, matched, shapes), shapes)
    box = smooth_l1_loss(pick(deltas, places), wanted, beta=SMOOTH, reduction="none").sum(dim=2)
    sure = objectness.gather(1, places)
    called = binary_cross_entropy_with_logits(sure, (matched >= 0).float(), reduction="none")
    parts = {"loss_objectness": _sum(called, drawn), "loss_rpn_box_reg": _sum(box, drawn & (matched >= 0))}
    return proposals, real, {name: part / examples for name, part in parts.items()}


def _best_proposals(
    rpn: Any, batch: Batch, objectness: Tensor, deltas: Tensor, anchors: Tensor, counts: list[int]
) -> tuple[Tensor, Tensor]:
    top = rpn._get_top_n_idx(objectness, counts)
    scores, shapes = objectness.gather(1, top), pick(anchors, top)
    boxes = rpn.box_coder.decode_single(pick(deltas, top).flatten(0, 1), shapes.flatten(0, 1)).view(*top.shape, 4)
    limits = torch.tensor([(w, h, w, h) for h, w in batch.sizes], device=boxes.device)
    boxes = torch.minimum(boxes.clamp_(min=0), limits[:, None])
    tiny = (boxes[..., 2:] - boxes[..., :2] < rpn.min_size).any(dim=2)
    weak = scores.sigmoid() < rpn.score_thresh  # a MobileNet's are left out in training, too
    scores = scores.masked_fill(tiny | weak, -torch.inf)  # last in line: they suppress nothing and are left out below
    levels = torch.repeat_interleave(torch.tensor(counts)).to(top.device)[top]
    kept = [
        batched_nms(*photo, rpn.nms_thresh)[: rpn.post_nms_top_n()] for photo in zip(boxes, scores, levels, strict=True)
    ]
    places = pad_sequence(kept, batch_first=True, padding_value=-1)
    real = (places >= 0) & scores.gather(1, places.clamp(min=0)).isfinite()
    return pick(boxes, places.clamp(min=0)), real


def _predict(module: Any, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """The output of a detector of one stage: deltas (B, A, 4) and logits (B, A, C) of the anchors (1, A, 4)."""
    features = list(module.backbone(batch.pictures).values())
    seen = module.head(features)
    anchors = _anchors(module.anchor_generator, batch, features)
    return seen["bbox_regression"].float(), seen["cls_logits"].float(), anchors


def _anchors(generator: Any, batch: Batch, features: list[Tensor]) -> Tensor:
    """The anchors (1, A, 4): they are the same for every photo of a batch."""
    one = ImageList(batch.pictures[:1], [batch.sizes[0]])
    anchors: Tensor = generator(one, [level[:1].float() for level in features])[0]
    return anchors[None]


def _labels(truth: Truth, matched: Tensor) -> Tensor:
    """The class (B, S) of the boxes at the matched places; 0 where there is none."""
    if not truth.labels.shape[1]:
        return torch.zeros_like(matched)
    return torch.where(matched >= 0, truth.labels.gather(1, matched.clamp(min=0)), 0)


def _boxes(truth: Truth, matched: Tensor, anchors: Tensor) -> Tensor:
    """The boxes (B, S, 4) at the matched places; the anchor itself where there is none."""
    if not truth.labels.shape[1]:
        return anchors.expand(len(matched), -1, -1)
    return torch.where(matched[..., None] >= 0, pick(truth.boxes, matched.clamp(min=0)), anchors)


def _encoded(coder: Any, boxes: Tensor, anchors: Tensor) -> Tensor:
    """What the model has to say to get from the anchors (B or 1, S, 4) to the boxes (B, S, 4)."""
    flat: Tensor = coder.encode_single(boxes.flatten(0, 1), anchors.expand_as(boxes).flatten(0, 1))
    return flat.view(boxes.shape)


def _sum(values: Tensor, where: Tensor) -> Tensor:
    """The sum of some of the values, without waiting for a GPU to say how many."""
    return torch.where(where, values, 0).sum()
