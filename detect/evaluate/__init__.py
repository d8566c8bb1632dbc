"""Predictions beside the truth: COCO's figures, an operating point, and a report of what went wrong.

>>> from detect.data import Box, Dataset, Image, Predictions
>>> data = Dataset(("dent",), (Image("a.jpg", 100, 100, (Box("dent", 10, 10, 50, 50),)),))
>>> found = Predictions(("dent",), {"a.jpg": (Box("dent", 10, 10, 50, 50, score=0.9),)})
>>> round(evaluate(data, found).figures["map"], 3)
1.0
"""

from detect.evaluate.compare import Comparison, compare
from detect.evaluate.coverage import only_split
from detect.evaluate.evaluation import Evaluation, evaluate
from detect.evaluate.match import MatchTable, match
from detect.evaluate.report import write_report

__all__ = ["Comparison", "Evaluation", "MatchTable", "compare", "evaluate", "match", "only_split", "write_report"]
