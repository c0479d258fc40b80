from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.lmt"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="lmt",
            summary="A gloss and a still image to a signing video (latent motion transformer, LMT).",
            target=f"{_HERE}.generator:LMT",
            config=f"{_HERE}.config:LMTConfig",
            inputs=f"{_HERE}.config:LMTInputs",
            task=f"{_HERE}.training:LMTTask",
            metrics=("fvd", "tcd"),
        ),
        Component(
            kind="generator",
            name="videogpt",
            summary="LMT's rival in the same frame: VQ-VAE with axial attention and a causal prior (VideoGPT).",
            target=f"{_HERE}.generator:VideoGPT",
            config=f"{_HERE}.config:VideoGPTConfig",
            inputs=f"{_HERE}.config:LMTInputs",
            task=f"{_HERE}.training:VideoGPTTask",
            metrics=("fvd", "tcd"),
        ),
        Component(
            kind="generator",
            name="pose-route",
            summary="Baseline: a gloss to the pose of a training clip, and that to a video of the picture's person.",
            target=f"{_HERE}.baselines:PoseRoute",
            config=f"{_HERE}.config:PoseRouteConfig",
            inputs=f"{_HERE}.config:GlossInputs",
            metrics=("fvd", "tcd"),
        ),
        Component(
            kind="generator",
            name="real-frames",
            summary="Upper bound: the real clip at LMT's size and with its frames.",
            target=f"{_HERE}.baselines:RealFrames",
            config=f"{_HERE}.config:RealFramesConfig",
            inputs=f"{_HERE}.config:RealFramesInputs",
            metrics=("fvd", "tcd"),
        ),
        Component(
            kind="recognizer",
            name="clip-frames",
            summary="A small network over frames: one sign a clip; it judges videos in which no pose can be found.",
            target=f"{_HERE}.judge:ClipFrames",
            config=f"{_HERE}.config:ClipFramesConfig",
            task=f"{_HERE}.judge:ClipFramesTask",
        ),
        Component(
            kind="metric",
            name="slr-acc",
            summary="Share of generated videos in which a recognizer reads the wanted gloss, beside that of real ones.",
            target=f"{_HERE}.slr_acc:SLRAcc",
            config=f"{_HERE}.config:SLRAccConfig",
            output="video",
        ),
    ]
