"""torchvision's detectors with few channels: all of their parts, under the same names, and of a hundredth of the size.

What a loss, a step or a recipe does shows as well in a network of 0.5 M parameters as in one of 30 M, which takes
seconds to draw, to copy and to write. What is said of weights of the real size stays with networks of the real size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from torchvision.models import resnet, vgg
from torchvision.models.detection import backbone_utils, faster_rcnn, retinanet

CHANNELS, HEAD = 8, 16  # so many times fewer in a backbone and its pyramid, and in the head of a Faster R-CNN
# A VGG16 that is as wide as an SSD demands at the two ends that it takes.
VGG = [8, 8, "M", 16, 16, "M", 32, 32, 32, "M", 64, 64, 512, "M", 64, 64, 512, "M"]


@contextmanager
def narrowed() -> Iterator[None]:
    """ResNets, VGGs, pyramids and heads are built narrow."""
    make_layer: Any = resnet.ResNet._make_layer
    pyramid: Any = backbone_utils.BackboneWithFPN.__init__

    def narrow_layer(self: Any, block: Any, planes: int, *rest: Any, **more: Any) -> Any:
        return make_layer(self, block, planes // CHANNELS, *rest, **more)

    def narrow_pyramid(self: Any, body: Any, layers: Any, channels: Any, out: int, **more: Any) -> None:
        pyramid(self, body, layers, channels, out // CHANNELS, **more)

    def by(times: int, make: Callable[..., Any], *places: int) -> Callable[..., Any]:
        """`make` with the numbers at these places of its arguments so many times smaller."""
        return lambda *given, **more: make(*(n // times if k in places else n for k, n in enumerate(given)), **more)

    def narrow_convolutions(size: Any, convolutions: list[int], full: list[int], **more: Any) -> Any:
        return wide(size, [n // CHANNELS for n in convolutions], [n // HEAD for n in full], **more)

    wide = faster_rcnn.FastRCNNConvFCHead
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resnet.ResNet, "_make_layer", narrow_layer)
        patch.setitem(vgg.cfgs, "D", VGG)
        patch.setattr(backbone_utils.BackboneWithFPN, "__init__", narrow_pyramid)
        patch.setattr(retinanet, "LastLevelP6P7", by(CHANNELS, retinanet.LastLevelP6P7, 0, 1))
        patch.setattr(faster_rcnn, "TwoMLPHead", by(HEAD, faster_rcnn.TwoMLPHead, 1))
        patch.setattr(faster_rcnn, "FastRCNNPredictor", by(HEAD, faster_rcnn.FastRCNNPredictor, 0))
        patch.setattr(faster_rcnn, "FastRCNNConvFCHead", narrow_convolutions)
        yield


if __name__ == "__main__":  # `detect` with such networks, for processes that start others as they were started
    from detect.cli import main

    with narrowed():
        main()
