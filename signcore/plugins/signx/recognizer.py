"""SignX as a recognizer: tracks, a pose or a video to glosses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pose_format import Pose
from torch import Tensor, nn

from signcore import weights
from signcore.contracts import Context, Hypothesis
from signcore.errors import ArgumentError, InputError, WeightsError
from signcore.plugins.signx import decoding
from signcore.plugins.signx.config import VIDEO2POSE, SignXConfig
from signcore.plugins.signx.model import Pose2Gloss, Read
from signcore.plugins.signx.video import Video2Pose
from signcore.presets import describe, trained_config
from signcore.recognition import ctc
from signcore.recognition.frames import frames_of, to_network
from signcore.recognition.samples import has_pose, pose_of
from signcore.recognition.streams import transcribe, video_chunks
from signcore.recognition.tracks import WIDTHS, at_rate, check_known, from_pose
from signcore.recognition.vocabulary import PAD, Vocabulary
from signcore.types import Video
from signcore.types.tracks import Tracks

LONG = 4  # windows from which on a video is read a window at a time
CHUNK = 64  # frames that the vision transformer sees at a time
STILL = (
    4.0  # grey levels: a video none of whose places ever differs more from its mean shows nobody who signs
)


class SignX:
    """SignX (section 3): Pose2Gloss on tracks or a pose, Video2Pose and Pose2Gloss on a video.

    `recognize` gives the best hypotheses with the time of every gloss, best first. A track that the clip lacks is zeros and
    marked absent. A clip with nobody in it gives one empty hypothesis. A video is read by its own pose or the .pose beside it, where
    there is one, else by its pixels (`see`); a long one a window at a time, so that memory is bounded. Raises InputError for a
    track of another width and where none is known, WeightsError where pixels are to be read and the weights have no Video2Pose.
    """

    takes: tuple[str, ...] = ("tracks", "pose", "video")

    def __init__(self, config: SignXConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or SignXConfig(), context or Context()
        source = weights.find(self.context.weights, "recognizer", "signx", config.preset)
        model, self.config, self.vocabulary = load(config, source)
        self.model = model.eval().requires_grad_(False).to(self.context.device)
        if self.config.see == "pixels":
            self.takes = ("video",)

    def recognize(self, sample: Video | Pose | Tracks) -> list[Hypothesis]:
        if isinstance(sample, Video) and sample.seconds > LONG * self.config.window and not has_pose(sample):
            *_, whole = self.stream(video_chunks(sample))
            return [whole]
        try:
            tracks = self.tracks_of(sample)
        except InputError as error:
            if "no frame shows a person" in str(error):
                return [Hypothesis([], 0.0, [])]
            raise
        return hypotheses(self.model.pose2gloss, tracks, self.vocabulary, self.config, self.context.seed)

    def tracks_of(self, sample: Video | Pose | Tracks) -> Tracks:
        """The tracks that Pose2Gloss reads of a sample, at `fps`."""
        if isinstance(sample, Tracks):
            tracks = sample
        elif isinstance(sample, Pose):
            tracks = from_pose(sample)
        elif self.config.see == "pixels" or (self.config.see == "auto" and not has_pose(sample)):
            return self.seen(sample)
        else:
            tracks = from_pose(pose_of(sample))
        check_known(tracks)
        known = [n for n in tracks.features if n in self.config.tracks]
        if not known:
            raise InputError(
                f"tracks: none of {', '.join(tracks.features) or 'nothing'} is known to these weights",
                f"they read {', '.join(self.config.tracks)}",
            )
        return at_rate(tracks, self.config.fps)

    def seen(self, video: Video) -> Tracks:
        """What Video2Pose makes of a video."""
        if not len(video):
            raise InputError("video: holds no frames")
        if self.model.video2pose is None:
            raise WeightsError(
                "signx: these weights have no Video2Pose, and the video has no pose",
                "give --pose or --estimator, or train it with --set stage=video",
            )
        frames = frames_of(video, self.config.fps, self.config.image_size)
        if not _moves(frames, self.config.patch):
            raise InputError("video: nothing moves, so no frame shows a person who signs")
        with torch.inference_mode():
            rows = [
                self.model.video2pose.seen(to_network(frames[i : i + CHUNK]).to(self.context.device))
                for i in range(0, len(frames), CHUNK)
            ]
            said = self.model.video2pose.told(torch.cat(rows)[None])
        features = {n: v[0].float().cpu().numpy() for n, v in said.items()}
        return Tracks(features, self.config.fps)

    def stream(self, chunks: Iterable[Any]) -> Iterator[Hypothesis]:
        """Chunks of frames as they come, each Video, Pose or Tracks, to the sentence so far, after every chunk that is enough
        to look again. Memory: one window of frames, and the transcript. See `signcore.recognition.streams`."""
        return transcribe(self.recognize, chunks, self.config.window, self.config.hop)


def _moves(frames: np.ndarray, patch: int) -> bool:  # uint8 [N, S, S, 3]
    """Whether the mean of any patch ever leaves its mean over time; a camera's noise does not."""
    count, side = len(frames), frames.shape[1] // patch
    places = frames.reshape(count, side, patch, side, patch, 3).mean(axis=(2, 4, 5))
    return bool(np.abs(places - places.mean(axis=0)).max() > STILL)


