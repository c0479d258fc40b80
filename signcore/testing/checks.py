"""The checks by kind. A check takes a Subject; it returns, or raises AssertionError with one line, or Skip."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
import types
import typing
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from signcore.component import Component
from signcore.discovery import PluginRecord
from signcore.errors import InputError, SigncoreError
from signcore.testing.kit import Check, Skip, Subject
from signcore.types.video import pose_frames

HEAVY = ("torch", "numba", "av", "cv2", "mediapipe", "onnxruntime", "tensorflow")
LIMITS = ("ge", "gt", "le", "lt", "multiple_of")
SPLITS = (None, "train", "validation", "val", "dev", "test")
ROUNDING = 2  # grey levels by which frames made in other batches may differ
DECLARATION: dict[str, Check] = {}
KINDS: dict[str, dict[str, Check]] = {
    k: {} for k in ("estimator", "generator", "recognizer", "metric", "dataset")
}


def of(*kinds: str) -> Callable[[Check], Check]:
    """Register a check under its function's name, with dashes; without kinds it is one of the declaration."""

    def register(work: Check) -> Check:
        for table in [KINDS[kind] for kind in kinds] or [DECLARATION]:
            table[work.__name__.replace("_", "-")] = work
        return work

    return register


# --- the declaration ---------------------------------------------------------------------------------------------------------


@of()
def imports_light(s: Subject) -> None:
    """The declaration, config and inputs import nothing heavy."""
    of_all = [r for r in s.registry.plugins if r.distribution == s.record.distribution]
    heavy = _imported(_light_modules([(r, c) for r in of_all for c in r.components])) if of_all else ("?",)
    if heavy:  # somebody's: whose?
        heavy = _imported(_light_modules([(s.record, s.component)]))
    assert not heavy, f"declaration or config imports {', '.join(heavy)}; move those imports into the target"


def _light_modules(of: list[tuple[PluginRecord, Component]]) -> tuple[str, ...]:
    """The modules that are read without using a component: declarations, configs and inputs."""
    targets = [t for _, c in of for t in (c.config, c.inputs) if t]
    return tuple(sorted({r.module for r, _ in of if r.module} | {t.partition(":")[0] for t in targets}))


@cache
def _imported(modules: tuple[str, ...]) -> tuple[str, ...]:
    path = f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}"
    names = f"print(*[m for m in {HEAVY!r} if m in sys.modules])"
    program = "; ".join([path, *(f"import {m}" for m in modules), names])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"cannot be imported alone: {(done.stderr.splitlines() or [''])[-1]}"
    return tuple(done.stdout.split())


@of()
def targets_resolve(s: Subject) -> None:
    for name in ("target", "config", "inputs", "task"):
        target = getattr(s.component, name)
        if target is not None:
            s.resolve(target)


@of()
def settings_documented(s: Subject) -> None:
    """Every setting says what it does; every number has bounds."""
    if s.component.config is None:
        raise Skip("has no settings")
    for name, field in s.resolve(s.component.config).model_fields.items():
        assert field.description, f"setting {name}: has no description"
        unions = (typing.Union, types.UnionType)
        either = typing.get_origin(field.annotation) in unions
        kinds = typing.get_args(field.annotation) if either else (field.annotation,)
        if any(k in (int, float) for k in kinds):
            bounded = any(getattr(m, limit, None) is not None for m in field.metadata for limit in LIMITS)
            assert bounded, f"setting {name}: is a number without bounds (ge, gt, le or lt)"


@of()
def config_pickles(s: Subject) -> None:
    config = _config(s)
    assert pickle.loads(pickle.dumps(config)) == config, "config: comes back from pickle as another"


def _config(s: Subject) -> Any:
    from signcore.errors import ConfigError

    if s.component.config is None:
        raise Skip("has no settings")
    try:
        return s.config
    except ConfigError as error:
        raise Skip(f"needs settings: {error}") from error


@of()
def unknown_settings_refused(s: Subject) -> None:
    config = _config(s)
    try:
        type(config)(**{**config.model_dump(), "no_such_setting": 1})
    except ValueError:
        return
    raise AssertionError('config: takes settings that it does not know; set extra="forbid"')


