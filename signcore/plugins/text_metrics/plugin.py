from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.text_metrics"
_METRICS = (
    ("wer", "WER", "WERConfig", "Word error rate of glosses, with substitutions, deletions and insertions."),
    ("bleu", "BLEU", "BLEUConfig", "BLEU-1 to BLEU-4 of glosses, and the best sentence's."),
    ("chrf", "CHRF", "CHRFConfig", "chrF: overlap of character runs."),
    ("rouge-l", "ROUGEL", "ROUGEConfig", "ROUGE-L: the longest common subsequence."),
    ("top", "Top", "TopConfig", "Whether the truth is among the n best hypotheses."),
)


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="metric",
            name=name,
            summary=summary,
            target=f"{_HERE}.metrics:{target}",
            config=f"{_HERE}.config:{config}",
            output="glosses",
        )
        for name, target, config, summary in _METRICS
    ]