class SignXModel(nn.Module):
    def __init__(self, config: SignXConfig, classes: int, video: bool) -> None:
        super().__init__()
        self.pose2gloss = Pose2Gloss(config, classes)
        self.video2pose = Video2Pose(config) if video else None


def batch_of(
    many: list[Tracks], names: tuple[str, ...]
) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """(tracks by name [B, N, d], presence by name [B, N], absent [B, N]) of clips at one rate, padded with zeros."""
    longest = max(len(t) for t in many)
    absent = torch.ones(len(many), longest, dtype=torch.bool)
    values = {n: torch.zeros(len(many), longest, WIDTHS[n]) for n in names}
    present = {n: torch.zeros(len(many), longest, dtype=torch.bool) for n in names}
    for i, tracks in enumerate(many):
        absent[i, : len(tracks)] = False
        for n in names:
            if n in tracks.features:
                there = tracks.presence[n]
                values[n][i, : len(tracks)] = torch.from_numpy(
                    np.where(there[:, None], tracks.features[n], 0).astype(np.float32)
                )
                present[n][i, : len(tracks)] = torch.from_numpy(there)
    return values, present, absent


def hypotheses(
    model: Pose2Gloss, tracks: Tracks, vocabulary: Vocabulary, config: SignXConfig, seed: int = 0
) -> list[Hypothesis]:
    """The best sentences for tracks at `config.fps`, best first; a score is the log-probability after the length's penalty (S11)."""
    device = next(model.parameters()).device
    values, present, absent = batch_of([tracks], config.tracks)
    if not any(there.any() for there in present.values()):
        return [Hypothesis([], 0.0, [])]
    with torch.inference_mode():
        read = model.read(
            {n: v.to(device) for n, v in values.items()},
            {n: v.to(device) for n, v in present.items()},
            absent.to(device),
        )
        logs = model.ctc_logits(read)[0].log_softmax(dim=-1).double().cpu()
        found = _sentences(model, read, logs, config, seed)
    a_step = len(tracks) / config.fps / len(logs)
    out = []
    for ids, score in found[: config.hypotheses]:
        out.append(
            Hypothesis(vocabulary.decode(ids), min(score, 0.0), _times(logs.numpy(), ids, a_step, config))
        )
    return out


