"""Write requirements/lowest.txt (every direct dependency at its lower bound) and newest.txt: `make lock`.

Each is what pip chose in a fresh environment of this Python. torch is given, because a build for the processor alone
comes from wherever the machine has it.
"""

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

FOLDER = Path(__file__).parent


def pins(torch: str, lowest: bool) -> list[str]:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    wanted = [d for d in project["dependencies"] if not d.startswith("torch>")]
    wanted = [d.replace(">=", "==") for d in wanted] if lowest else [d.split(">=")[0] for d in wanted]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", torch], check=True)
        subprocess.run([*pip, "install", *wanted], check=True)
        subprocess.run([*pip, "check"], check=True)
        frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    return [line.split("+")[0] for line in frozen.splitlines() if "==" in line]


if __name__ == "__main__":
    for name in ("lowest", "newest"):
        lines = pins(sys.argv[1], name == "lowest")
        head = f"# Python {sys.version_info[0]}.{sys.version_info[1]}; made by `make lock`\n"
        (FOLDER / f"{name}.txt").write_text(head + "\n".join(lines) + "\n")
