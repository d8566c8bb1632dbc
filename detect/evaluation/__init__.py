"""Predictions beside the truth: COCO's metrics, an operating point, and a report of what went wrong.

>>> from detect.data import Box, Dataset, Image, Predictions
>>> data = Dataset(("dent",), (Image("a.jpg", 100, 100, (Box("dent", 10, 10, 50, 50),)),))
>>> found = Predictions(("dent",), {"a.jpg": (Box("dent", 10, 10, 50, 50, score=0.9),)})
>>> round(evaluate(data, found).metrics["map"], 3)
1.0
"""

from detect.evaluation.compare import Comparison, compare
from detect.evaluation.coverage import only_split
from detect.evaluation.document import metrics_document
from detect.evaluation.evaluation import Evaluation, evaluate
from detect.evaluation.match import MatchTable, match
from detect.evaluation.provenance import Provenance
from detect.evaluation.report import write_report

__all__ = [
    "Comparison",
    "Evaluation",
    "MatchTable",
    "Provenance",
    "compare",
    "evaluate",
    "match",
    "metrics_document",
    "only_split",
    "write_report",
]