def _sentences(
    model: Pose2Gloss, read: Read, logs: Tensor, config: SignXConfig, seed: int
) -> list[tuple[tuple[int, ...], float]]:
    if config.decoder == "ctc":
        return [(r.ids, r.score) for r in _by_ctc(logs, config)]

    def step(tokens: Tensor) -> Tensor:
        many = len(tokens)
        memory, absent = read.memory.expand(many, -1, -1), read.absent.expand(many, -1)
        logits: Tensor = model.decoder(tokens, memory, absent)[:, -1]
        return logits

    device = read.memory.device
    if config.decoder == "sample":
        said = [
            decoding.sample(
                step,
                longest=config.max_glosses,
                top_k=config.top_k,
                top_p=config.top_p,
                temperature=config.temperature,
                repetition_penalty=config.repetition_penalty,
                generator=torch.Generator().manual_seed(seed),
                device=device,
            )
        ]
    else:
        said = decoding.beam_search(
            step,
            width=config.beam,
            longest=config.max_glosses,
            length_penalty=config.length_penalty,
            temperature=config.temperature,
            repetition_penalty=config.repetition_penalty,
            device=device,
        )
    if config.ctc_share == 0:
        return [(s.ids, s.score) for s in said]
    candidates = {s.ids for s in said} | {r.ids for r in _by_ctc(logs, config)}
    share = config.ctc_share  # both as they were learned: the temperature is the search's alone
    scored = []
    for ids in candidates:
        by_frames = decoding.ctc_log_probability(logs, ids)
        by_decoder = decoding.sentence_log_probability(
            lambda t: model.decoder(t, read.memory, read.absent), ids, 1.0, device
        )
        total = share * by_frames + (1 - share) * by_decoder
        scored.append((total / (len(ids) + 1) ** config.length_penalty, ids))
    scored.sort(key=lambda s: (-s[0], s[1]))
    return [(ids, score) for score, ids in scored[: config.beam]]


class _Ids:
    def __init__(self, ids: tuple[int, ...], score: float) -> None:
        self.ids, self.score = ids, score


def _by_ctc(logs: Tensor, config: SignXConfig) -> list[_Ids]:
    readings = ctc.beam_search(logs.numpy(), config.beam, PAD)
    return [_Ids(tuple(r.labels), r.score) for r in readings]


def _times(
    logs: np.ndarray, ids: tuple[int, ...], a_step: float, config: SignXConfig
) -> list[tuple[float, float]] | None:
    """By the frames' likeliest alignment; None where the frames were not trained to tell."""
    if config.ctc_weight == 0:
        return None
    try:
        spans = ctc.alignment(logs, ids, PAD)
    except ArgumentError:  # more glosses than steps
        return None
    return [(a * a_step, (b + 1) * a_step) for a, b in spans]


def described(config: SignXConfig, vocabulary: Vocabulary, video: bool) -> dict[str, Any]:
    return describe(
        "signx",
        config,
        kind="recognizer",
        glosses=vocabulary.glosses,
        parts=["pose2gloss", *(["video2pose"] if video else [])],
    )


def load(
    config: SignXConfig, source: str | Path, *, video: bool | None = None
) -> tuple[SignXModel, SignXConfig, Vocabulary]:
    """(model, its settings, its vocabulary) of weights. video: True adds a new Video2Pose where the weights have none."""
    trained, tensors = weights.read(source)
    if "video2pose" not in trained.get("parts", ()):  # what it would look like is free
        settings = {k: v for k, v in trained.get("settings", {}).items() if k not in VIDEO2POSE}
        trained = {**trained, "settings": settings}
    config = trained_config("signx", config, trained, source, kind="recognizer")
    try:
        vocabulary = Vocabulary(trained["glosses"])
        has_video = "video2pose" in trained["parts"]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{source}: its config names no glosses or parts ({error})") from error
    model = SignXModel(config, len(vocabulary), has_video)
    weights.load_into(model, tensors, str(source))
    if video and model.video2pose is None:
        model.video2pose = Video2Pose(config)
        if config.vit_weights is not None:
            model.video2pose.vit.load_public(weights.read(config.vit_weights)[1], config.vit_weights)
    return model, config, vocabulary
