"""Training: a recipe and a dataset with splits in, a run folder out.

runs/first/
  recipe.yaml       the resolved recipe, every key
  data.json         what it was trained on: classes, images and boxes per split, fingerprint
  log.jsonl         one JSON object per line: start, epoch, unreadable, resume, end
  summary.json      the best epoch and its metrics on val, every attempt, findings about the data, changes by
                    resumes, and a verdict in words
  weights/best.pt   what `detect predict` takes
  state.pt          all that `--resume` needs
  rejects.jsonl     what `--on-error skip` left out, where that is anything
  curves.png        losses and metrics by epoch
  attempt-2/ ...    the same again for every further attempt (`accept` in a recipe)
"""

from __future__ import annotations

from detect.training.attempts import train
from detect.training.listeners import Listener
from detect.training.run import Attempt, Run

__all__ = ["Attempt", "Listener", "Run", "train"]
