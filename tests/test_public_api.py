"""The names that other people import, as committed in public_api.txt: a change to them is seen, and meant."""

import importlib
import inspect
from pathlib import Path

INVENTORY = Path(__file__).with_name("public_api.txt")
MODULES = (
    "signcore",
    "signcore.types",
    "signcore.contracts",
    "signcore.kernels",
    "signcore.kernels.build",
    "signcore.kernels.numpy",
    "signcore.errors",
)


def inventory() -> str:
    lines = []
    for name in MODULES:
        module = importlib.import_module(name)
        public = getattr(module, "__all__", None) or [
            n for n, v in vars(module).items() if inspect.isclass(v) and v.__module__ == name
        ]
        for member in sorted(public):
            value = getattr(module, member)
            signature = ""
            if inspect.isfunction(value):
                bare = [
                    p.replace(annotation=inspect.Parameter.empty)
                    for p in inspect.signature(value).parameters.values()
                ]
                signature = str(inspect.Signature(bare))
            lines.append(f"{name}.{member}{signature}")
    return "\n".join(lines) + "\n"


def test_the_public_names_are_those_that_are_listed():
    assert inventory() == INVENTORY.read_text(), (
        "the public API changed; if that is meant: python tests/test_public_api.py > tests/public_api.txt"
    )


if __name__ == "__main__":
    print(inventory(), end="")
