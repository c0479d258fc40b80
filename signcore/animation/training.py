"""Training: two frames of one clip, the first is to become the second (PGMM section 3.3, TPSMM section 3.5)."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from signcore import weights
from signcore.animation import losses
from signcore.animation.clips import Clip, Clips, colours, recoloured
from signcore.animation.evaluation import evaluate, strips
from signcore.animation.generator import Method
from signcore.animation.heatmaps import hand_boxes, mirrored_order, point_names
from signcore.animation.network import Result, channels_last, motion_frame
from signcore.contracts import Context, Dataset
from signcore.errors import ConfigError, InputError
from signcore.nn.anti_alias import ImagePyramid
from signcore.nn.dense_motion import draw_keep
from signcore.nn.thin_plate_spline import ThinPlateSpline
from signcore.nn.thin_plate_spline import random as random_spline
from signcore.nn.vgg import LEAST_SIDE, VGG19
from signcore.presets import describe, trained_config

SCALES = (1.0, 0.5, 0.25, 0.125)
WARM_UP = 0.02  # part of the steps in which the cosine schedule rises
LEAST = 0.01  # of the learning rate, where the cosine ends


class Batch(TypedDict):
    source: Tensor  # [B, 3, H, W] in [0, 1]
    driving: Tensor  # [B, 3, H, W]
    points: Tensor  # [B, P, 2] of the driving frame, in [0, 1]; NaN where missing
    complete: (
        Tensor  # [B, 2, P, 2] of source and driving frame, without gaps, where the motion is made from poses
    )
    boxes: Tensor  # [B, 2, 4] its hands, x0 y0 x1 y1 in [0, 1]; NaN where missing
    position: int  # of the batch in the run: seeds the step's own random draws


class AnimationTask(Method):
    """One stage, one optimiser (Adam over all networks); exports the running average of the weights.

    With `context.weights` training starts from those (fine-tuning); their architecture is taken over. Motion from poses can start
    from weights whose motion came from frames.
    Raises InputError where the dataset has no clip of two frames.
    """

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        self.config, self.context = config or self.config_class(), context or Context()
        tensors: dict[str, Tensor] = {}
        if self.context.weights is not None:
            trained, tensors = weights.read(self.context.weights)
            wanted = self.config
            self.config = trained_config(self.component, wanted, trained, self.context.weights)
            if wanted.by_pose and not self.config.by_pose:
                self.config = self.config.model_copy(
                    update={"preset": wanted.preset, "motion": wanted.motion}
                )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            model = self.network(self.config)
        if tensors:
            if self.config.by_pose:  # from weights whose motion came from frames: keypoints alone begin anew
                own = {k: v for k, v in model.state_dict().items() if k.startswith("keypoint_detector.")}
                if not own.keys() <= tensors.keys():
                    tensors = {
                        k: v for k, v in tensors.items() if not k.startswith("keypoint_detector.")
                    } | own
            weights.load_into(model, tensors, str(self.context.weights))
        self.model = channels_last(model)
        for name in self.config.frozen:
            part = getattr(self.model, name, None)
            if not isinstance(part, nn.Module):
                known = ", ".join(n for n, _ in self.model.named_children())
                raise ConfigError(f"frozen: {self.component} has no part {name!r}", f"its parts: {known}")
            part.requires_grad_(False)
        self.average = (
            copy.deepcopy(self.model).requires_grad_(False) if self.config.averaging else self.model
        )
        self.pyramid = ImagePyramid(SCALES)
        self.vgg: VGG19 | None = None
        if self.config.perceptual_weight:
            self.vgg = VGG19(self.config.vgg_width)
            if self.config.vgg is not None:
                self.vgg.load(self.config.vgg)
        self.optimizer = torch.optim.Adam(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=self.config.learning_rate,
            betas=(0.5, 0.999),
            weight_decay=1e-4,
        )
        self.names = point_names(self.config.points)
        self.dropped = 0.0  # share of the splines that this step drops
        self.holds_background = True  # whether the background loss counts in this step
        self._clips: Clips | None = None

    def stages(self) -> list[AnimationTask]:
        return [self]

    def modules(self) -> dict[str, nn.Module]:
        kept: dict[str, nn.Module] = {"model": self.model, "pyramid": self.pyramid}
        if self.vgg is not None:
            kept["vgg"] = self.vgg
        return {**kept, "average": self.average} if self.config.averaging else kept

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.optimizer}

    def schedule(self, step: int, steps: int) -> None:
        """Learning rate and dropout of transforms, at `step` of `steps` (0 the first)."""
        config, done = self.config, step / steps
        factor = 1.0
        if config.schedule == "milestones":
            factor = 0.1 ** sum(done >= milestone for milestone in (0.6, 0.9))
        elif config.schedule == "cosine":
            fall = (done - WARM_UP) / (1 - WARM_UP)
            falling = LEAST + (1 - LEAST) * (1 + math.cos(math.pi * max(fall, 0))) / 2
            factor = min((step + 1) / max(1, WARM_UP * steps), 1) * falling
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * factor
        # as the public code: it rises at the rate of dropout_max in dropout_rise, from dropout_start on
        rise = config.dropout_start + done / config.dropout_rise * config.dropout_max
        self.dropped = min(rise, config.dropout_max)
        if done >= config.dropout_until:
            self.dropped = 0.0
        self.holds_background = done >= config.background_from

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Batch]:
        clips = self.clips(dataset)
        indices = list(clips.indices["train" if split == "train" else "held-out"])
        position = start
        while indices:
            random = np.random.Generator(np.random.PCG64([self.context.seed, position]))
            yield self.batch(
                [self.pair(clips, indices, random) for _ in range(self.config.batch)], position, random
            )
            position += 1
        raise InputError(f"dataset: has no clip of at least two frames in its split {split!r}")

    def clips(self, dataset: Dataset) -> Clips:
        if self._clips is None or self._clips.dataset is not dataset:
            self._clips = Clips(dataset, self.config)
        return self._clips

    def pair(
        self, clips: Clips, indices: list[int], random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Source frame, driving frame, driving points, and both frames' points without gaps, of a random clip.

        Another one is drawn in place of a clip of one frame, or of one that cannot be read: which they are does not change
        what a resumed run draws.
        """
        while any(index not in clips.skipped for index in indices):
            clip = clips.moving(indices[int(random.integers(len(indices)))])
            if clip is not None:
                a, b = random.choice(len(clip.frames), 2, replace=False)
                return clip.frames[a], clip.frames[b], clip.points[b], clip.complete[[a, b]]
        first = clips.skipped[indices[0]]
        raise InputError(
            f"dataset: none of its {len(indices)} clips can be trained on; the first: {first}",
            getattr(first, "hint", ""),
        )

    def batch(
        self,
        pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
        position: int,
        random: np.random.Generator,
    ) -> Batch:
        source, driving, points, complete = (np.stack(column) for column in zip(*pairs, strict=True))
        if self.config.mirror:
            chosen = random.random(len(pairs)) < 0.5
            source[chosen], driving[chosen] = source[chosen, :, ::-1], driving[chosen, :, ::-1]
            order = mirrored_order(self.names) if self.config.needs_pose else [0]
            edge, flip = np.array([1, 0], np.float32), np.array([-1, 1], np.float32)
            points[chosen] = edge + flip * points[chosen][:, order]
            complete[chosen] = edge + flip * complete[chosen][:, :, order]
        images = [torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255 for frames in (source, driving)]
        if self.config.colour_jitter:
            maps = torch.from_numpy(np.stack([colours(self.config.colour_jitter, random) for _ in pairs]))
            images = [recoloured(image, maps) for image in images]
        images = [image.contiguous(memory_format=torch.channels_last) for image in images]
        return Batch(
            source=images[0],
            driving=images[1],
            points=torch.from_numpy(points),
            complete=torch.from_numpy(complete),
            boxes=torch.from_numpy(hand_boxes(points, self.names)),
            position=position,
        )

    def step(self, batch: Batch, optimizer: str) -> dict[str, Tensor]:
        self.model.train()
        for name in self.config.frozen:
            getattr(self.model, name).eval()
        generator = torch.Generator().manual_seed(self.context.seed * 1_000_003 + batch["position"])
        source = batch["source"]
        deformation = random_spline(len(source), generator=generator, like=source)
        keep = None
        if self.dropped:
            keep = draw_keep(len(source), self.config.transforms, self.dropped, generator).to(source)
        return self.losses(batch, deformation, keep)

    def losses(
        self, batch: Batch, deformation: ThinPlateSpline, keep: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Every weighted term by name. deformation: the equivariance loss's; keep: [B, K+1], transforms that are not dropped."""
        config, model = self.config, self.model
        source, driving = batch["source"], batch["driving"]
        small = motion_frame(driving)
        # one by one, as in TPSMM: batch normalisation sees each kind of frame alone
        of_source, of_driving = batch["complete"].unbind(1)
        source_keypoints, driving_keypoints, deformed_keypoints = (
            model.keypoints(image, points)
            for image, points in (
                (motion_frame(source), of_source),
                (small, of_driving),
                (deformation.image(small), of_driving),
            )
        )
        there = back = None
        if model.background is not None:
            there = model.background(motion_frame(source), small)
            back = model.background(small, motion_frame(source))
        motion = model.move(motion_frame(source), driving_keypoints, source_keypoints, there, keep)
        features = model.appearance(source)
        result = model.generate(source, features, motion, batch["points"])
        told = {}
        with torch.autocast(source.device.type, enabled=False):
            focus = losses.hand_weights(batch["boxes"], source, config.hand_weight)
            focus = focus + config.moving_weight * losses.moving(source, driving)
            made, wanted = self.pyramid(result.prediction), self.pyramid(driving)
            if config.l1_weight:
                told["reconstruction"] = config.l1_weight * losses.reconstruction(made, wanted, focus)
            if self.vgg is not None:
                large = [i for i, image in enumerate(made) if image.shape[-1] >= LEAST_SIDE]
                seen = losses.perceptual(self.vgg, [made[i] for i in large], [wanted[i] for i in large])
                told["perceptual"] = config.perceptual_weight * seen
            if config.drawn_weight and result.drawn is not result.prediction:
                found = losses.reconstruction(self.pyramid(result.drawn), wanted, focus)
                told["drawn"] = config.drawn_weight * found
            if config.ssim_weight:
                told["ssim"] = config.ssim_weight * losses.dissimilarity(result.prediction, driving, focus)
        if config.equivariance_weight:
            terms = model.equivariance(driving_keypoints, deformed_keypoints, deformation)
            told |= {name: config.equivariance_weight * term for name, term in terms.items()}
        if config.warp_weight:
            with torch.no_grad():
                driving_features = model.appearance(driving)
            levels = len(motion.visible)
            found = losses.warping(features[:levels], driving_features[:levels], motion.flow, motion.visible)
            told["warp"] = config.warp_weight * found
        told |= self.more_losses(batch, result)
        if there is not None and back is not None and config.background_weight and self.holds_background:
            told["background"] = config.background_weight * losses.background(there, back)
        return told

    def more_losses(self, batch: Batch, result: Result) -> dict[str, Tensor]:
        """A method's own terms, weighted."""
        return {}

    def clip(self, optimizer: str) -> None:
        """No component of the motion networks' gradients larger than `config.clip` in the maximum norm (TPSMM)."""
        if self.config.clip:
            for network in (self.model.keypoint_detector, self.model.motion, self.model.background):
                if network is not None:
                    nn.utils.clip_grad_norm_(network.parameters(), self.config.clip, norm_type=math.inf)

    @torch.no_grad()
    def updated(self, step: int) -> None:
        """The running average of the weights; it follows fast at first."""
        if not self.config.averaging:
            return
        decay = min(self.config.averaging, (1 + step) / (10 + step))
        here, there = self.model.state_dict(), self.average.state_dict()
        for name, value in there.items():
            if value.is_floating_point():
                value.lerp_(here[name], 1 - decay)
            else:
                value.copy_(here[name])

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        clips = self.clips(dataset)
        return evaluate(self.average, self.held_out(clips), self.trained_on(clips), self.names)

    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        return strips(self.average, self.held_out(self.clips(dataset))[:4])

    def held_out(self, clips: Clips) -> list[Clip]:
        indices = clips.indices["held-out"] or clips.indices["train"]
        found = (clips.moving(i) for i in indices)
        return list(itertools.islice((c for c in found if c is not None), self.config.evaluate_clips))

    def trained_on(self, clips: Clips) -> Iterator[Clip]:
        indices = clips.indices["train"]
        count = min(len(indices), self.config.nearest_clips)
        found = (clips.moving(indices[i * len(indices) // count]) for i in range(count))
        return (c for c in found if c is not None)

    def about(self) -> dict[str, Any]:
        return {
            "perceptual": None if self.vgg is None else self.vgg.source,
            "left_out": [] if self._clips is None else self._clips.left_out(),
        }

    def export(self, folder: Path) -> None:
        base = self.context.weights if self.config.frozen else None
        about = describe(self.component, self.config)
        weights.save(folder, about, self.average.state_dict(), half=True, base=base)
