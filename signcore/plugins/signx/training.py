"""Training SignX: Pose2Gloss, then Video2Pose with Pose2Gloss frozen (section 4)."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.contracts import Context, Hypothesis, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.signx import losses
from signcore.plugins.signx.augment import augmented, filmed
from signcore.plugins.signx.config import SignXConfig
from signcore.plugins.signx.recognizer import SignXModel, batch_of, described, hypotheses, load
from signcore.plugins.signx.video import Video2Pose, pose_losses
from signcore.recognition.frames import frames_of, to_network
from signcore.recognition.samples import pose_of
from signcore.recognition.tracks import at_rate, check_known, from_pose
from signcore.recognition.training import Clip, GlossTask
from signcore.recognition.vocabulary import BOS, EOS, PAD, Vocabulary
from signcore.types.tracks import Tracks


class Batch(NamedTuple):
    tracks: dict[str, Tensor]  # by name [B, N, d]
    present: dict[str, Tensor]  # by name bool [B, N]
    absent: Tensor  # bool [B, N], True where padded
    before: Tensor  # int64 [B, L]: BOS and the glosses
    truth: Tensor  # int64 [B, L]: the glosses and EOS; PAD behind
    position: int  # of the batch in the run: seeds the step's own draws


class VideoBatch(NamedTuple):
    frames: Tensor  # [B, N, 3, H, W]
    tracks: dict[str, Tensor]
    present: dict[str, Tensor]
    absent: Tensor


class SignXTask:
    """Stage 1, stage 2, or both, as `stage` says. Stage 2 alone starts from weights of stage 1 (`--weights`)."""

    def __init__(self, config: SignXConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or SignXConfig(), context or Context()
        if self.config.stage == "video" and self.context.weights is None:
            raise ConfigError(
                "stage: video needs a trained Pose2Gloss", "--weights FOLDER, or --set stage=both"
            )
        self._pose = PoseStage(self.config, self.context)
        stages: dict[str, list[Any]] = {
            "pose": [self._pose],
            "video": [VideoStage(self.config, self.context, None)],
            "both": [self._pose, VideoStage(self.config, self.context, self._pose)],
        }
        self._stages = stages[self.config.stage]

    def stages(self) -> list[Any]:
        return self._stages

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._stages[-1], name)


class PoseStage(GlossTask[SignXConfig]):
    """Pose2Gloss (section 4.1)."""

    model: SignXModel
    average: SignXModel

    def __init__(self, config: SignXConfig, context: Context) -> None:
        super().__init__(config, context)
        self.progress = 0.0

    def read(self, sample: Sample) -> Tracks:
        tracks = sample.tracks if sample.tracks is not None else from_pose(pose_of(sample))
        check_known(tracks)
        kept = {n: v for n, v in tracks.features.items() if n in self.config.tracks}
        if not kept:
            raise InputError(f"has none of the tracks {', '.join(self.config.tracks)}")
        return at_rate(Tracks(kept, tracks.fps, {n: tracks.presence[n] for n in kept}), self.config.fps)

    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module:
        if self.context.weights is None:
            return SignXModel(self.config, len(vocabulary), False)
        model, self.config, self.vocabulary = load(self.config, self.context.weights)
        known = Vocabulary(self.vocabulary.glosses)
        for clip in clips:
            known.encode(clip.glosses)
        if known.unknown:
            logging.getLogger("signcore").warning(
                "training part: %s; these weights cannot learn them", known.about_unknown()
            )
        return model

    def collate(self, clips: Sequence[Clip], position: int) -> Batch:
        random, config = self.random(position), self.config
        many = [
            augmented(c.value, random, config.augmentation, config.track_dropout, config.mirroring)
            for c in clips
        ]
        ids = [self.vocabulary.encode(c.glosses)[: config.max_glosses] for c in clips]
        longest = max(map(len, ids)) + 1
        before, truth = (torch.full((len(ids), longest), PAD) for _ in range(2))
        for i, row in enumerate(ids):
            before[i, : len(row) + 1] = torch.tensor([BOS, *row])
            truth[i, : len(row) + 1] = torch.tensor([*row, EOS])
        return Batch(*batch_of(many, config.tracks), before, truth, position)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        config, net = self.config, self.model.pose2gloss
        random = torch.Generator().manual_seed(self.context.seed * 1_000_003 + batch.position)
        read = net.read(batch.tracks, batch.present, batch.absent)
        weights = self.weights()
        codebook = net.decoder.codebook.weight
        found: dict[str, Tensor] = {}
        if weights["noise"] > 0:
            t = torch.randint(config.noise_steps, (len(read.latent),), generator=random).to(
                read.latent.device
            )
            noise = torch.randn(read.latent.shape, generator=random).to(read.latent)
            found["noise"] = net.noise_error(read.latent, batch.absent, t, noise)
        if any(weights[n] > 0 for n in ("text", "word", "ngram")):
            logits = net.decoder(self._before(batch, read, random), read.memory, read.absent)
            if weights["text"] > 0:
                found["text"] = losses.text_loss(logits, batch.truth, config.label_smoothing)
            if weights["word"] > 0:
                found["word"] = losses.word_loss(logits, batch.truth, codebook)
            if weights["ngram"] > 0:
                found["ngram"] = losses.ngram_loss(logits, batch.truth)
        if weights["contrast"] > 0:
            found["contrast"] = losses.contrast_loss(
                net.pooled(read),
                losses.pooled_text(batch.truth, codebook),
                config.contrast_temperature,
                config.contrast_symmetric,
            )
        if weights["ctc"] > 0:
            found["ctc"] = losses.ctc_loss(net.ctc_logits(read), (~read.absent).sum(dim=1), batch.truth)
        learned = dict(net.log_variances.items()) if config.learned_weights else None
        out = losses.weighted(found, weights, learned)
        return {**out, "commitment": net.commitment} if net.quantiser is not None else out

    def weights(self) -> dict[str, float]:
        """lambda of eq. 12 now: that of the noise falls to 0 over the training, as a cosine (Table 2, S3)."""
        config = self.config
        falling = (1 + math.cos(math.pi * self.progress)) / 2
        return {
            "noise": config.noise_weight * falling if falling > 1e-3 else 0.0,
            "text": config.text_weight,
            "word": config.word_weight,
            "contrast": config.contrast_weight,
            "ngram": config.ngram_weight,
            "ctc": config.ctc_weight,
        }

    def _before(self, batch: Batch, read: Any, random: torch.Generator) -> Tensor:
        """The decoder's inputs: a share of the true glosses, the others as the decoder says them itself (S10)."""
        start, end = self.config.teacher_forcing
        share = end + (start - end) * (1 - self.progress)
        if share >= 1:
            return batch.before
        with torch.no_grad():
            said = self.model.pose2gloss.decoder(batch.before, read.memory, read.absent).argmax(dim=-1)
        own = torch.cat([batch.before[:, :1], said[:, :-1]], dim=1)
        true = (torch.rand(own.shape, generator=random) < share).to(own.device)
        return torch.where(true | (batch.before == BOS) | (batch.before == PAD), batch.before, own)

    def decode(self, clip: Clip) -> list[Hypothesis]:
        return hypotheses(self.average.pose2gloss, clip.value, self.vocabulary, self.config)

    def described(self) -> dict[str, Any]:
        return described(self.config, self.vocabulary, self.average.video2pose is not None)


