"""The anchors that torchvision gives its detectors, level by level, the finest first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from detect.models.anchors import Layout, Level

RATIOS = (0.5, 1.0, 2.0)  # height over width
SIZES = (32, 64, 128, 256, 512)  # pixels


def ssd300(_model: str, imgsz: int) -> Layout:
    """Six levels with the scales of the paper for COCO."""
    scales = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]  # of the input
    grids = [(38, 8.0), (19, 16.0), (10, 32.0), (5, 64.0), (3, 100.0), (1, 300.0)]
    return _default_boxes([[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales, imgsz, grids)


def ssdlite(_model: str, imgsz: int) -> Layout:
    """Six levels of evenly spaced scales."""
    scales = [*np.linspace(0.2, 0.95, 6).tolist(), 1.0]
    return _default_boxes([[2, 3]] * 6, scales, imgsz, [(n, imgsz / n) for n in (20, 10, 5, 3, 2, 1)])


def retinanet(_model: str, imgsz: int) -> Layout:
    """Five levels of three sizes each."""
    return _pyramid(imgsz, ((s // 4, [int(s * 2 ** (i / 3)) for i in range(3)]) for s in SIZES))


def faster_rcnn(model: str, imgsz: int) -> Layout:
    """Five levels of one size each; on a MobileNet three levels of all sizes."""
    if model.startswith("fasterrcnn_mobilenet"):
        return _pyramid(imgsz, ((step, list(SIZES)) for step in (32, 32, 64)))
    return _pyramid(imgsz, ((s // 8, [s]) for s in SIZES))


def _pyramid(imgsz: int, grid: Iterable[tuple[int, list[int]]]) -> Layout:
    """Every size in every ratio; `grid` has the step and the sizes of each level, in pixels."""
    levels = []
    for step, own in grid:
        cells = -(-imgsz // step)
        shapes = [(s / r**0.5, s * r**0.5) for r in RATIOS for s in own]
        levels.append(Level(cells, imgsz // cells, 0.0, np.array(shapes, dtype=np.float64)))
    return Layout(tuple(levels))


def _default_boxes(ratios: list[list[int]], scales: list[float], imgsz: int, grids: list[tuple[int, float]]) -> Layout:
    """SSD's default boxes: two squares per level, and each ratio upright and across (Liu et al., SSD, ECCV 2016)."""
    levels = []
    for k, level in enumerate(ratios):
        own, between = scales[k], (scales[k] * scales[k + 1]) ** 0.5
        shapes = [(own, own), (between, between)]
        for ratio in level:
            wide, narrow = own * ratio**0.5, own / ratio**0.5
            shapes += [(wide, narrow), (narrow, wide)]
        cells, step = grids[k]
        levels.append(Level(cells, step, step / 2, np.minimum(np.array(shapes), 1) * imgsz))
    return Layout(tuple(levels))
