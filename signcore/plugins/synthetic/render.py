"""Joints to frames: places the camera, hands the solids to the tracer, and gives the exact truth of every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signcore.plugins.synthetic import backdrop, geometry, solids
from signcore.plugins.synthetic import scene as slots
from signcore.plugins.synthetic.figure import figure
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.skeleton import Joints

PARTS = solids.PARTS
GRID = float(2**20)  # positions are rounded to about a micrometre: last-bit differences of sines end here


@dataclass(frozen=True)
class Truth:
    """One rendered frame and what is exactly true of it."""

    image: np.ndarray  # uint8 [H, W, 3] RGB
    depth: np.ndarray  # float32 [H, W] metres from the camera plane; inf: background
    parts: np.ndarray  # uint8 [H, W] index into PARTS


class View:
    """A signer's camera at one picture size: world metres to camera metres to pixels."""

    def __init__(self, signer: Signer, width: int, height: int) -> None:
        camera = signer.camera
        self.width, self.height = width, height
        self.focal = camera.distance * min(height / camera.extent, width / (0.93 * camera.extent))
        self.cx, self.cy = width / 2.0, height / 2.0
        self.axes = geometry.euler(
            np.array(camera.yaw), np.array(0.0), np.array(0.0)
        )  # the signer's axes seen from the camera
        self.middle = np.array([camera.x, camera.y, 0.0])
        self.distance = camera.distance

    def turn(self, vectors: np.ndarray) -> np.ndarray:
        """World directions [..., 3] to camera directions (y down, z away)."""
        return geometry.apply(self.axes, vectors) * np.array([1.0, -1.0, -1.0])

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World metres [..., 3] to camera metres [..., 3]."""
        moved = self.turn(points) - self.middle * np.array([1.0, -1.0, 1.0])
        moved[..., 2] += self.distance
        return moved

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """World metres [..., 3] to pixels [..., 2]: (0, 0) is the image's corner, pixel centres lie at .5."""
        camera = self.to_camera(points)
        return np.stack(
            [
                self.cx + self.focal * camera[..., 0] / camera[..., 2],
                self.cy + self.focal * camera[..., 1] / camera[..., 2],
            ],
            axis=-1,
        )


class Renderer:
    """Renders one signer at one size. `render(joints, t)` is pure: any frame at any time, in any order."""

    def __init__(self, signer: Signer, width: int, height: int) -> None:
        self.signer, self.width, self.height = signer, width, height
        self.view = View(signer, width, height)
        self.backdrop = backdrop.paint(signer, width, height)
        self._scene = slots.describe(signer)
        light = self.view.turn(geometry.unit(np.array(signer.camera.light)))
        self._scene[slots.LIGHT : slots.LIGHT + 3] = light
        self._scene[slots.TRUNK_AXES : slots.TRUNK_AXES + 9] = self.view.turn(np.eye(3)).ravel()

    def render(self, joints: Joints, frame: int) -> Truth:
        """Draw one frame of a clip's joints."""
        from signcore.plugins.synthetic import tracer  # compiles with numba: only when something is drawn

        table = figure(joints, frame, self.signer)
        table[:, solids.A : solids.A + 3] = self.view.to_camera(table[:, solids.A : solids.A + 3])
        table[:, solids.B : solids.B + 3] = self.view.to_camera(table[:, solids.B : solids.B + 3])
        for axis in range(solids.AXES, solids.AXES + 9, 3):
            table[:, axis : axis + 3] = self.view.turn(table[:, axis : axis + 3])
        table = np.round(table * GRID) / GRID
        scene = self._scene.copy()
        scene[slots.HEAD : slots.HEAD + 3] = self.view.to_camera(joints.head[frame])
        scene[slots.HEAD_AXES : slots.HEAD_AXES + 9] = self.view.turn(joints.head_frame[frame]).ravel()
        scene[slots.NECK : slots.NECK + 3] = self.view.to_camera(joints.neck[frame])
        scene[slots.CLOSED : slots.RAISED + 1] = joints.expression[frame]
        scene = np.round(scene * GRID) / GRID
        image = np.empty((self.height, self.width, 3), dtype=np.float32)
        depth = np.empty((self.height, self.width), dtype=np.float32)
        parts = np.empty((self.height, self.width), dtype=np.uint8)
        casters = np.ascontiguousarray(self._casters(table))
        lens = (self.view.focal, self.view.cx, self.view.cy)
        tracer.render(table, self.backdrop, *lens, scene, casters, image, depth, parts)
        depth[depth == 0.0] = np.inf
        return Truth((image + np.float32(0.5)).astype(np.uint8), depth, parts)

    def _casters(self, table: np.ndarray) -> np.ndarray:
        """What throws shadows [S, 8]: for each arm a bounding ball (with the arm's number), then forearm, palm and fingers."""
        part = table[:, solids.PART]
        rows = []
        for number, first in enumerate(solids.ARM_PARTS.values(), start=1):
            arm = np.flatnonzero((part >= first + 1) & (part <= first + 7))
            forearm, fingers = arm[part[arm] == first + 1][-1:], arm[part[arm] > first + 2]
            palm = arm[part[arm] == first + 2][
                :3
            ]  # the wrist and two of the palm's bones cast like all of it
            casting = table[np.concatenate([forearm, palm, fingers])]
            a, b = casting[:, solids.A : solids.A + 3], casting[:, solids.B : solids.B + 3]
            radius = np.maximum(casting[:, solids.RADIUS_A], casting[:, solids.RADIUS_B])
            middle = np.round((a.min(axis=0) + b.max(axis=0)) * (GRID / 2.0)) / GRID
            reach = max(float((geometry.norm(end - middle) + radius).max()) for end in (a, b))
            reach = np.ceil(reach * 1024.0) / 1024.0
            rows.append(np.array([[*middle, number, 0.0, 0.0, reach, len(casting)]]))
            rows.append(np.concatenate([a, b, radius[:, None], np.zeros((len(casting), 1))], axis=1))
        return np.concatenate(rows)
