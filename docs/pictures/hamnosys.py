"""Makes the pictures of docs/hamnosys.md: `python docs/pictures/hamnosys.py [folder with real poses and notation]`."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from signcore.plugins.synthetic import truth
from signcore.plugins.synthetic.hamnosys.performance import frontal, perform
from signcore.plugins.synthetic.render import Renderer, View
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.types import layouts, read_pose
from signcore.types.draw import draw_pose
from signcore.types.hamnosys import from_names, outline, parse
from signcore.types.poses import pose_from_keypoints

HERE = Path(__file__).parent
SIGNS = """
flathand extfingeru palmd shoulders lrat moveo halt
finger2 thumbacrossmod extfingerul palmd forehead lrat touch moveor smallmod
fist thumboutmod extfingero palml shoulders moveu smallmod repeatfromstart
pinch12open extfingero palmd chest lrat movel wavy
cee12 thumbopenmod extfingerol palml lips close replace extfingerul
ceeall extfingerol palml neutralspace moveu
finger2345 thumboutmod extfingeru palmd forehead lrbeside fingerplay
finger23spread extfingero palmd shoulders moveo zigzag
finger2 thumboutmod pinky extfingeru palml ear lrat touch
flathand extfingerl palml chest touch circleo smallmod
finger2345 extfingerl palml stomach touch moveo largemod
symmlr flathand extfingeruo palml shoulders parbegin moved largemod wavy replace extfingero palmd parend
symmlr fist extfingeruo palml chest touch mover fast
symmlr alternatingmotion finger2 extfingerl palmd chest circlel repeatfromstart
symmlr largemod flathand extfingerol palmu chest moveu smallmod repeatreverse
symmlr finger2345 extfingerul palmd touch shoulders movedr arcu
parbegin finger2 extfingerol palmd plus flathand extfingeror palmu parend palm seqbegin touch indexfinger fingertip seqend circled smallmod
parbegin flathand extfingerol palmd plus fist extfingeror palmd parend handback close moved smallmod touch repeatfromstart
parbegin finger2345 extfingeru palml plus flathand extfingerr palmd parend parbegin head lrat plus elbow touch parend twisting smallmod
pinchall fingerstraightmod extfingerui palml lips touch replace finger2345 extfingero
"""  # invented; they show one class of symbols after another


def names(line: str) -> str:
    return " ".join("ham" + word for word in line.split())


def signer(seed: int = TEST_SEEDS + 4) -> Signer:
    made = frontal(Signer.sample(seed))
    return replace(made, look=replace(made.look, sleeve=1.93, scene="plain"))


def frames(notation: str, count: int, side: int) -> np.ndarray:  # uint8 [side, count * side, 3]
    """The signer at `count` moments from the sign's beginning to its end."""
    who = signer()
    done = perform([notation], who)
    renderer = Renderer(who, side, side)
    start, end = done.times[0][0], done.times[-1][1]
    times = np.round(np.linspace(start, end, count) * done.fps).astype(int)
    return np.concatenate([renderer.render(done.joints, int(t)).image for t in times], axis=1)


def signs_picture(path: Path, side: int = 92, count: int = 4) -> None:
    """Every sign with the words of its reading beside it, two columns."""
    font = PIL.ImageFont.load_default(size=11)
    cells = []
    for line in SIGNS.strip().splitlines():
        notation = from_names(names(line))
        words = "; ".join(text for _, text in outline(parse(notation)))
        cell = PIL.Image.new("RGB", (count * side, side + 78), "white")
        cell.paste(PIL.Image.fromarray(frames(notation, count, side)), (0, 0))
        PIL.ImageDraw.Draw(cell).multiline_text(
            (3, side + 2), "\n".join(textwrap.wrap(words, 66)[:6]), fill=(30, 30, 30), font=font, spacing=1
        )
        cells.append(np.asarray(cell))
    rows = [np.concatenate(cells[i : i + 2], axis=1) for i in range(0, len(cells), 2)]
    PIL.Image.fromarray(np.concatenate(rows)).save(path, quality=55)


def real_picture(path: Path, folder: Path, side: int = 130, count: int = 8) -> None:
    """HOUSE and YOUNG of German Sign Language: recorded, and signed from their notation."""
    entries = json.loads((folder / "notation" / "hamnosys.json").read_text(encoding="utf-8")).values()
    rows = []
    for name in ("HOUSE1A", "YOUNG1"):
        notation = next(e["hamnosys"] for e in entries if e["type_name"] == f"{name}^")
        recorded = layouts.to_layout(read_pose(folder / "poses" / f"dgs_{name}.pose"), "openpose_137")
        who = signer()
        done = perform([notation], who)
        view = View(who, 400, 400)
        ours = truth.pose(done.joints, who, view, done.fps)
        for pose in (recorded, ours):
            data, found = np.ma.getdata(pose.body.data)[:, 0, :, :2], pose.body.confidence[:, 0] > 0
            width = np.abs(data[:, 2, 0] - data[:, 5, 0]).mean()
            middle = (data[:, 2] + data[:, 5]).mean(axis=0) / 2.0
            points = np.where(found[..., None], (data - middle) * (120.0 / width) + [200.0, 170.0], np.nan)
            points[:, 8:15] = np.nan  # hips and legs
            drawn = draw_pose(
                pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400), side
            )
            high = np.nanmin(points[:, [4, 7], 1], axis=1) < 330  # frames in which a wrist is up
            first, last = (
                np.flatnonzero(high)[[0, -1]]
                if pose is recorded
                else np.round(np.array(done.times[0]) * done.fps)
            )
            times = np.round(np.linspace(first, last, count)).astype(int)
            rows.append(np.concatenate([drawn[int(t)] for t in times], axis=1))
        rows.append(frames(notation, count, side))
    PIL.Image.fromarray(np.concatenate(rows)).save(path, quality=80)


if __name__ == "__main__":
    signs_picture(HERE / "hamnosys_signs.jpg")
    if len(sys.argv) > 1:
        real_picture(HERE / "hamnosys_real.jpg", Path(sys.argv[1]))