# --- what they work on -------------------------------------------------------------------------------------------------------


def _video(s: Subject) -> Any:
    return s.inputs.get("video") or s.examples["driving"]


def _black(video: Any, frames: int | None = None) -> Any:
    from signcore.types import Video

    return Video.from_array(
        np.zeros((frames or len(video), video.height, video.width, 3), np.uint8), video.fps
    )


def _hidden(pose: Any) -> Any:
    """The pose of nobody: every point missing."""
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    data: Any = np.ma.masked_array(np.zeros(pose.body.data.shape, np.float32), mask=True)
    body = NumPyPoseBody(pose.body.fps, data, np.zeros(pose.body.confidence.shape, np.float32))
    return Pose(pose.header, body)


def _cut(value: Any) -> Any:
    """Two frames, or one gloss, less."""
    return (
        pose_frames(value, range(len(value.body.data) - 2)) if type(value).__name__ == "Pose" else value[:-1]
    )


def _doubled(pose: Any) -> Any:
    """The pose in float64."""
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    body = NumPyPoseBody(
        pose.body.fps, pose.body.data.astype(np.float64), np.asarray(pose.body.confidence, np.float64)
    )
    return Pose(pose.header, body)


def _first(value: Any) -> Any:
    """One frame of a video or a pose; other values as they are."""
    kind = type(value).__name__
    if kind == "Video":
        return value[:1]
    return pose_frames(value, range(1)) if kind == "Pose" else value


def digest(value: Any) -> str:
    """Of what a value holds: equal for equal products."""
    found = hashlib.sha256()

    def add(item: Any) -> None:
        kind = type(item).__name__
        if kind == "Video":
            found.update(f"{item.fps:.6f}".encode())
            for frame in item:
                found.update(np.ascontiguousarray(frame).tobytes())
            add(item.pose)
        elif kind == "Pose":
            body = item.body
            mask = np.ma.getmaskarray(body.data)
            found.update(f"{float(body.fps):.6f}".encode())
            found.update(np.where(mask, 0, np.ma.getdata(body.data)).tobytes() + mask.tobytes())
            found.update(np.asarray(np.ma.filled(body.confidence, 0)).tobytes())
        elif kind == "Image":
            found.update(item.array.tobytes())
        elif isinstance(item, dict):
            for key in sorted(item):
                found.update(str(key).encode())
                add(item[key])
        elif isinstance(item, (list, tuple)):
            for part in item:
                add(part)
        elif hasattr(item, "model_fields_set"):
            add({name: getattr(item, name) for name in type(item).model_fields})
        else:
            found.update(repr(item).encode())

    add(value)
    return found.hexdigest()


def _done_or_told(work: Callable[[], Any], what: str) -> Any:
    """work(), or None where it refused with one line of ours."""
    told = ""
    try:
        return work()
    except Skip:
        raise
    except SigncoreError as error:
        told = error.line()
    except Exception as error:
        line = (str(error).splitlines() or [""])[0]
        raise AssertionError(
            f"{what}: raised {type(error).__name__} ({line}); refuse it with a SigncoreError"
        ) from error
    assert told.strip("; "), f"{what}: is refused without a word"
    return None


# --- estimators --------------------------------------------------------------------------------------------------------------


def _estimated(s: Subject, video: Any = None) -> tuple[Any, Any]:
    video = _video(s) if video is None else video
    estimator = s.make()
    try:
        made = estimator.estimate(video)
    except InputError as error:
        raise Skip(f"refuses the clip ({error.line()}); give inputs={{'video': ...}}") from error
    if s.component.output != "pose":
        raise Skip(f"makes {s.component.output}")
    return video, made


@of("estimator")
def frames_and_rate_match(s: Subject) -> None:
    video, pose = _estimated(s)
    assert len(pose.body.data) == len(video), f"{len(pose.body.data)} frames for a video of {len(video)}"
    assert abs(float(pose.body.fps) - video.fps) < 0.01, f"fps {pose.body.fps} for a video of {video.fps}"


