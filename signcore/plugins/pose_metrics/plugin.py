from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.pose_metrics"
_METRICS = (  # name, class, settings, summary
    ("mse", "MSE", "FrameConfig", "Mean squared error of keypoints in the pose's units, frame by frame; 0 is best."),
    ("ape", "APE", "FrameConfig", "Average position error of keypoints in the pose's units; 0 is best."),
    ("nmse", "NMSE", "FrameConfig", "MSE of poses normalised by their shoulders; 0 is best."),
    ("nape", "NAPE", "FrameConfig", "APE of poses normalised by their shoulders; 0 is best."),
    ("dtw", "DTW", "WarpConfig", "Dynamic time warping, a path a keypoint, in the pose's units; 0 is best."),
    ("ndtw", "NDTW", "WarpConfig", "Normalised dynamic time warping of poses with missing points (Ham2Pose eq. 6, 7); 0 is best."),
    ("dtw-joint", "DTWJoint", "PointsConfig", "Normalised dynamic time warping with one path for the whole pose; 0 is best."),
    ("dtw-motion", "DTWMotion", "MotionConfig", "Is it the same sign: warped paths and speeds of the wrists, mirrored or not; 0 is best."),
    ("pck", "PCK", "PCKConfig", "Share of keypoints that are near enough; 1 is best."),
    ("length-error", "LengthError", "PointsConfig", "Difference of lengths in frames; 0 is best."),
)  # fmt: skip


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="metric",
            name=name,
            summary=summary,
            target=f"{_HERE}.metrics:{target}",
            config=f"{_HERE}.config:{config}",
            output="pose",
        )
        for name, target, config, summary in _METRICS
    ]
