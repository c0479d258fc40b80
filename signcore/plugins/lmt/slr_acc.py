"""slr-acc: does a recognizer read the wanted gloss in a generated video (LMT section 4.1)?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.lmt.config import SLRAccConfig
from signcore.types.video import Video

MANY = 5  # top-5


class SLRAcc:
    """Top-1 and top-5 accuracy, in per cent, of a recognizer on the predicted videos (`slr-acc`, `slr-acc-top5`) and on the
    references (`slr-acc-real`, `slr-acc-real-top5`), and the first's share of the second (`slr-acc-share`).

    Missing: a reference that does not say its gloss (`Video.glosses`) cannot be judged by: InputError.
    """

    def __init__(self, config: SLRAccConfig, context: Context | None = None) -> None:
        self.config = config
        self.recognizer = load(
            config.recognizer, config.weights, config.recognizer_settings, context or Context()
        )
        self.reset()

    def update(self, prediction: Video, reference: Video) -> None:
        gloss = wanted(reference)
        for which, video in (("slr-acc", prediction), ("slr-acc-real", reference)):
            self.places[which].append(place(self.recognizer, video, gloss))

    def compute(self) -> dict[str, float]:
        if not self.places["slr-acc"]:
            raise InputError("slr-acc: no videos were given")
        told = {
            name: value
            for which, found in self.places.items()
            for name, value in shares(which, found).items()
        }
        return {**told, "slr-acc-share": told["slr-acc"] / max(told["slr-acc-real"], 1e-9)}

    def merge(self, other: SLRAcc) -> None:
        for which, found in other.places.items():
            self.places[which] += found

    def reset(self) -> None:
        self.places: dict[str, list[int]] = {"slr-acc": [], "slr-acc-real": []}

    def signature(self) -> str:
        return f"slr-acc|recognizer:{self.config.recognizer}|videos:{len(self.places['slr-acc'])}|version:1"


def load(name: str, weights: str | None, settings: dict[str, Any], context: Context) -> Any:
    from signcore.registry import registry

    return registry.load("recognizer", name, replace(context, weights=weights), **settings)


def wanted(reference: Video) -> str:
    if not reference.glosses:
        raise InputError(
            "reference: does not say which gloss it shows", "use a generator that reads glosses, as lmt"
        )
    return " ".join(reference.glosses)


def place(recognizer: Any, video: Video, gloss: str) -> int:
    """Where the gloss stands among the hypotheses, from 0; their number where it is not among them."""
    found = [" ".join(h.glosses) for h in recognizer.recognize(video)]
    return found.index(gloss) if gloss in found else max(len(found), MANY)


def shares(which: str, places: Sequence[int]) -> dict[str, float]:
    at = np.asarray(places)
    return {which: 100 * float((at < 1).mean()), f"{which}-top5": 100 * float((at < MANY).mean())}


def accuracy(
    which: str,
    videos: Sequence[np.ndarray],  # uint8 [T, H, W, 3] each
    rates: Sequence[float],
    glosses: Sequence[str],
    recognizer: str,
    weights: str | None,
    context: Context,
) -> dict[str, float]:
    judge = load(recognizer, weights, {}, context)
    made = [Video.from_array(frames, fps) for frames, fps in zip(videos, rates, strict=True)]
    return shares(which, [place(judge, video, gloss) for video, gloss in zip(made, glosses, strict=True)])