@of("estimator")
def size_matches(s: Subject) -> None:
    video, pose = _estimated(s)
    size = pose.header.dimensions.width, pose.header.dimensions.height
    assert size == (video.width, video.height), (
        f"header says {size}, the video is {video.width} x {video.height}"
    )


@of("estimator")
def points_in_pixels(s: Subject) -> None:
    video, pose = _estimated(s)
    points = np.ma.filled(pose.body.data.astype(float), np.nan)[..., :2]
    seen = points[np.isfinite(points).all(axis=-1)]
    if len(seen) == 0:
        raise Skip("found nobody in the example")
    assert np.abs(seen).max() <= 3 * max(video.width, video.height), "points lie far outside the picture"
    assert np.ptp(seen) > 2, "points are not in pixels: they span less than two"


@of("estimator")
def nobody_is_missing(s: Subject) -> None:
    """A black video has nobody in it: every point is missing, none is invented."""
    video = _black(_video(s))
    pose = _estimated(s, video)[1]
    invented = float((np.ma.filled(pose.body.confidence, 0) > 0).mean())
    assert invented == 0, f"a black video gives points ({invented:.0%} of them)"


@of("estimator")
def one_frame_works(s: Subject) -> None:
    pose = _estimated(s, _video(s)[:1])[1]
    assert len(pose.body.data) == 1, "one frame: gives another number of frames"


@of("estimator")
def same_twice(s: Subject) -> None:
    assert digest(_estimated(s)[1]) == digest(_estimated(s)[1]), "the same video gives another pose"


@of("estimator")
def input_unchanged(s: Subject) -> None:
    video = _video(s)
    before = digest(video)
    _estimated(s, video)
    assert digest(video) == before, "the video was changed"


# --- generators --------------------------------------------------------------------------------------------------------------


def _inputs(s: Subject, change: Callable[[Any], Any] = lambda v: v) -> Any:
    """An instance of its inputs model from what the author gave and the embedded examples. Raises Skip."""
    from signcore.runs.inputs import slots
    from signcore.runs.request import Chosen

    chosen = Chosen("generator", s.component.name, s.record, s.component)
    model = chosen.inputs_model()
    if model is None:
        return {}
    driving = s.examples["driving"]
    by_type = {"video": driving, "pose": driving.pose, "image": s.examples["source"]}
    values: dict[str, Any] = {}
    for slot in slots(chosen):
        if slot.name in s.inputs:
            values[slot.name] = s.inputs[slot.name]
        elif slot.pose_of:
            owner = values.get(slot.pose_of)
            values[slot.name] = getattr(owner, "pose", None)
        elif slot.required or slot.unless is not None:
            values[slot.name] = s.examples.get(slot.name, by_type.get(slot.type))
    lacking = [
        name for name, value in values.items() if value is None and model.model_fields[name].is_required()
    ]
    if lacking:
        raise Skip(f"no example of its input {lacking[0]}; give inputs={{{lacking[0]!r}: ...}}")
    return model(**{name: change(value) for name, value in values.items() if value is not None})


def _generated(s: Subject, inputs: Any = None, seed: int = 0) -> Any:
    inputs = _inputs(s) if inputs is None else inputs
    return s.make(seed).generate(inputs)


@of("generator")
def makes_what_it_declares(s: Subject) -> None:
    from signcore.runs.execute import check_product

    made = _generated(s)
    check_product(f"generator {s.component.name}", made, s.component.output or "")
    frames = made.body.data if s.component.output == "pose" else made
    fps = made.body.fps if s.component.output == "pose" else made.fps
    assert len(frames) > 0, "made nothing: no frames"
    assert 0 < fps < np.inf, f"fps is {fps}"


