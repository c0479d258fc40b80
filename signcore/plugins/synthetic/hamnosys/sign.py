"""One parsed sign to the sampled motion of both hands, between the places where it begins and ends.

Hand 0 is the dominant one, hand 1 the other; each moves in its own arm's axes (x outwards). Actions take the stances they begin
with and give both hands' tracks, equally long, and the stances they end with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signcore.plugins.synthetic.hamnosys import again, paths
from signcore.plugins.synthetic.hamnosys.moving import AnyMove, approached, goes_somewhere, moved, replaced
from signcore.plugins.synthetic.hamnosys.placing import Placing
from signcore.plugins.synthetic.hamnosys.spots import needs_other_hand, places_of
from signcore.plugins.synthetic.hamnosys.stances import Active, Stances, resting
from signcore.plugins.synthetic.hamnosys.track import (
    Stance,
    Track,
    held,
    joined,
    overlaid,
    resampled,
    samples,
)
from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions
from signcore.types.hamnosys.structure import (
    FUSION,
    PARALLEL,
    Action,
    Blend,
    Both,
    Group,
    Move,
    Repeat,
    Replace,
    Sign,
    Target,
)

HOLD = 0.40  # seconds that a sign without movement is held
Done = tuple[list[Track], list[Stance]]


@dataclass(frozen=True)
class Form:
    """A sign's motion: the dominant hand's and the other's (None where it does not take part), equally long."""

    dominant: Track
    other: Track | None


def perform_sign(sign: Sign, body: Proportions, habits: Habits) -> Form:
    """The motion of a sign at the signer's own tempo, sizes and places. Raises InputError where it takes too long."""
    return _Performer(sign, body, habits).form()


