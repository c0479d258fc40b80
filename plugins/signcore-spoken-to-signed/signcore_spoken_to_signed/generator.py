"""The lexicon system of spoken-to-signed (Moryossef et al., 2023) behind signcore's contract."""

from __future__ import annotations

import contextlib
import io
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from spoken_to_signed.gloss_to_pose import CSVPoseLookup, PoseResult, concatenate_poses
from spoken_to_signed.gloss_to_pose.languages import languages_set
from spoken_to_signed.gloss_to_pose.lookup.fingerspelling_lookup import FingerspellingPoseLookup
from spoken_to_signed.text_to_gloss.types import GlossItem

from signcore.contracts import Context, Sample
from signcore.errors import InputError, PluginFailed, WorkError
from signcore_spoken_to_signed.config import SpokenToSignedConfig, SpokenToSignedInputs

COLUMNS = ("path", "spoken_language", "signed_language", "start", "end", "words", "glosses", "priority")


class SpokenToSigned:
    """Text, or glosses, to one continuous pose of MediaPipe Holistic's points (the 178 that spoken-to-signed keeps), in pixels.

    Each gloss's pose comes from the lexicon, from a related sign language's, or is spelled with the alphabet that the package
    brings (20 sign languages); signs are trimmed to where the hands are raised, shortened to 0.8 s, and joined smoothly.
    Missing: points that the recordings lack, and the points of a hand that hangs down.
    Raises InputError where the lexicon is absent or no lexicon, the pair of languages is not in it, or a word can be neither signed nor
    spelled (or, with missing="skip", none can).
    """

    def __init__(self, config: SpokenToSignedConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or SpokenToSignedConfig(), context or Context()
        if self.config.lexicon is None and not self.config.fingerspelling:
            raise InputError(
                "spoken-to-signed: neither a lexicon nor fingerspelling",
                "set lexicon, or leave fingerspelling on",
            )
        _glosser(self.config.glosser)
        if self.config.lexicon is not None:
            _checked(self.config.lexicon)

    def generate(self, inputs: SpokenToSignedInputs) -> Pose:
        pair = inputs.spoken_language, inputs.signed_language
        self._check_pair(pair)
        sentences = self.glosses(inputs)
        poses = []
        for sentence in self.context.progress(sentences, len(sentences), "sentences"):
            signs = self._signs(sentence, pair)
            if signs:
                words = " ".join(item.word for item in sentence)
                poses.append(
                    _joined([s.pose for s in signs], words, signing_spans=[s.signing_span for s in signs])
                )
        if not poses:
            raise InputError(f"text: no word of it can be signed in {'-'.join(pair)}")
        if len(poses) > 1:  # a sentence is not to be shortened as a sign is
            poses = [_joined(poses, "the sentences", trim=False, max_sign_seconds=None)]
        return _in_pixels(poses[0])

    def inputs_of(self, sample: Sample) -> tuple[SpokenToSignedInputs, Pose]:
        """The glosses of a dataset's sample, in its language where it names one, and its pose."""
        if not sample.glosses or sample.pose is None:
            raise InputError(f"sample {sample.id}: has no glosses or no pose")
        about = {"signed_language": sample.language} if sample.language else {}
        return SpokenToSignedInputs(gloss=" ".join(sample.glosses), **about), sample.pose

    def glosses(self, inputs: SpokenToSignedInputs) -> list[list[GlossItem]]:
        """Sentences of (word, gloss), without punctuation. Raises InputError where nothing is left."""
        if inputs.gloss is not None:
            sentences = [[GlossItem(word, word) for word in inputs.gloss.split()]]
        else:
            make = _glosser(self.config.glosser).text_to_gloss
            try:
                with _quiet():
                    sentences = make(
                        text=inputs.text or "",
                        language=inputs.spoken_language,
                        signed_language=inputs.signed_language,
                    )
            except NotImplementedError as error:
                raise InputError(
                    f"spoken_language: the glosser {self.config.glosser} does not know {inputs.spoken_language!r}",
                    "set glosser=simple",
                ) from error
        kept = [[i for i in s if any(c.isalnum() for c in (i.word or i.gloss))] for s in sentences]
        kept = [[GlossItem(i.word or i.gloss, i.gloss) for i in s] for s in kept if s]
        if not kept:
            raise InputError("text: holds no words")
        return kept

    @cached_property
    def _lookup(self) -> Any:
        spelled = FingerspellingPoseLookup() if self.config.fingerspelling else None
        if self.config.lexicon is None:
            return spelled
        try:
            return CSVPoseLookup(str(self.config.lexicon), backup=spelled)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{self.config.lexicon / 'index.csv'}: not a lexicon's index ({type(error).__name__}: {error})",
                f"its columns are {', '.join(COLUMNS)}",
            ) from error

    def _check_pair(self, pair: tuple[str, str]) -> None:
        parts = [p for p in (self._lookup, self._lookup.backup) if p is not None]
        pairs = {
            (spoken, signed)
            for part in parts
            for spoken, languages in part.words_index.items()
            for signed in languages
        }
        if not any((pair[0], signed) in pairs for signed in languages_set(pair[1])):
            there = ", ".join(sorted("-".join(p) for p in pairs))
            raise InputError(f"no signs for spoken-signed language {'-'.join(pair)}; there are {there}")

    def _signs(self, sentence: list[GlossItem], pair: tuple[str, str]) -> list[PoseResult]:
        """A pose a word. Raises InputError where one has none, or its file is not there or damaged."""
        found, unknown = [], []
        for word, gloss in sentence:
            try:
                with _quiet():
                    found.append(self._lookup.lookup(word, gloss, *pair))
            except FileNotFoundError as error:
                if error.filename is not None:  # not a word that is missing, but a file that the index names
                    raise InputError(
                        f"{error.filename}: no such pose file, but the lexicon's index names it"
                    ) from error
                unknown.append(word)
            except Exception as error:  # pose-format raises what struct and NumPy do
                raise InputError(
                    f"{self.config.lexicon}: the pose of {word!r} cannot be read ({_line(error)})"
                ) from error
        if unknown and self.config.missing == "refuse":
            more = "" if self.config.fingerspelling else ", or turn fingerspelling on"
            words = ", ".join(repr(word) for word in dict.fromkeys(unknown))
            raise InputError(
                f"text: {words} can be neither signed nor spelled in {'-'.join(pair)}",
                f"set missing=skip to leave out such words{more}",
            )
        return found