@of("generator")
def frames_are_pictures(s: Subject) -> None:
    """A video's frames are what its shape says, the same whenever they are asked for."""
    if s.component.output != "video":
        raise Skip(f"makes {s.component.output}")
    made = _generated(s)
    frames = made.numpy()
    assert frames.dtype == np.uint8, f"frames are {frames.dtype}, not uint8"
    assert frames.shape == (len(made), made.height, made.width, 3), f"frames are {list(frames.shape)}"
    apart = np.abs(frames[-1].astype(int) - made[len(made) - 1])
    assert apart.max() <= ROUNDING, "the last frame differs when asked for alone"


@of("generator")
def same_seed_same_bytes(s: Subject) -> None:
    inputs = _inputs(s)
    assert digest(_generated(s, inputs)) == digest(_generated(s, inputs)), (
        "the same seed gives another product"
    )


@of("generator")
def inputs_unchanged(s: Subject) -> None:
    inputs = _inputs(s)
    before = digest(inputs)
    digest(_generated(s, inputs))
    assert digest(inputs) == before, "its inputs were changed"


@of("generator")
def one_frame_is_enough(s: Subject) -> None:
    inputs = _inputs(s, _first)
    made = _done_or_told(lambda: _generated(s, inputs), "inputs of one frame")
    if made is not None:
        digest(made)


@of("generator")
def nobody_is_told(s: Subject) -> None:
    """Poses without a single point: done, or refused in one line."""
    if not any(type(v).__name__ == "Pose" for v in _values(_inputs(s))):
        raise Skip("takes no pose")
    inputs = _inputs(s, lambda v: _hidden(v) if type(v).__name__ == "Pose" else v)
    made = _done_or_told(lambda: _generated(s, inputs), "a pose of nobody")
    if made is not None:
        _done_or_told(lambda: digest(made), "a pose of nobody")


@of("generator")
def precision_does_not_count(s: Subject) -> None:
    """A pose in float64 makes what the same pose in float32 makes."""
    if not any(type(v).__name__ == "Pose" for v in _values(_inputs(s))):
        raise Skip("takes no pose")
    single = _generated(s)
    double = _generated(s, _inputs(s, lambda v: _doubled(v) if type(v).__name__ == "Pose" else v))
    a, b = (
        np.asarray(m.numpy() if hasattr(m, "numpy") else np.ma.filled(m.body.data, 0), float)
        for m in (single, double)
    )
    assert a.shape == b.shape, "a pose in float64 gives another length"
    assert np.abs(a - b).mean() < 0.5, "a pose in float64 gives another product"


def _values(inputs: Any) -> list[Any]:
    if isinstance(inputs, dict):
        return list(inputs.values())
    return [getattr(inputs, name) for name in type(inputs).model_fields]


# --- recognizers -------------------------------------------------------------------------------------------------------------


def _read(s: Subject, change: Callable[[Any], Any] = lambda v: v) -> list[Any]:
    """Hypotheses of the first kind of sample that it takes. Raises Skip where it takes none of the kit's."""
    recognizer, refused = s.make(), ""
    video = s.examples["driving"]
    for sample in [s.inputs["sample"]] if "sample" in s.inputs else [video, video.pose]:
        try:
            found: list[Any] = recognizer.recognize(change(sample))
        except SigncoreError as error:
            refused = error.line()
            continue
        return found
    raise Skip(f"refuses the embedded clip and its pose ({refused}); give inputs={{'sample': ...}}")


@of("recognizer")
def hypotheses_best_first(s: Subject) -> None:
    found = _read(s)
    assert isinstance(found, list), f"returned {type(found).__name__}, not a list"
    assert found, "returned no hypothesis; nothing recognised is one without glosses"
    assert all(type(h).__name__ == "Hypothesis" for h in found), "returned something else than Hypothesis"
    assert all(a.score >= b.score for a, b in pairwise(found)), "scores are not best first"


@of("recognizer")
def scores_are_log_probabilities(s: Subject) -> None:
    for hypothesis in _read(s):
        assert hypothesis.score <= 1e-6, f"score {hypothesis.score} is not <= 0"


