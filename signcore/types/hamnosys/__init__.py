"""HamNoSys, the Hamburg notation of signs: symbols, a model's tokens, and the structure of a notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signcore._lazy import lazy

if TYPE_CHECKING:
    from signcore.types.hamnosys.parser import LONGEST, parse
    from signcore.types.hamnosys.reading import outline, read_symbols, reading_rows, split_signs
    from signcore.types.hamnosys.structure import Notation
    from signcore.types.hamnosys.symbols import BY_NAME, SYMBOLS, Symbol, from_names, to_names
    from signcore.types.hamnosys.tokenizer import VOCABULARY_SIZE, check_symbols, decode, encode

_WHERE = {
    "LONGEST": "signcore.types.hamnosys.parser",
    "Notation": "signcore.types.hamnosys.structure",
    "parse": "signcore.types.hamnosys.parser",
    "split_signs": "signcore.types.hamnosys.reading",
    "reading_rows": "signcore.types.hamnosys.reading",
    "read_symbols": "signcore.types.hamnosys.reading",
    "outline": "signcore.types.hamnosys.reading",
    "BY_NAME": "signcore.types.hamnosys.symbols",
    "SYMBOLS": "signcore.types.hamnosys.symbols",
    "Symbol": "signcore.types.hamnosys.symbols",
    "from_names": "signcore.types.hamnosys.symbols",
    "to_names": "signcore.types.hamnosys.symbols",
    "VOCABULARY_SIZE": "signcore.types.hamnosys.tokenizer",
    "check_symbols": "signcore.types.hamnosys.tokenizer",
    "decode": "signcore.types.hamnosys.tokenizer",
    "encode": "signcore.types.hamnosys.tokenizer",
}
__all__ = [
    "BY_NAME",
    "LONGEST",
    "SYMBOLS",
    "VOCABULARY_SIZE",
    "Notation",
    "Symbol",
    "check_symbols",
    "decode",
    "encode",
    "from_names",
    "outline",
    "parse",
    "read_symbols",
    "reading_rows",
    "split_signs",
    "to_names",
]
__getattr__, __dir__ = lazy(__name__, _WHERE)
