"""A recognizer that sees frames alone: it judges generated videos where no pose can be estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore import weights
from signcore.animation.frames import fit_frame, to_bytes
from signcore.contracts import Context, Hypothesis, Sample
from signcore.errors import InputError
from signcore.plugins.lmt.config import ClipFramesConfig
from signcore.presets import describe, trained_config
from signcore.recognition.training import Clip, GlossTask
from signcore.recognition.vocabulary import Vocabulary
from signcore.types.video import Video

COMPONENT = "clip-frames"
BLANK = 1.0  # grey levels that some frame must vary by to show anybody
COLOURS = 0.3  # spread of brightness and of each colour's strength in training


class FramesModel(nn.Module):
    """uint8 [B, T, H, W, 3] -> logits [B, glosses]: every frame and its difference from the first through convolutions, then
    convolutions over time too; the last layer sees what was where and when."""

    def __init__(self, config: ClipFramesConfig, glosses: int) -> None:
        super().__init__()
        w = config.width

        def flat(count: int, made: int, kernel: int) -> list[nn.Module]:
            conv = nn.Conv2d(count, made, kernel, 2, kernel // 2, bias=False)
            return [conv, nn.BatchNorm2d(made), nn.ReLU()]

        def deep(count: int, made: int, stride: tuple[int, int, int]) -> list[nn.Module]:
            return [nn.Conv3d(count, made, 3, stride, 1, bias=False), nn.BatchNorm3d(made), nn.ReLU()]

        self.frames = nn.Sequential(*flat(6, w, 5), *flat(w, 2 * w, 3), *flat(2 * w, 3 * w, 3))
        self.clip = nn.Sequential(*deep(3 * w, 4 * w, (2, 2, 2)), *deep(4 * w, 4 * w, (2, 1, 1)))
        cells = -(-config.frames // 4) * (-(-config.size // 16)) ** 2
        self.last = nn.Sequential(nn.Flatten(), nn.Dropout(config.dropout), nn.Linear(4 * w * cells, glosses))

    def forward(self, frames: Tensor) -> Tensor:
        x = frames if frames.is_floating_point() else frames.float() / 255
        x = x.permute(0, 1, 4, 2, 3) - 0.5  # [B, T, 3, H, W]
        x = torch.cat([x, 2 * (x - x[:, :1])], 2)
        B, T = x.shape[:2]
        x = self.frames(x.flatten(0, 1)).unflatten(0, (B, T)).transpose(1, 2)
        said: Tensor = self.last(self.clip(x))
        return said


class Batch(NamedTuple):
    frames: Tensor  # float [B, T, H, W, 3] in about [0, 1]
    labels: Tensor  # int64 [B]


def read_frames(video: Video | None, config: ClipFramesConfig) -> np.ndarray:  # uint8 [T, size, size, 3]
    """A video of `config.frames` frames as it is; of another length, its first frame held `config.held` times, then frames spread over it."""
    if video is None or len(video) == 0:
        raise InputError("video: has no frames")
    wanted = np.arange(config.frames)
    if len(video) != config.frames:
        moving = np.linspace(0, len(video) - 1, config.frames - config.held + 1).round().astype(int)
        wanted = np.concatenate([np.zeros(config.held - 1, int), moving])
    made = {
        int(i): to_bytes(fit_frame(video[int(i)], config.size, "crop")[None])[0] for i in np.unique(wanted)
    }
    return np.stack([made[int(i)] for i in wanted])


class ClipFrames:
    """One sign a clip, read from its frames alone; hypotheses are glosses with their log-probabilities, best first."""

    takes = ("video",)

    def __init__(self, config: ClipFramesConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or ClipFramesConfig(), context or Context()
        source = weights.find(self.context.weights, "recognizer", COMPONENT, config.preset)
        trained, tensors = weights.read(source)
        self.config = trained_config(COMPONENT, config, trained, source, kind="recognizer")
        self.glosses = [str(gloss) for gloss in trained.get("glosses", [])]
        self.model = FramesModel(self.config, len(self.glosses))
        weights.load_into(self.model, tensors, source)
        self.model.eval().requires_grad_(False).to(self.context.device)

    def recognize(self, sample: Any) -> list[Hypothesis]:
        if not isinstance(sample, Video):
            raise InputError(f"{COMPONENT}: reads videos, not {type(sample).__name__}")
        frames = read_frames(sample, self.config)
        if frames.std(axis=(1, 2)).max() < BLANK:
            return [Hypothesis([], 0.0)]
        return decode(self.model, frames, self.glosses, len(sample) / sample.fps)


def decode(model: nn.Module, frames: np.ndarray, glosses: Sequence[str], seconds: float) -> list[Hypothesis]:
    """The frames and their mirror image, averaged."""
    both = torch.from_numpy(np.stack([frames, frames[:, :, ::-1]])).to(next(model.parameters()).device)
    with torch.inference_mode():
        table = model(both).float().log_softmax(-1).mean(0).log_softmax(-1).cpu().numpy()
    order = np.argsort(-table, kind="stable")
    return [Hypothesis([glosses[i]], min(float(table[i]), 0.0), [(0.0, seconds)]) for i in order]


class ClipFramesTask(GlossTask[ClipFramesConfig]):
    """Cross-entropy on clips that are shifted, mirrored and recoloured at random."""

    def __init__(self, config: ClipFramesConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or ClipFramesConfig(), context)

    def read(self, sample: Sample) -> np.ndarray:
        if len(sample.glosses or []) != 1:
            raise InputError("has several glosses")
        return read_frames(sample.video, self.config)

    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module:
        return FramesModel(self.config, len(vocabulary.glosses))

    def collate(self, clips: Sequence[Clip], position: int) -> Batch:
        random, far = self.random(position), max(1, self.config.size // 12)
        frames = []
        for clip in clips:
            moved = clip.value if random.random() < 0.5 else clip.value[:, :, ::-1]
            down, right = random.integers(-far, far + 1, 2)
            frames.append(_shifted(moved, int(down), int(right)))
        colours = 1 + random.uniform(-COLOURS, COLOURS, (len(clips), 1, 1, 1, 3))
        colours = colours * (1 + random.uniform(-COLOURS, COLOURS, (len(clips), 1, 1, 1, 1)))
        number = {gloss: i for i, gloss in enumerate(self.vocabulary.glosses)}
        bright = torch.from_numpy(np.stack(frames)).float() / 255 * torch.from_numpy(colours).float()
        return Batch(bright, torch.tensor([number[c.glosses[0]] for c in clips]))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.model(batch.frames).float()
        return {"cross-entropy": F.cross_entropy(logits, batch.labels, label_smoothing=0.1)}

    def decode(self, clip: Clip) -> list[Hypothesis]:
        return decode(self.average, clip.value, self.vocabulary.glosses, 1.0)

    def described(self) -> dict[str, Any]:
        return describe(COMPONENT, self.config, kind="recognizer", glosses=self.vocabulary.glosses)


def _shifted(frames: np.ndarray, down: int, right: int) -> np.ndarray:
    """By so many pixels; the border's pixels are repeated."""
    far = max(abs(down), abs(right))
    wide = np.pad(frames, ((0, 0), (far, far), (far, far), (0, 0)), mode="edge")
    size = frames.shape[1]
    return wide[:, far - down : far - down + size, far - right : far - right + size]
