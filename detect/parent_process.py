"""Processes that end with the one that started them, also where that one is killed and can tell them nothing."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from threading import Thread


def end_with_parent(_worker: int = 0) -> None:
    """Have this process of `multiprocessing` end as soon as its parent does; fit for `worker_init_fn` of a DataLoader.

    torch's own watch asks for the number of the parent, which under "forkserver" is that of the server, and the server
    lives for as long as any of its processes. (A death signal of Linux would come from the server, too.)
    """
    if (parent := multiprocessing.parent_process()) is not None:
        Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
