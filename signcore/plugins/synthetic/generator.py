from __future__ import annotations

from signcore.contracts import Context
from signcore.plugins.synthetic.clip import Clip
from signcore.plugins.synthetic.config import GeneratorConfig, GeneratorInputs
from signcore.plugins.synthetic.signer import Signer
from signcore.types.video import Video


class Generator:
    """Glosses to a video of the synthetic signer; frames are rendered when they are read."""

    def __init__(self, config: GeneratorConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or GeneratorConfig(), context or Context()

    def generate(self, inputs: GeneratorInputs) -> Video:
        """Raises InputError for a gloss that the lexicon lacks. The video carries its exact pose."""
        c = self.config
        glosses = inputs.gloss.upper().split()
        return Clip(
            glosses, Signer.sample(c.signer), c.width, c.height, c.fps, rest=c.rest, variant=self.context.seed
        ).video()