@of("recognizer")
def labels_are_glosses(s: Subject) -> None:
    known = getattr(s.make(), "vocabulary", None)
    for hypothesis in _read(s):
        for gloss in hypothesis.glosses:
            one_word = isinstance(gloss, str) and gloss.split() == [gloss]
            assert one_word, f"label {gloss!r} is no gloss"
            assert known is None or gloss in known, f"label {gloss!r} is not in its vocabulary"


@of("recognizer")
def times_are_in_the_clip(s: Subject) -> None:
    timed = [h for h in _read(s) if h.times]
    if not timed:
        raise Skip("gives no times")
    for hypothesis in timed:
        assert len(hypothesis.times) == len(hypothesis.glosses), "not one time a gloss"
        assert all(0 <= start <= end for start, end in hypothesis.times), "a time ends before it starts"
        assert all(a[0] <= b[0] for a, b in pairwise(hypothesis.times)), (
            "times are not in the order of the glosses"
        )


@of("recognizer")
def nobody_gives_nothing(s: Subject) -> None:
    def change(sample: Any) -> Any:
        return _black(sample) if type(sample).__name__ == "Video" else _hidden(sample)

    found = _read_or_refused(s, change)
    assert not found or not found[0].glosses, f"a clip of nobody is read as {found[0].glosses}"


@of("recognizer")
def one_frame_is_read_or_told(s: Subject) -> None:
    _read_or_refused(s, _first)


def _read_or_refused(s: Subject, change: Callable[[Any], Any]) -> list[Any]:
    """What is read in changed samples of a kind that it takes; nothing where those are refused in one line."""
    _read(s)
    try:
        return _read(s, change)
    except Skip:
        return []


@of("recognizer")
def same_sample_same_glosses(s: Subject) -> None:
    assert repr(_read(s)) == repr(_read(s)), "the same clip is read otherwise"


@of("recognizer")
def sample_unchanged(s: Subject) -> None:
    sample = s.inputs.get("sample", s.examples["driving"])
    before = digest(sample)
    _read(s)
    assert digest(sample) == before, "the clip was changed"


# --- metrics -----------------------------------------------------------------------------------------------------------------


def _pairs(s: Subject) -> dict[str, list[tuple[Any, Any]]]:
    """By closeness of the prediction: "same", "near" and "far", two pairs each."""
    if s.component.output == "glosses":
        truths = [["A", "B", "C", "D"], ["E", "F", "G"]]
        near, far = [["A", "B", "X", "D"], ["E", "F", "G"]], [["X", "Y", "Z", "V"], ["U", "W", "E"]]
        return {
            name: list(zip(p, truths, strict=True))
            for name, p in (("same", truths), ("near", near), ("far", far))
        }
    video = s.examples["driving"]
    if s.component.output == "pose":
        poses = [video.pose, _shifted(video.pose, 3.0)]
        return {
            n: [(_noisy(p, by), p) for p in poses] for n, by in (("same", 0.0), ("near", 1.0), ("far", 12.0))
        }
    small = _halved(video)
    videos = [small, _dimmed(small)]
    return {
        n: [(_grainy(v, by), v) for v in videos] for n, by in (("same", 0.0), ("near", 8.0), ("far", 90.0))
    }


def _halved(video: Any) -> Any:
    from signcore.types import Video

    pose = _doubled(video.pose)
    pose.body.data = pose.body.data / 2
    size = video.height // 2, video.width // 2
    header = copy.deepcopy(pose.header)
    header.dimensions.height, header.dimensions.width = size
    pose.header = header
    return Video.from_array(
        np.ascontiguousarray(video.numpy()[:4, ::2, ::2]), video.fps, pose=pose_frames(pose, range(4))
    )


def _shifted(pose: Any, by: float) -> Any:
    made = _doubled(pose)
    made.body.data = made.body.data + by
    return made


def _noisy(pose: Any, by: float) -> Any:
    if by == 0:
        return pose
    made = _doubled(pose)
    made.body.data = made.body.data + np.random.default_rng(0).normal(0, by, made.body.data.shape)
    return made


def _dimmed(video: Any) -> Any:
    from signcore.types import Video

    return Video.from_array((video.numpy() * 0.7).astype(np.uint8), video.fps, pose=video.pose)


