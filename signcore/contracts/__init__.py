"""What each kind of component promises: shapes, units, value ranges and the meaning of missing data.

The protocols are structural (`typing.Protocol`): nobody has to inherit from them.
"""

from __future__ import annotations

from signcore.contracts.context import Context
from signcore.contracts.dataset import Dataset, Sample
from signcore.contracts.estimator import Estimator
from signcore.contracts.generator import Generator
from signcore.contracts.metric import Metric
from signcore.contracts.recognizer import Hypothesis, Recognizer
from signcore.contracts.task import Task

__all__ = [
    "Context",
    "Dataset",
    "Estimator",
    "Generator",
    "Hypothesis",
    "Metric",
    "Recognizer",
    "Sample",
    "Task",
]
