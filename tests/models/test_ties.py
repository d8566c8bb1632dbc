"""What is kept of boxes with equal scores: every order is right, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from detect.geometry import iou
from detect.models.nms import Candidates
from detect.models.ties import Seen, contradiction, pairs
from detect.operating_point import Suppression

HOW = Suppression(0.5)
SIZE = (200, 100)


def drawn(seed: int, levels: int = 3, number: int = 60) -> Candidates:
    """Boxes of two classes, many of them on one place, with as many scores as there are levels."""
    draw = np.random.default_rng(seed)
    corner = draw.uniform(0, (160, 60), (12, 2))[draw.integers(0, 12, number)] + draw.uniform(0, 12, (number, 2))
    xyxy = np.hstack([corner, corner + draw.uniform(20, 30, (number, 2))])
    score = draw.choice(np.linspace(0.2, 0.8, levels), number)
    return Candidates(xyxy, score, draw.integers(0, 2, number))


def kept_of(found: Candidates, how: Suppression, order_of_ties: int, most: int = 300) -> Candidates:
    """Suppression, box by box, with equal scores in an order of their own."""
    order = np.lexsort([np.random.default_rng(order_of_ties).random(len(found.score)), -found.score])
    kept: list[int] = []
    for row in order:
        rivals = [one for one in kept if found.label[one] == found.label[row] or not how.per_class]
        if not (iou(found.xyxy[row][None], found.xyxy[rivals].reshape(-1, 4)) > how.iou).any():
            kept.append(int(row))
    return found.at(np.array(kept[:most], dtype=np.intp))


def wrong(
    kept: Candidates, seen: Candidates, taken: np.ndarray | None = None, how: Suppression = HOW
) -> tuple[str, Seen] | None:
    taken = np.ones(len(seen.score), dtype=bool) if taken is None else taken
    return contradiction(Seen.of(kept, SIZE, 1.0), Seen.of(seen, SIZE, 1.0), taken, how)


@pytest.mark.parametrize("how", [HOW, Suppression(0.5, 0.0, False), Suppression(0.9)], ids=str)
@pytest.mark.parametrize("levels", [1, 3])
def test_every_order_of_ties_is_right(levels: int, how: Suppression) -> None:
    results = set()
    for seed in range(10):
        found = drawn(seed, levels)
        for order in range(5):
            kept = kept_of(found, how, order)
            results.add(kept.xyxy.tobytes())
            assert wrong(kept, found, how=how) is None
    assert len(results) > 15, "the orders of ties do keep different boxes"


def test_others_of_the_last_score_may_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.models.ties.MOST", 8)
    found = drawn(0)
    kept = {kept_of(found, HOW, order, most=8).xyxy.tobytes() for order in range(20)}
    assert len(kept) > 1
    for order in range(20):
        assert wrong(kept_of(found, HOW, order, most=8), found) is None
    assert wrong(kept_of(found, HOW, 0, most=7), found) is not None, "there was place for another"
    weakest = kept_of(found, HOW, 0).at(slice(-8, None))
    assert wrong(weakest, found) is not None, "eight boxes, but not the strongest"


def test_others_at_the_limit_of_candidates_may_be_kept() -> None:
    """All scores tie, and a run takes twenty of the sixty: which ones, nobody knows."""
    found = drawn(1, levels=1)
    for seed in range(10):
        ours, theirs = (np.random.default_rng(seed + part).permutation(60)[:20] for part in (0, 100))
        taken = np.isin(np.arange(60), ours)
        kept = kept_of(found.at(theirs), HOW, seed)
        assert wrong(kept, found, taken) is None
        assert wrong(kept, found.at(ours)) is not None, "without the limit it is a difference"
        assert wrong(kept.at(slice(0)), found, taken) is not None, "nothing kept"
        for change in BROKEN.values():
            if change is not less:
                assert wrong(change(kept, 0), found, taken) is not None


def moved(kept: Candidates, row: int) -> Candidates:
    return kept._replace(xyxy=kept.xyxy + np.eye(len(kept.score))[row][:, None])


def rescored(kept: Candidates, row: int) -> Candidates:
    return kept._replace(score=kept.score - 0.01 * np.eye(len(kept.score))[row])


def renamed(kept: Candidates, row: int) -> Candidates:
    return kept._replace(label=np.where(np.arange(len(kept.label)) == row, 1 - kept.label, kept.label))


def less(kept: Candidates, row: int) -> Candidates:
    return kept.at(np.arange(len(kept.score)) != row)


def doubled(kept: Candidates, row: int) -> Candidates:
    return kept.at(np.append(np.arange(len(kept.score)), row))


def one_more(kept: Candidates, row: int) -> Candidates:
    more = kept.at(np.array([row]))
    new = Candidates(more.xyxy + 7, more.score, more.label)
    return Candidates(*(np.concatenate([part, extra]) for part, extra in zip(kept, new, strict=True)))


BROKEN: dict[str, Callable[[Candidates, int], Candidates]] = {
    "a box moved by one pixel": moved,
    "a score lower by 0.01": rescored,
    "a label swapped": renamed,
    "a box missing": less,
    "a box twice": doubled,
    "a box that nobody sees": one_more,
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("levels", [1, 3])
def test_a_difference_is_found_among_ties(levels: int, change: Callable[[Candidates, int], Candidates]) -> None:
    for seed in range(10):
        found = drawn(seed, levels)
        kept = kept_of(found, HOW, seed)
        for row in (0, len(kept.score) // 2, len(kept.score) - 1):
            assert wrong(change(kept, row), found) is not None


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        (0.8, None),  # the other of two that tie
        (0.80005, None),  # scores within the tolerance tie
        (0.7, "only the trained one finds"),  # the stronger one is to be kept
        (0.005, "only the trained one finds"),  # and the weaker is not sure enough to be there at all
    ],
)
def test_which_of_two_is_kept(near: float, expected: str | None) -> None:
    both = Candidates(np.array([[0.0, 0, 40, 40], [2, 0, 42, 40]]), np.array([0.8, near]), np.array([0, 0]))
    answer = wrong(both.at(slice(1, 2)), both)
    assert (answer and answer[0]) == expected


def test_overlaps_at_the_edge_tie() -> None:
    """IoU 20 / 40: with an iou of 0.5 the last bit decides; with 0.49 both cannot stay, with 0.51 both do."""
    both = Candidates(np.array([[0.0, 0, 30, 10], [10, 0, 40, 10]]), np.array([0.8, 0.6]), np.array([0, 0]))
    alone = both.at(slice(1))
    assert [wrong(both, both, how=Suppression(iou)) is None for iou in (0.49, 0.5, 0.51)] == [False, True, True]
    assert [wrong(alone, both, how=Suppression(iou)) is None for iou in (0.49, 0.5, 0.51)] == [True, True, False]


def test_no_boxes() -> None:
    none = Candidates(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))
    assert wrong(none, none) is None
    assert wrong(none, drawn(0)) is not None
    assert wrong(drawn(0), none) is not None
    assert not pairs(Seen.of(drawn(0), SIZE, 1.0), Seen.of(none, SIZE, 1.0)).agree.any()