def _grainy(video: Any, by: float) -> Any:
    from signcore.types import Video

    if by == 0:
        return video
    frames = video.numpy() + np.random.default_rng(0).normal(0, by, video.shape)
    return Video.from_array(frames.clip(0, 255).astype(np.uint8), video.fps, pose=video.pose)


def _scored(s: Subject, pairs: list[tuple[Any, Any]], metric: Any = None) -> dict[str, float]:
    """Of copies, which it may spoil. Raises Skip where the metric refuses the kit's pairs."""
    metric = s.make() if metric is None else metric
    try:
        for prediction, reference in copy.deepcopy(pairs):
            metric.update(prediction, reference)
        return {name: float(value) for name, value in metric.compute().items()}
    except SigncoreError as error:
        raise Skip(f"refuses the kit's pairs: {error.line()}") from error


def _same(a: dict[str, float], b: dict[str, float], tolerance: float = 0.0) -> bool:
    return a.keys() == b.keys() and all(
        (np.isnan(a[k]) and np.isnan(b[k]))
        or a[k] == b[k]
        or abs(a[k] - b[k]) <= tolerance * max(abs(a[k]), 1)
        for k in a
    )


@of("metric")
def best_at_identity(s: Subject) -> None:
    """The truth itself scores best: worse predictions lie on one side, further with more noise, and not all are equal."""
    same, near, far = (_scored(s, _pairs(s)[name]) for name in ("same", "near", "far"))
    told = False
    for name, best in same.items():
        values = best, near.get(name, np.nan), far.get(name, np.nan)
        if any(np.isnan(values)):
            continue
        rising = values[0] <= values[1] <= values[2]
        falling = values[0] >= values[1] >= values[2]
        assert rising or falling, (
            f"{name}: {values[0]:.4g} for the truth itself, {values[1]:.4g} near it, {values[2]:.4g} far off"
        )
        told |= values[0] != values[2]
    if not told:  # one that only lengths move
        short = _scored(s, [(_cut(p), r) for p, r in _pairs(s)["same"]])
        told = any(short[name] != best for name, best in same.items())
    assert told, "no score tells the truth from noise, nor from a shorter prediction"


@of("metric")
def scores_are_numbers(s: Subject) -> None:
    for closeness in ("same", "far"):
        for name, value in _scored(s, _pairs(s)[closeness]).items():
            assert not np.isnan(value), f"{name} is NaN for complete pairs"


@of("metric")
def declared_symmetry(s: Subject) -> None:
    if not getattr(s.make(), "symmetric", False):
        raise Skip("declares none")
    pairs = _pairs(s)["near"]
    there, back = _scored(s, pairs), _scored(s, [(b, a) for a, b in pairs])
    assert _same(there, back, 1e-6), "says it is symmetric, and is not"


@of("metric")
def merge_equals_whole(s: Subject) -> None:
    first, second = _pairs(s)["near"]
    whole, a, b = (s.make() for _ in range(3))
    wanted = _scored(s, [first, second], whole)
    for part, pair in ((a, first), (b, second)):
        part.update(*copy.deepcopy(pair))
    a.merge(b)
    assert _same({k: float(v) for k, v in a.compute().items()}, wanted, 1e-9), (
        "merged shards score otherwise than the whole"
    )


@of("metric")
def reset_forgets(s: Subject) -> None:
    metric = s.make()
    _scored(s, _pairs(s)["far"], metric)
    metric.reset()
    assert _same(_scored(s, _pairs(s)["near"], metric), _scored(s, _pairs(s)["near"]), 1e-9), (
        "reset left something behind"
    )


@of("metric")
def compute_repeats(s: Subject) -> None:
    metric = s.make()
    first = _scored(s, _pairs(s)["near"], metric)
    assert _same({k: float(v) for k, v in metric.compute().items()}, first), (
        "a second compute says something else"
    )


@of("metric")
def nothing_is_no_score(s: Subject) -> None:
    """Without a pair there is no score: NaN, none, or an error in one line; never a zero that looks like one."""
    found = _done_or_told(lambda: s.make().compute(), "no pairs")
    for name, value in (found or {}).items():
        assert np.isnan(value), f"{name} is {value} without a single pair"