def _joined(poses: list[Pose], of: str, **how: Any) -> Pose:
    try:
        with _quiet():
            made: Pose = concatenate_poses(poses, **how)
    except Exception as error:
        raise WorkError(
            f"{of!r}: its poses cannot be joined ({_line(error)})",
            "are they all of MediaPipe Holistic's points, and in one rate?",
        ) from error
    return made


def _quiet() -> contextlib.AbstractContextManager:
    """It prints every step."""
    return contextlib.redirect_stdout(io.StringIO())


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or ['?'])[0]}"


def _checked(lexicon: Path) -> None:
    if not lexicon.is_dir():
        raise InputError(f"{lexicon}: no such folder of a lexicon")
    if not (lexicon / "index.csv").is_file():
        raise InputError(
            f"{lexicon}: holds no index.csv", "a lexicon is a folder of .pose files and their index.csv"
        )


def _glosser(name: str) -> Any:
    """The module of a glosser. Raises PluginFailed where what it needs is not installed: it would download models by itself."""
    module = import_module(f"spoken_to_signed.text_to_gloss.{name}")
    if name != "simple":
        try:
            from spacy.util import is_package
        except ImportError as error:
            raise PluginFailed(
                f"glosser {name}: spaCy is not installed", 'pip install "signcore-spoken-to-signed[spacy]"'
            ) from error
        tables = [v for k, v in vars(module).items() if k.startswith("LANGUAGE_MODELS")]
        models = {m for t in tables for v in t.values() for m in ((v,) if isinstance(v, str) else v)}
        if not any(is_package(m) for m in models):
            raise PluginFailed(
                f"glosser {name}: none of spaCy's models {', '.join(sorted(models))} is installed",
                "python -m spacy download one of them",
            )
    return module


def _in_pixels(pose: Pose) -> Pose:
    """float32, and what is not a number or not sure is missing."""
    data = np.ma.getdata(pose.body.data).astype(np.float32)
    confidence = np.nan_to_num(np.ma.filled(pose.body.confidence, 0)).astype(np.float32)
    missing = (confidence <= 0) | ~np.isfinite(data).all(-1) | np.ma.getmaskarray(pose.body.data).any(-1)
    confidence[missing], data[missing] = 0, 0
    mask = np.broadcast_to(missing[..., None], data.shape)
    body = NumPyPoseBody(float(pose.body.fps), np.ma.masked_array(data, mask=mask), confidence)
    return Pose(pose.header, body)
