"""A sentence of glosses to a clip's joints: which hand has to be where at what time, with transitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signcore.errors import InputError
from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.embodiment import embody
from signcore.plugins.synthetic.lexicon import GLOSSES
from signcore.plugins.synthetic.motion import Target
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.signs import rest, sign
from signcore.plugins.synthetic.skeleton import Joints

LEAD = 0.10  # seconds at rest before the first movement and after the last


@dataclass(frozen=True)
class Performance:
    """What one signer does: joints at the video's rate and when each gloss is on."""

    joints: Joints
    glosses: tuple[str, ...]
    times: tuple[tuple[float, float], ...]  # seconds, (start, end) of each gloss without its transitions
    fps: float


def plan(
    glosses: Sequence[str], signer: Signer, at_rest: bool = True
) -> tuple[list[Target], list[Target], list[tuple[float, float]]]:
    """Both hands' timed targets (dominant, other) and the time span of each gloss; no trajectory is made yet.

    at_rest: begin and end with the hands before the waist; else with the first and last sign.
    """
    unknown = [gloss for gloss in glosses if gloss not in GLOSSES]
    if unknown or not glosses:
        what = f"{unknown[0]!r} is not in the synthetic lexicon" if unknown else "no gloss given"
        raise InputError(
            f"gloss: {what}", hint=f"choose from {', '.join(GLOSSES[:8])}, ... ({len(GLOSSES)} in all)"
        )
    body, habits = signer.body, signer.habits
    hands: tuple[list[Target], list[Target]] = ([], [])
    spans: list[tuple[float, float]] = []
    clock = 0.0
    if at_rest:
        clock = LEAD
        for targets in hands:
            targets += [rest(body, habits, 0.0), rest(body, habits, clock)]
    for gloss in glosses:
        form = sign(gloss, body, habits, 0.0)
        other = form.other or [rest(body, habits, 0.0)]
        clock += _transition(hands[0], form.dominant[0], hands[1], other[0]) / habits.tempo
        for targets, new in ((hands[0], form.dominant), (hands[1], other)):
            targets += [Target(t.time + clock, t.wrist, t.frame, t.angles, t.eased) for t in new]
        spans.append((clock, clock + form.duration))
        clock += form.duration
        if form.other is None:
            hands[1].append(rest(body, habits, clock))
    if at_rest:
        home = rest(body, habits, 0.0)
        clock += _transition(hands[0], home, hands[1], home) / habits.tempo
        for targets in hands:
            targets += [rest(body, habits, clock), rest(body, habits, clock + LEAD)]
        clock += LEAD
    for targets in hands:
        targets.append(Target(clock, targets[-1].wrist, targets[-1].frame, targets[-1].angles))
    return hands[0], hands[1], spans


def frame_count(glosses: Sequence[str], signer: Signer, fps: float, at_rest: bool = True) -> int:
    """How many frames the sentence takes, without making them."""
    return int(plan(glosses, signer, at_rest)[0][-1].time * fps) + 1


def perform(
    glosses: Sequence[str], signer: Signer, fps: float = 25.0, at_rest: bool = True, variant: int = 0
) -> Performance:
    """The joints of a sentence. variant: seeds what differs between two takes (sway, blinks, mouthing)."""
    dominant, other, spans = plan(glosses, signer, at_rest)
    joints = embody(dominant, other, signer, fps, spans, variant)
    return Performance(joints, tuple(glosses), tuple(spans), fps)


def _transition(hand: list[Target], to: Target, other_hand: list[Target], other_to: Target) -> float:
    """Seconds at tempo 1 that the slower hand needs to get there; none at the very start."""
    if not hand:
        return 0.0
    far = max(float(geometry.norm(a[-1].wrist - b.wrist)) for a, b in ((hand, to), (other_hand, other_to)))
    return 0.18 + 0.62 * far