@of("metric")
def signature_names_it(s: Subject) -> None:
    signature = s.make().signature()
    assert isinstance(signature, str), "signature is no text"
    assert "\n" not in signature, "signature is not one line"
    assert signature.split("|")[0] == s.component.name, (
        f"signature {signature!r} does not start with its name"
    )
    assert signature == s.make().signature(), "signature differs between two of the same"


@of("metric")
def metric_pickles(s: Subject) -> None:
    """Shards are counted in other processes."""
    metric = s.make()
    for prediction, reference in _taken(s):
        metric.update(prediction, reference)
    back = pickle.loads(pickle.dumps(metric))
    here, there = ({k: float(v) for k, v in m.compute().items()} for m in (metric, back))
    assert _same(here, there), "comes back from pickle with other scores"


@of("metric")
def pair_unchanged(s: Subject) -> None:
    pairs, metric = _taken(s), s.make()
    before = digest(pairs)
    for prediction, reference in pairs:
        metric.update(prediction, reference)
    assert digest(pairs) == before, "the pair was changed"


def _taken(s: Subject) -> list[tuple[Any, Any]]:
    """Pairs that the metric takes. Raises Skip."""
    _scored(s, _pairs(s)["near"])
    return _pairs(s)["near"]


# --- datasets ----------------------------------------------------------------------------------------------------------------


@of("dataset")
def holds_samples(s: Subject) -> None:
    dataset = s.make()
    assert len(dataset) > 0, "is empty"
    assert type(dataset[0]).__name__ == "Sample", f"dataset[0] is a {type(dataset[0]).__name__}, not a Sample"


@of("dataset")
def index_errors(s: Subject) -> None:
    dataset = s.make()
    for index in (len(dataset), -1):
        try:
            dataset[index]
        except IndexError:
            continue
        raise AssertionError(f"dataset[{index}] of {len(dataset)}: expected an IndexError")


@of("dataset")
def fields_load_lazily(s: Subject) -> None:
    """Asking for samples reads no video."""
    import av

    dataset = s.make()
    kept, opened = av.open, []

    def refused(*args: Any, **more: Any) -> Any:
        opened.append(args[:1])
        return kept(*args, **more)

    av.open = refused
    try:
        for index in range(min(len(dataset), 20)):
            dataset[index]
    finally:
        av.open = kept
    assert not opened, "dataset[i] opens the video; give Sample a function that does"


@of("dataset")
def same_every_time(s: Subject) -> None:
    first, second = s.make(), s.make()
    assert len(first) == len(second), "another length when made again"
    for index in {0, len(first) - 1}:
        assert _told(first[index]) == _told(second[index]), f"sample {index} differs when made again"


def _told(sample: Any) -> str:
    video, pose = sample.video, sample.pose
    return digest(
        [
            sample.id,
            sample.notation,
            sample.glosses,
            sample.signer,
            sample.split,
            pose,
            None if video is None else video[:1],
        ]
    )


@of("dataset")
def splits_are_known(s: Subject) -> None:
    dataset = s.make()
    for index in range(min(len(dataset), 50)):
        split = dataset[index].split
        assert split in SPLITS, f"sample {index}: split {split!r}; expected {', '.join(map(str, SPLITS[1:]))}"


@of("dataset")
def ids_tell_samples_apart(s: Subject) -> None:
    dataset = s.make()
    ids = [dataset[i].id for i in range(min(len(dataset), 200))]
    twice = next((i for i in ids if i and ids.count(i) > 1), None)
    assert twice is None, f"two samples have the id {twice!r}"


@of("dataset")
def pose_fits_its_video(s: Subject) -> None:
    sample = s.make()[0]
    if sample.video is None or sample.pose is None:
        raise Skip("has no video and pose together")
    frames, length = len(sample.pose.body.data), len(sample.video)
    assert frames == length, f"sample 0: the pose has {frames} frames, its video {length}"