class _Performer:
    def __init__(self, sign: Sign, body: Proportions, habits: Habits) -> None:
        self.sign, self.body, self.habits, self.symmetry = sign, body, habits, sign.symmetry
        self.takes_part = sign.two_handed or any(needs_other_hand(p) for p in places_of(sign))
        self.stances = Stances(sign, body, habits, self.takes_part)
        self.placing = Placing(sign, body, habits, self.takes_part)

    def form(self) -> Form:
        start = self.placing.first(self.stances.first())
        tracks, _ = self._in_sequence(self.sign.actions, start, (True, self.symmetry is not None))
        if self.symmetry is not None and self.symmetry.alternating and len(tracks[0]):
            if not _repeats(self.sign.actions):
                tracks = again.in_turns(tracks, start, 1, self.habits.tempo)
            start = [
                t.first(s) for s, t in zip(start, tracks, strict=True)
            ]  # the other begins half a round on
        if len(tracks[0]):
            tracks = [joined([held(s, 1), t]) for s, t in zip(start, tracks, strict=True)]
        else:
            tracks = [held(s, samples(HOLD)) for s in start]
        if self.sign.side:  # the non-dominant hand signs alone: as the dominant one would, on its own side
            return Form(held(resting(self.body, self.habits), len(tracks[0])), tracks[0])
        return Form(tracks[0], tracks[1] if self.takes_part else None)

    def _in_sequence(
        self, actions: Sequence[Action], start: list[Stance], active: Active, flowing: bool = False
    ) -> Done:
        """The actions one after another."""
        pieces: list[list[Track]] = []  # both hands' tracks of every action
        now = list(start)
        i = 0
        while i < len(actions):
            action, place = actions[i], actions[i + 1] if i + 1 < len(actions) else None
            done = [joined([held(s, 0), *(p[hand] for p in pieces)]) for hand, s in enumerate(start)]
            if isinstance(action, Repeat):
                if len(done[0]):  # else at the beginning of a group: what follows are the steps
                    pieces = [self._again(action, actions[:i], done, start, now, active)]
            elif isinstance(action, Group) and isinstance(action.actions[0], Repeat) and len(done[0]):
                pieces.append(self._stepped(action, action.actions[0], done, start, now, active))
            elif isinstance(place, Target) and isinstance(action, Move | Blend) and goes_somewhere(action):
                made, now = self._to_place(place, now, active, flowing, action)
                pieces.append(made)
                i += 1
            else:
                made, now = self._act(action, now, active, flowing)
                pieces.append(made)
            again.check_length(sum(len(p[0]) for p in pieces))
            if pieces:
                now = [track.last(s) for track, s in zip(pieces[-1], now, strict=True)]
            i += 1
        return [joined([held(s, 0), *(p[hand] for p in pieces)]) for hand, s in enumerate(start)], now

    def _act(self, action: Action, start: list[Stance], active: Active, flowing: bool) -> Done:
        if isinstance(action, Both):
            return self._by_each(action, start)
        if isinstance(action, Group):
            if action.brackets == PARALLEL:
                tracks, end = self._at_once(action.actions, start, active, flowing)
            else:
                tracks, end = self._in_sequence(action.actions, start, active, action.brackets == FUSION)
            return _at_pace(tracks, action.marks), end
        if isinstance(action, Replace):
            end = self.stances.changed(action.posture, start, active)
            return replaced(action, start, end, self.habits, flowing), end
        if isinstance(action, Target):
            return self._to_place(action, start, active, flowing, None)
        assert isinstance(action, Move | Blend)
        return moved(action, start, active, self.symmetry, self.habits, flowing), start

    def _by_each(self, action: Both, start: list[Stance]) -> Done:
        """Each hand's own actions at the same time; the one that is done first waits."""
        self.takes_part = True
        one, after_one = self._in_sequence(action.dominant, start, (True, False))
        two, after_two = self._in_sequence(action.other, start, (False, True))
        count = max(len(one[0]), len(two[1]))
        tracks = [
            joined([track, held(track.last(s), count - len(track))])
            for track, s in zip((one[0], two[1]), start, strict=True)
        ]
        return _at_pace(tracks, action.marks), [after_one[0], after_two[1]]

    def _at_once(self, actions: Sequence[Action], start: list[Stance], active: Active, flowing: bool) -> Done:
        """The actions at the same time. A repetition among them repeats those before it."""
        changed = list(start)  # as the hands stand at the end, which is how they come to a place
        for action in actions:
            if isinstance(action, Replace):
                changed = self.stances.changed(action.posture, changed, active)
        layers: list[list[Track]] = []
        after = list(start)
        i = 0
        while i < len(actions):
            action, place = actions[i], actions[i + 1] if i + 1 < len(actions) else None
            if isinstance(action, Repeat):
                done = _overlaid(start, layers)
                now = [track.last(a) for track, a in zip(done, after, strict=True)]
                before = [Group(PARALLEL, tuple(actions[:i]))]
                layers = [self._again(action, before, done, start, now, active)]
            elif isinstance(action, Target):
                layers.append(self._layer_to(action, start, changed, active, flowing, None))
            elif isinstance(place, Target) and isinstance(action, Move | Blend) and goes_somewhere(action):
                layers.append(self._layer_to(place, start, changed, active, flowing, action))
                i += 1
            else:
                made, then = self._act(action, _said_as(start, after), active, flowing)
                after = _said_as(after, then)
                layers.append(made)
            i += 1
        tracks = _overlaid(start, layers)
        return tracks, [t.last(a) for t, a in zip(tracks, after, strict=True)]

    def _to_place(
        self, target: Target, start: list[Stance], active: Active, flowing: bool, move: AnyMove | None
    ) -> Done:
        goals = self.placing.target(target.place, start, active)
        return approached(goals, start, move, self.symmetry, self.habits, flowing), goals

    def _layer_to(
        self,
        target: Target,
        start: list[Stance],
        changed: list[Stance],
        active: Active,
        flowing: bool,
        move: AnyMove | None,
    ) -> list[Track]:
        """The way to a place that is reached by hands which change their posture at the same time."""
        goals = self.placing.target(target.place, changed, active)
        goals = [s.at(g.wrist) for s, g in zip(start, goals, strict=True)]
        return approached(goals, start, move, self.symmetry, self.habits, flowing)

    def _again(
        self,
        repeat: Repeat,
        before: Sequence[Action],
        done: list[Track],
        start: list[Stance],
        now: list[Stance],
        active: Active,
    ) -> list[Track]:
        """What was done with its repetition."""
        word, times, tempo = again.word_of(repeat), again.times_of(repeat), self.habits.tempo
        growth = again.growth_of(repeat)
        turns = self.symmetry is not None and self.symmetry.alternating and active == (True, True)
        if turns and word.startswith("repeatfromstart"):
            return again.in_turns(done, start, 1 + times, tempo)
        if word == "repeatreverse":
            more = again.reversed_(done)
        elif word == "alternatingmotion":
            self.takes_part = True
            more = again.by_the_other_hand(done, start, now, active[1])
        elif word.startswith("repeatcontinue"):
            rounds = []
            for n in range(times):
                made, after = self._in_sequence(before, now, active)
                rounds.append(again.resized(made, now, growth ** (n + 1)))
                now = [track.last(s) for track, s in zip(rounds[-1], after, strict=True)]
            more = [joined([r[hand] for r in rounds]) for hand in range(2)]
        else:
            more = again.from_start(done, start, times, tempo, growth)
        return [joined(pair) for pair in zip(done, more, strict=True)]

    def _stepped(
        self,
        group: Group,
        repeat: Repeat,
        done: list[Track],
        start: list[Stance],
        now: list[Stance],
        active: Active,
    ) -> list[Track]:
        """Again, every time further on by what the group's moves say."""
        step, _ = self._in_sequence(group.actions[1:], start, active)
        steps = [t.last(s).wrist - s.wrist for t, s in zip(step, start, strict=True)]
        return again.stepped(done, steps, now, again.times_of(repeat), self.habits.tempo)


def _overlaid(start: list[Stance], layers: list[list[Track]]) -> list[Track]:
    return [overlaid(s, [layer[hand] for layer in layers]) for hand, s in enumerate(start)]


def _said_as(stances: list[Stance], others: list[Stance]) -> list[Stance]:
    """These stances with what is notated of the others."""
    return [
        replace(s, shape=o.shape, fingers=o.fingers, palm=o.palm)
        for s, o in zip(stances, others, strict=True)
    ]


def _at_pace(tracks: list[Track], marks: str) -> list[Track]:
    """Faster or slower by a group's marks of manner."""
    factor = paths.pace(marks)
    return tracks if factor == 1.0 else [resampled(t, max(1, round(len(t) * factor))) for t in tracks]


def _repeats(actions: Sequence[Action]) -> bool:
    return any(isinstance(a, Repeat) or (isinstance(a, Group) and _repeats(a.actions)) for a in actions)
