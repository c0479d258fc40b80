from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    here = "signcore.plugins.synthetic"
    return [
        Component(
            kind="dataset",
            name="synthetic",
            summary="Rendered clips of an articulated 3-D signer, with exact poses and glosses; needs no files.",
            target=f"{here}.dataset:Dataset",
            config=f"{here}.config:DatasetConfig",
        ),
        Component(
            kind="dataset",
            name="synthetic-sentences",
            summary="Continuous signing of the synthetic signer: sentences with glosses, poses and all five tracks; held-out signers.",
            target=f"{here}.sentences:Sentences",
            config=f"{here}.config:SentencesConfig",
        ),
        Component(
            kind="generator",
            name="synthetic",
            summary="Glosses to a video of the synthetic 3-D signer.",
            target=f"{here}.generator:Generator",
            config=f"{here}.config:GeneratorConfig",
            inputs=f"{here}.config:GeneratorInputs",
        ),
        Component(
            kind="generator",
            name="hamnosys",
            summary="HamNoSys to a pose and a video by rules: the synthetic 3-D signer does what the notation says.",
            target=f"{here}.hamnosys.generator:Generator",
            config=f"{here}.config:HamnosysConfig",
            inputs=f"{here}.config:HamnosysInputs",
            output="pose",
        ),
        Component(
            kind="dataset",
            name="hamnosys-rendered",
            summary="HamNoSys notations, drawn or from a file, signed by synthetic signers: poses as an estimator finds them.",
            target=f"{here}.hamnosys.dataset:Dataset",
            config=f"{here}.config:RenderedConfig",
        ),
        Component(
            kind="estimator",
            name="synthetic",
            summary="The exact pose that was written beside a rendering of the synthetic signer.",
            target=f"{here}.estimator:Estimator",
        ),
    ]