class VideoStage(GlossTask[SignXConfig]):
    """Video2Pose with Pose2Gloss frozen (section 4.2). before: the stage whose Pose2Gloss it takes, or None for that of
    `context.weights`."""

    model: SignXModel
    average: SignXModel

    def __init__(self, config: SignXConfig, context: Context, before: PoseStage | None) -> None:
        super().__init__(config.model_copy(update={"batch": config.video_batch}), context)
        self.before = before

    def read(self, sample: Sample) -> tuple[np.ndarray, Tracks]:
        if sample.video is None:
            raise InputError("has no video")
        tracks = sample.tracks if sample.tracks is not None else from_pose(pose_of(sample))
        check_known(tracks)
        tracks = at_rate(tracks, self.config.fps)
        frames = frames_of(sample.video, self.config.fps, self.config.image_size)
        if abs(len(frames) - len(tracks)) > 1:
            raise InputError(f"tracks of {len(tracks)} frames for a video of {len(frames)}")
        return frames, tracks

    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module:
        if self.before is None:
            model, self.config, self.vocabulary = load(self.config, str(self.context.weights), video=True)
        else:
            model = SignXModel(self.config, len(self.before.vocabulary), True)
            model.pose2gloss.load_state_dict(self.before.average.pose2gloss.state_dict())
            self.vocabulary = self.before.vocabulary
        model.pose2gloss.requires_grad_(False)
        return model

    def collate(self, clips: Sequence[Clip], position: int) -> VideoBatch:
        random, length = self.random(position), self.config.video_clip
        frames, tracks = [], []
        for clip in clips:
            shown, truth = clip.value
            count = min(len(shown), len(truth))
            start = int(random.integers(max(1, count - length + 1)))
            stop = min(start + length, count)
            seen = Tracks(
                {n: v[start:stop] for n, v in truth.features.items()},
                truth.fps,
                {n: v[start:stop] for n, v in truth.presence.items()},
            )
            part, seen = filmed(
                shown[start:stop], seen, random, self.config.augmentation, self.config.mirroring
            )
            frames.append(np.concatenate([part, np.repeat(part[-1:], length - len(part), 0)]))
            tracks.append(seen)
        values, present, absent = batch_of(tracks, self.config.tracks)
        longest = max(len(t) for t in tracks)
        return VideoBatch(to_network(np.stack(frames)[:, :longest]), values, present, absent)

    def losses(self, batch: VideoBatch) -> dict[str, Tensor]:
        self.model.pose2gloss.eval()
        assert self.model.video2pose is not None
        said = self.model.video2pose(batch.frames)
        out = pose_losses(said, batch.tracks, batch.present, self.config.pose_loss == "sum")
        if self.config.reading_weight:
            net, shown = self.model.pose2gloss, ~batch.absent
            with torch.no_grad():
                truth = net.read(batch.tracks, batch.present, batch.absent)
                answers = net.ctc_logits(truth).log_softmax(dim=-1)
            found = net.read(said, dict.fromkeys(said, shown), batch.absent)  # as recognition reads them
            apart = ((found.memory - truth.memory) ** 2).mean(dim=-1)
            astray = F.kl_div(
                net.ctc_logits(found).log_softmax(dim=-1), answers, reduction="none", log_target=True
            )
            weight = self.config.reading_weight
            out["reading"] = weight * apart[~truth.absent].mean()
            out["answers"] = weight * astray.sum(dim=-1)[~truth.absent].mean()
        return out

    def decode(self, clip: Clip) -> list[Hypothesis]:
        tracks = seen_tracks(self.average.video2pose, clip.value[0], self.config)
        return hypotheses(self.average.pose2gloss, tracks, self.vocabulary, self.config)

    def described(self) -> dict[str, Any]:
        return described(self.config, self.vocabulary, True)


def seen_tracks(net: Video2Pose | None, frames: np.ndarray, config: SignXConfig) -> Tracks:
    """Video2Pose on frames uint8 [N, H, W, 3] at `config.fps`."""
    assert net is not None
    said = net(to_network(frames)[None].to(next(net.parameters()).device))
    return Tracks({n: v[0].cpu().numpy() for n, v in said.items()}, config.fps)
