"""Settings of the datasets; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class VideoFolderConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="A video file, or a folder of them; sub-folders are glosses, or train, validation and test with glosses below."
    )
    start: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Where each clip begins.",
        json_schema_extra={"unit": "part of its length"},
    )
    stop: float = Field(
        1.0, gt=0, le=1, description="Where each clip ends.", json_schema_extra={"unit": "part of its length"}
    )
    held_out: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="The end of every clip that is a sample of its own, of the split test.",
        json_schema_extra={"unit": "part of its length"},
    )
    estimator: str | None = Field(
        None,
        description="The estimator for videos without a .pose beside them; its poses are kept in memory.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.stop:
            raise ValueError(f"start: {self.start:g} is not before stop, {self.stop:g}")
        return self


class LSA64Config(VideoFolderConfig):
    path: Path = Field(
        description="The folder of LSA64's videos, raw or cut, named SIGN_SIGNER_REPETITION.mp4."
    )
    test_classes: tuple[int, ...] = Field(
        tuple(range(57, 65)), description="The signs, 1 to 64, whose videos are the split test."
    )


class PoseTableConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="A .csv, .tsv, .json or .jsonl table with a column path (of .pose files, from the table's folder), and any of id, notation, glosses, signer, language, split."
    )


class KeypointArraysConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="An .npz of frames [sum T, K, C] and offsets [N + 1], with labels, signers, names where known; or a folder of .npy files [T, K, C], sub-folders are glosses."
    )
    keypoints: tuple[str, ...] | None = Field(
        None, description="Names of the K points where the file has none, as signcore's layouts spell them."
    )
    layout: str | None = Field(None, description="Or the layout whose points they are, in its order.")
    up: Literal["auto", "up", "down"] = Field(
        "auto",
        description="Where y grows; auto: down where a head is at smaller y than the hips or the hands.",
    )
    fps: float | None = Field(
        None,
        gt=0,
        description="Rate where the file has none; 25 if nothing is said.",
        json_schema_extra={"unit": "frames/s"},
    )
    held_out: tuple[str, ...] = Field(
        (), description="Signers whose samples are the split test; all others train."
    )


class Ham2PoseFilesConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(description="Ham2Pose's data.json: an object of entries with the field hamnosys.")
    keypoints: Path = Field(
        description="The folder that holds ID/*.json, OpenPose's output of each video's frames."
    )
    left_handed: Path | None = Field(
        None, description="A .json list of the ids whose signers are left-handed: they are mirrored."
    )
    test_share: float = Field(
        0.1, ge=0, lt=1, description="Part of the ids, spread by their hash, that is the split test."
    )
    fps: float = Field(25.0, gt=0, description="Rate of the videos.", json_schema_extra={"unit": "frames/s"})
    size: int = Field(400, ge=1, description="Side of the videos.", json_schema_extra={"unit": "px"})


class TracksTableConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="A .csv, .tsv, .json or .jsonl table with any of the columns tracks (.safetensors), pose (.pose) and video (paths from the table's folder), and id, glosses, signer, language, split."
    )
