"""slr-wer: does a recognizer read in a generated video what was to be signed?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.text_metrics.metrics import WER
from signcore.plugins.video_metrics.config import SLRWERConfig
from signcore.types.video import Video


class SLRWER:
    """Word error rate, in per cent, of what a recognizer reads in the predicted videos (`slr-wer`) and in the references
    (`slr-wer-real`), against the glosses that the references carry: all edits by all reference glosses
    (PGMM eq. 14, S13).

    The second is what the first can hope for. Missing: a reference that does not say what it signs (`Video.glosses`), as a
    file cannot: InputError; a dataset's samples do.
    """

    def __init__(self, config: SLRWERConfig, context: Context | None = None) -> None:
        from signcore.registry import registry

        self.config, context = config, context or Context()
        own = replace(context, weights=config.weights)
        self.recognizer = registry.load("recognizer", config.recognizer, own, **config.recognizer_settings)
        self.estimator: Any = None
        if config.estimator is not None:
            self.estimator = registry.load("estimator", config.estimator, replace(context, weights=None))
        self.reset()

    def update(self, prediction: Video, reference: Video) -> None:
        if not reference.glosses:
            raise InputError(
                "reference: does not say which glosses it shows",
                "judge by `signcore evaluate` on a dataset that has glosses",
            )
        for name, video in (("slr-wer", prediction), ("slr-wer-real", reference)):
            seen = video if self.estimator is None else self.estimator.estimate(video)
            hypotheses = self.recognizer.recognize(seen)
            self.by[name].update(hypotheses[0].glosses if hypotheses else [], reference.glosses)

    def compute(self) -> dict[str, float]:
        if not self.by["slr-wer"].values:
            raise InputError("slr-wer: no videos were given")
        return {name: metric.compute()["wer"] for name, metric in self.by.items()}

    def merge(self, other: SLRWER) -> None:
        for name, metric in self.by.items():
            metric.merge(other.by[name])

    def reset(self) -> None:
        self.by = {"slr-wer": WER(), "slr-wer-real": WER()}

    def signature(self) -> str:
        config, count = self.config, len(self.by["slr-wer"].values)
        return f"slr-wer|recognizer:{config.recognizer}|estimator:{config.estimator}|videos:{count}|version:1"
