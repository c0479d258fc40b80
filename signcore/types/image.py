"""Image: uint8 RGB [H, W, 3]."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pose_format import Pose

from signcore.errors import InputError, WorkError
from signcore.types.files import replacing

MAX_SIDE = 16_384  # pixels; beyond it decoders and encoders give up in ways that do not name the file
MAX_PIXELS = 100_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True, eq=False)
class Image:
    """array: uint8 RGB [H, W, 3]; path: the file it was read from, or None.
    pose: the exact pose where the maker of the picture knows it (the synthetic signer), else None."""

    array: np.ndarray
    path: Path | None = None
    pose: Pose | None = None

    def __post_init__(self) -> None:
        if self.array.dtype != np.uint8 or self.array.ndim != 3 or self.array.shape[2] != 3:
            raise InputError(
                f"image: expected uint8 [H, W, 3], got {self.array.dtype} {list(self.array.shape)}"
            )

    @property
    def height(self) -> int:
        return self.array.shape[0]

    @property
    def width(self) -> int:
        return self.array.shape[1]


def read_image(path: str | Path) -> Image:
    """Read .png, .jpg, .webp or .bmp; transparency is laid over white, rotation tags are applied, grey becomes RGB.

    Raises InputError where the file is absent, no image, damaged, or larger than 16,384 px a side or 100 megapixels.
    """
    path = Path(path)
    return Image(_read(path), path)


def _read(path: Path) -> np.ndarray:
    import PIL.Image
    import PIL.ImageOps

    if not path.is_file():
        raise InputError(f"{path}: no such image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            picture: PIL.Image.Image
            with PIL.Image.open(path) as opened:
                width, height = opened.size
                if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                    raise InputError(
                        f"{path}: {width}x{height} px is too large",
                        f"scale it down to at most {MAX_SIDE} px a side and {MAX_PIXELS // 1_000_000} megapixels",
                    )
                picture = PIL.ImageOps.exif_transpose(opened)
                if picture.mode.startswith("I;16"):  # 16-bit grey: convert("RGB") would clip, not scale
                    picture = PIL.Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
                if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                    over = picture.convert("RGBA")
                    picture = PIL.Image.new("RGBA", over.size, "white")
                    picture.alpha_composite(over)
                return np.array(picture.convert("RGB"))
    except PIL.Image.DecompressionBombError:
        raise InputError(
            f"{path}: the picture is too large", f"scale it down to {MAX_SIDE} px a side"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a readable image ({str(error).splitlines()[0]})") from error


def write_image(path: str | Path, image: Image | np.ndarray) -> None:
    """Write by the suffix (.png, .jpg, .webp); never leaves half a file. Raises WorkError where it cannot be written."""
    import PIL.Image

    path, array = Path(path), image.array if isinstance(image, Image) else image
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: cannot write {path.suffix or 'no suffix'}", f"use {', '.join(SUFFIXES)}")
    try:
        with replacing(path) as temporary:
            PIL.Image.fromarray(array).save(temporary)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written ({error.strerror or error})") from error
