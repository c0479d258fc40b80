"""Drawing poses as pictures: for reports, training samples and people without a viewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from signcore.types.poses import keypoints
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose

BACKGROUND = (250, 250, 248)
MOST_LIMBS = 400  # of a component; face meshes have thousands, which only smear
FINER = 2  # drawn larger and shrunk: smooth lines


def draw_pose(pose: Pose, side: int = 512) -> Video:
    """The first person's limbs and points, as a video of the pose's rate whose longer side is `side` pixels (even).

    Missing: a missing point and its limbs are not drawn. A normalised pose is fitted into the picture.
    """
    points, width, height = placed(pose)
    scale = side / max(width, height)
    size = tuple(max(2, round(s * scale / 2) * 2) for s in (width, height))
    limbs, points_shown = shown(pose)
    return Video.from_frames(
        lambda i: _frame(points[i] * scale, size, limbs, points_shown),
        len(points),
        size[1],
        size[0],
        float(pose.body.fps),
    )


def marked(video: Video, text: str) -> Video:
    """The video with a text on a dark strip along the lower edge of every frame, as wide as it needs and the frame allows."""
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    size = max(8, video.height // 20)
    font = PIL.ImageFont.load_default(size)
    while size > 6 and font.getlength(text) > video.width - 4:
        size -= 1
        font = PIL.ImageFont.load_default(size)
    strip = min(video.height, size + 4)

    def make(start: int) -> Iterator[np.ndarray]:
        for frame in video[start:]:
            image = PIL.Image.fromarray(frame)
            pen = PIL.ImageDraw.Draw(image)
            top = video.height - strip
            pen.rectangle([0, top, min(video.width, font.getlength(text) + 4), video.height], fill=(0, 0, 0))
            pen.text((2, top + 1), text, fill=(255, 255, 255), font=font)
            yield np.asarray(image)

    return Video.from_stream(make, len(video), video.height, video.width, video.fps, pose=video.pose)


def pose_strip(pose: Pose, count: int = 8, side: int = 160) -> np.ndarray:  # uint8 [side, count * side, 3]
    """`count` frames side by side, from the first to the last."""
    video = draw_pose(pose, side)
    chosen = np.linspace(0, len(video) - 1, count).round().astype(int)
    return np.concatenate([video[int(i)] for i in chosen], axis=1)


def placed(pose: Pose) -> tuple[np.ndarray, int, int]:
    """(points [T, K, 2] in pixels, width, height): those of the header, or, of a normalised pose, of a square around it."""
    points = keypoints(pose)
    width, height = pose.header.dimensions.width, pose.header.dimensions.height
    seen = points[np.isfinite(points).all(-1)]
    if len(seen) and (width <= 1 or height <= 1 or np.abs(seen).max() < 8):
        low, high = seen.min(axis=0), seen.max(axis=0)
        points = (points - low) / max(float((high - low).max()), 1e-6) * 480 + 16
        width = height = 512
    return points, int(width), int(height)


def shown(pose: Pose) -> tuple[list[tuple[int, int, tuple[int, ...]]], list[int]]:
    """(limbs as two points and a colour, the points that are drawn)."""
    limbs: list[tuple[int, int, tuple[int, ...]]] = []
    kept: list[int] = []
    offset = 0
    for component in pose.header.components:
        if "WORLD" not in component.name:
            kept += range(offset, offset + len(component.points))
            if len(component.limbs) <= MOST_LIMBS:
                colours = [tuple(int(x) for x in c) for c in component.colors] or [(128, 128, 128)]
                limbs += [
                    (int(a) + offset, int(b) + offset, colours[i % len(colours)])
                    for i, (a, b) in enumerate(component.limbs)
                ]
        offset += len(component.points)
    return limbs, kept


def _frame(
    points: np.ndarray, size: tuple[int, ...], limbs: list[tuple[int, int, tuple[int, ...]]], kept: list[int]
) -> np.ndarray:
    import PIL.Image
    import PIL.ImageDraw

    image = PIL.Image.new("RGB", (size[0] * FINER, size[1] * FINER), BACKGROUND)
    pen = PIL.ImageDraw.Draw(image)
    thick = max(2, round(max(image.size) / 200))
    there = np.isfinite(points).all(axis=-1)
    at = [(float(x), float(y)) for x, y in np.nan_to_num(points) * FINER]
    for a, b, colour in limbs:
        if there[a] and there[b]:
            pen.line([at[a], at[b]], fill=colour, width=thick)
    dot = thick * 0.45
    for k in kept:
        if there[k]:
            x, y = at[k]
            pen.ellipse([x - dot, y - dot, x + dot, y + dot], fill=(90, 90, 90))
    return np.asarray(image.resize((size[0], size[1]), PIL.Image.Resampling.BOX))
