"""How many threads of the processor a network uses, and how pictures are spread over them.

Threads that share one picture wait for one another in each of a hundred layers. Where another process takes a core,
every layer lasts until the slowest thread has had its turn, and a photo takes many times as long as with one thread. So
pictures are looked at side by side, each by one thread, which waits for nobody. A picture that is alone, and a step of
training, are shared by threads where a measurement finds that faster.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from time import monotonic, perf_counter
from typing import Any

import torch

from detect.models.detector import Picture
from detect.models.nms import Candidates
from detect.progress import remark

Look = Callable[[Any, Sequence[Picture]], list[Candidates]]
"""What a network sees in pictures, given the network."""

QUOTA = Path("/sys/fs/cgroup/cpu.max")
WORTH = 0.9  # of the time with one thread that several may take to be chosen
VALID = 10.0  # seconds for which a measurement counts while pictures come one by one


def cores() -> int:
    """The processor cores that this process may use: those that it is bound to, and no more than a container's quota.

    Source of the quota: cgroup v2, cpu.max, https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = QUOTA.read_text().split()
        return max(1, min(count, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no such file, or "max"
        return count


def asked_threads(threads: int = 0) -> int:
    """The number that is asked for: `threads`, else OMP_NUM_THREADS; 0: none."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return threads or (int(text) if text.isdigit() else 0)


def fastest(most: int) -> int:
    """`most` or 1, whichever gets through some layers faster at this moment; takes about a fifth of a second."""
    if most < 2:
        return 1
    seconds: dict[int, list[float]] = {most: [], 1: []}
    pixels, weight = torch.zeros(1, 64, 48, 48), torch.zeros(64, 64, 3, 3)
    with restored(), torch.inference_mode():
        for _ in range(4):
            for threads, times in seconds.items():
                torch.set_num_threads(threads)
                begun = perf_counter()
                for _ in range(8):
                    torch.nn.functional.conv2d(pixels, weight, padding=1)
                times.append(perf_counter() - begun)
    shared, alone = (median(times[1:]) for times in seconds.values())  # the first of each starts its threads
    return most if shared < WORTH * alone else 1


def set_threads(threads: int, before: int = 0) -> None:
    """Those of a training: as many as are asked for, else as `before`, else the faster of one and one for each core.

    A training that goes on keeps its number, since another one adds up in another order.
    """
    known = asked_threads(threads) or before
    number = known or fastest(most := cores())
    if not known and number < most:
        remark(f"threads: {number} of {most}, since that is faster while other processes are busy (`threads: {most}`)")
    torch.set_num_threads(number)


@contextmanager
def restored() -> Iterator[None]:
    """The number of threads is that of before when the block ends: it belongs to the whole process."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


class SideBySide:
    """A network that looks at several pictures at once, with as many threads as are asked for, or as there are cores.

    Each thread has a copy of it that shares its weights: what a network keeps of the last picture is then its own.
    """

    def __init__(self, module: torch.nn.Module, threads: int = 0) -> None:
        self.module = module
        self._asked = asked_threads(threads)
        self.threads = self._asked or cores()
        self._measured, self._until = 1, 0.0

    def __call__(self, look: Look, pictures: Sequence[Picture]) -> list[Candidates]:
        """What is seen in each picture."""
        if next(self.module.parameters()).device.type != "cpu":
            return look(self.module, pictures)
        with restored():
            if min(self.threads, len(pictures)) < 2:
                torch.set_num_threads(self._for_one())
                return look(self.module, pictures)
            places = _parts(pictures, self.threads)
            parts = [[pictures[place] for place in part] for part in places]
            found = self._pool.map(lambda part: self._by_one(look, part), parts)
            seen = dict(pair for part, some in zip(places, found, strict=True) for pair in zip(part, some, strict=True))
        return [seen[place] for place in range(len(pictures))]

    def _by_one(self, look: Look, pictures: Sequence[Picture]) -> list[Candidates]:
        torch.set_num_threads(1)  # of this thread
        module = self._copies.get()
        try:
            return look(module, pictures)
        finally:
            self._copies.put(module)

    def _for_one(self) -> int:
        """The threads for a picture that is alone."""
        if self._asked or self.threads < 2:
            return self.threads
        if monotonic() > self._until:
            self._measured, self._until = fastest(self.threads), monotonic() + VALID
        return self._measured

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="detect")

    @cached_property
    def _copies(self) -> SimpleQueue[torch.nn.Module]:
        tensors = {id(one): one for one in (*self.module.parameters(), *self.module.buffers())}
        copies: SimpleQueue[torch.nn.Module] = SimpleQueue()
        for _ in range(self.threads):
            copies.put(copy.deepcopy(self.module, dict(tensors)))
        return copies


def _parts(pictures: Sequence[Picture], count: int) -> list[list[int]]:
    """The places of the pictures in at most `count` parts of nearly equal length; those of one shape stand together."""
    order = sorted(range(len(pictures)), key=lambda place: pictures[place].shape)
    count = min(count, len(order))
    cuts = [len(order) * part // count for part in range(count + 1)]
    return [order[start:end] for start, end in pairwise(cuts)]
