"""Everything signcore raises on purpose; one line each: what is wrong, where, what to do.

SigncoreError                 .hint: one sentence that says what to do next; .exit_code: what the command line returns
├── UsageError                the command, its inputs or its settings are wrong                       exit 2
│   ├── ConfigError           a setting is unknown, missing, of the wrong type or out of range
│   ├── UnknownComponent      no component of that kind has that name
│   ├── AmbiguousComponent    several distributions provide it: write distribution/name
│   ├── InputError            a file or value given as input cannot be used (also a ValueError)
│   ├── ArgumentError         a kernel's argument has a wrong shape or value (also a ValueError)
│   └── ArgumentTypeError     a kernel's argument has a wrong type, dtype or device (also a TypeError)
├── PluginError               a chosen plugin cannot be used                                          exit 3
│   ├── PluginFailed          it could not be imported, declared or constructed
│   └── ContractError         it returned something that its contract forbids
└── WorkError                 the work itself failed: disk full, NaN, out of memory, bad weights       exit 1
    └── WeightsError          weights are missing, damaged, or of another architecture
"""

from __future__ import annotations


class SigncoreError(Exception):
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def line(self) -> str:
        """The message and the hint as one line, for terminals and logs."""
        text = " ".join(str(self).split())
        return f"{text}; {self.hint}" if self.hint else text


class UsageError(SigncoreError):
    exit_code = 2


class ConfigError(UsageError): ...


class UnknownComponent(UsageError): ...


class AmbiguousComponent(UsageError): ...


class InputError(UsageError, ValueError): ...


class PluginError(SigncoreError):
    exit_code = 3


class PluginFailed(PluginError): ...


class ContractError(PluginError): ...


class WorkError(SigncoreError): ...


class WeightsError(WorkError): ...


class ArgumentError(UsageError, ValueError):
    """A kernel's argument has a wrong shape or value; the message starts with its name."""


class ArgumentTypeError(UsageError, TypeError):
    """A kernel's argument has a wrong type, dtype or device; the message starts with its name."""


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: Python's, a GPU's, or a CPU's, for which torch raises a bare RuntimeError."""
    told = str(error).lower()
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in told for word in words)
    )
