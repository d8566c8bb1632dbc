"""Checking: what is wrong with a dataset, said and counted before anybody spends hours on it. No torch."""

from __future__ import annotations

from detect.checking.finding import Finding, raise_errors
from detect.checking.train_and_val import before_training, in_several_splits

__all__ = ["Finding", "before_training", "in_several_splits", "raise_errors"]
