"""The losses of a YOLOX beside those of the package."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from detect.models.yolox.network import Network, network
from detect.training.batches import Target, Truth, truth_of
from detect.training.yolox.assignment import assign
from detect.training.yolox.losses import Losses, encode, together

CLASSES = 3


def scene(seed: int, boxes: tuple[int, ...], size: int = 128) -> tuple[list[torch.Tensor], list[Target]]:
    """Noise, with so many boxes in each picture."""
    make = torch.Generator().manual_seed(seed)
    pictures = [torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=make) for _ in boxes]
    targets = []
    for count in boxes:
        corner = torch.rand(count, 2, generator=make) * size * 0.7
        end = (corner + torch.rand(count, 2, generator=make) * size * 0.5 + 2).clamp(max=float(size))
        labels = torch.randint(1, CLASSES + 1, (count,), generator=make)
        targets.append({"boxes": torch.cat([corner, end], dim=1), "labels": labels})
    return pictures, targets


def fresh(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    module = network("yolox-nano", CLASSES)
    for parameter in module.head.parameters():  # so that places differ in what they see
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return module.train()


def of_the_package(module: Network, pictures: list[torch.Tensor], targets: list[Target], final: bool) -> list[Any]:
    """The loss of the package's own head: all of it, and its parts."""
    most = max(len(target["labels"]) for target in targets)
    rows = torch.zeros(len(targets), most, 5)
    for row, target in zip(rows, targets, strict=True):
        corners, count = target["boxes"], len(target["labels"])
        row[:count, 0] = target["labels"] - 1
        row[:count, 1:3], row[:count, 3:] = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    module.head.use_l1 = final
    pixels, rows = torch.stack(pictures).double().flip(1), rows.double()
    return list(module.head(module.backbone(pixels), rows, pixels))


@pytest.mark.filterwarnings("ignore:.*torch.cuda.amp.autocast:FutureWarning")
@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("boxes", [(1,), (4, 0, 9), (30, 2), (1, 1, 1, 1)])
def test_a_step_equals_that_of_the_package(boxes: tuple[int, ...], final: bool) -> None:
    """In double precision: statistics of a few small maps magnify how numbers of 32 bits are rounded."""
    for seed in range(3):
        pictures, targets = scene(seed, boxes)
        module, twin = fresh(seed).double(), fresh(seed).double()
        losses = Losses(module)
        losses.final = final
        truth = truth_of(targets, torch.device("cpu"))
        truth = truth._replace(boxes=truth.boxes.double())
        parts = losses.parts(*module.raw(torch.stack(pictures).double() / 255), truth)
        total, box, there, kind, offsets, _ = of_the_package(twin, pictures, targets, final)
        theirs = [box, there, kind, *([offsets] if final else [])]
        torch.testing.assert_close(list(parts.values()), theirs, rtol=1e-5, atol=1e-5)
        torch.stack([*parts.values()]).sum().backward()
        total.backward()
        for (name, ours), other in zip(module.named_parameters(), twin.parameters(), strict=True):
            assert ours.grad is not None and other.grad is not None
            assert (ours.grad - other.grad).abs().max() <= 1e-5 * other.grad.abs().max(), name


def test_photos_without_boxes_teach_what_nothing_is() -> None:
    pictures, targets = scene(0, (0, 0))
    parts = Losses(fresh())(pictures, targets)
    assert parts["box"].item() == parts["classification"].item() == 0.0
    assert parts["objectness"].item() > 0


def test_weights_of_classes_count_in_their_part() -> None:
    pictures, targets = scene(1, (5, 3))
    plain, heavy = (Losses(fresh(), weights)(pictures, targets) for weights in ((), (2.0, 2.0, 2.0)))
    assert heavy["classification"].item() == pytest.approx(2 * plain["classification"].item())
    assert heavy["objectness"].item() == plain["objectness"].item()


def test_offsets_are_the_inverse_of_boxes() -> None:
    from detect.models.yolox.network import decode

    boxes, places = torch.tensor([[20.0, 30, 16, 8], [5, 9, 2, 40]]), torch.tensor([[2.0, 3], [0, 1]])
    strides = torch.tensor([[8.0], [16]])
    torch.testing.assert_close(decode(encode(boxes, places, strides), places, strides), boxes)


def test_a_box_beside_the_picture_is_found_by_nobody() -> None:
    centres = torch.tensor([[4.0, 4.0], [12.0, 4.0]])
    seen, logits = torch.rand(1, 2, 4) + 1, torch.zeros(1, 2, 2)
    truth = Truth(torch.tensor([[[900.0, 900, 4, 4]]]), torch.tensor([[1]]))
    found = assign(truth.boxes, truth.labels, seen, logits, centres, torch.full((2, 1), 8.0))
    assert found.box.tolist() == [[-1, -1]]


def test_pictures_of_several_sizes_are_padded_with_grey() -> None:
    wide, high = torch.zeros(3, 20, 50, dtype=torch.uint8), torch.zeros(3, 40, 30, dtype=torch.uint8)
    batch = together([wide, high], torch.device("cpu"))
    assert batch.shape == (2, 3, 64, 64)
    assert float(batch[0, :, :20, :50].max()) == float(batch[1, :, :40, :30].max()) == 0
    assert batch[0, :, 20:].unique().tolist() == batch[1, :, :, 30:].unique().tolist() == [pytest.approx(114 / 255)]
