"""What will go wrong with a source picture and a driving clip, said beforehand, from their poses alone."""

from __future__ import annotations

import numpy as np

PROFILE = 0.8  # shoulder width by the height of the nose above the shoulders; 1.8 seen from the front
HANDS_SEEN = 0.5  # least part of the frames with a hand
FRAMING = 1.5  # most ratio of the shoulder widths
ELSEWHERE = 0.2  # most distance of the shoulders' middles, as a part of the frame's side
ARMS = 0.8  # most mean distance of wrists and elbows from the source to the first driving frame, in shoulder widths
SMALL = 0.1  # least shoulder width, as a part of the frame's side


def troubles(
    source: np.ndarray | None, driving: np.ndarray, names: list[str], *, relative: bool = True
) -> list[str]:
    """Every trouble as one line that says what to do; none where the two fit.

    source: [P, 2], driving: [T, P, 2], both in [0, 1] across the squares that the model sees; NaN where missing. Without
    the source's pose the driving clip alone is looked at. relative: the source moves as the driving frames differ from the first.
    """
    told, index = [], {name: i for i, name in enumerate(names)}
    pair = [index[name] for name in ("left_shoulder", "right_shoulder") if name in index]
    people: dict[str, tuple[np.ndarray, float]] = {}  # middle of the shoulders, and their width
    for who, points in (("source", None if source is None else source[None]), ("driving", driving)):
        if points is None:
            continue
        both = (
            np.isfinite(points[:, pair]).all(axis=(1, 2)) if len(pair) == 2 else np.zeros(len(points), bool)
        )
        if not both.any():
            what = "picture" if who == "source" else "clip"
            told.append(f"{who}: shows nobody; give a {what} with head, shoulders and hands in view")
            continue
        shoulders = points[both][:, pair]
        width = float(np.median(np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)))
        people[who] = np.median(shoulders.mean(axis=1), axis=0), width
        if "nose" in index:
            height = np.nanmedian(shoulders.mean(axis=1)[:, 1] - points[both, index["nose"], 1])
            if np.isfinite(height) and width < PROFILE * height:
                told.append(f"{who}: is seen from the side; the network knows signers from the front")
        if width < SMALL:
            told.append(f"{who}: is small in the picture; fit=person cuts the person out")
    told += _hands(driving, names)
    if len(people) == 2:
        (here, width), (there, other) = people["source"], people["driving"]
        ratio = max(width, 1e-6) / max(other, 1e-6)
        if not 1 / FRAMING <= ratio <= FRAMING:
            which, times = ("source", ratio) if ratio > 1 else ("driving", 1 / ratio)
            told.append(
                f"{which}: is filmed {times:.1f} times closer than the other; fit=person frames both alike"
            )
        if float(np.linalg.norm(here - there)) > ELSEWHERE:
            told.append(
                "source and driving: stand at other places of the picture; fit=person frames both alike"
            )
        assert source is not None
        if relative:
            told += _arms((source - here) / width, (driving - there) / other, index)
    return told


def _hands(driving: np.ndarray, names: list[str]) -> list[str]:
    hands = [[i for i, n in enumerate(names) if n.startswith(f"{side}_hand_")] for side in ("left", "right")]
    if not any(hands):
        return []
    seen = np.stack([np.isfinite(driving[:, hand]).all(axis=-1).sum(axis=1) >= 3 for hand in hands if hand])
    share = float(seen.any(axis=0).mean()) if len(driving) else 0.0
    if share == 0:
        return ["driving: no frame's pose shows a hand; the hands will follow the coarse motion alone"]
    told = []
    if share < HANDS_SEEN:
        told.append(
            f"driving: {share:.0%} of the frames show a hand; the others' fingers follow the coarse motion alone"
        )
    points = driving[:, [i for hand in hands for i in hand]]
    out = ((points < 0) | (points > 1)).any(axis=-1)[np.isfinite(points).all(axis=-1)]
    if len(out) and out.mean() > 0.1:
        told.append("driving: hands leave the picture; use fit=pad or fit=person")
    return told


def _arms(source: np.ndarray, driving: np.ndarray, index: dict[str, int]) -> list[str]:
    arms = [index[f"{s}_{p}"] for s in ("left", "right") for p in ("elbow", "wrist") if f"{s}_{p}" in index]
    apart = np.linalg.norm(driving[0, arms] - source[arms], axis=-1)
    if np.isfinite(apart).any() and float(np.nanmean(apart)) > ARMS:
        return [
            "source and driving: the arms are not where the first driving frame has them; relative motion starts from there, "
            "so take a source whose arms rest as in that frame, or motion=pose, or motion=standard"
        ]
    return []
