"""Every HamNoSys symbol: code point, name, class and meaning. Directions are the signer's own; "out" is away from the body.

The code points are the 210 that the HamNoSys font knows: a private-use block, and nine of ASCII and Latin-1.
Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

_TABLE = """
[punctuation]
0020 hamspace        between alternatives or signs: nothing
0021 hamexclaim      exclamation mark
002C hamcomma        comma
002E hamfullstop     full stop
003F hamquery        question mark
007B hamaltbegin     alternatives begin
007C hammetaalt      or else
007D hamaltend       alternatives end
00A0 hamnbsp         a space that does not break the line
[handshape]
E000 hamfist         fist
E001 hamflathand     flat hand, fingers together
E002 hamfinger2      index finger stretched
E003 hamfinger23     index and middle finger stretched, together
E004 hamfinger23spread  index and middle finger stretched, spread
E005 hamfinger2345   all four fingers stretched, spread
E006 hampinch12      thumb and index finger pinched, the others curled in
E007 hampinchall     thumb and all fingers pinched
E008 hampinch12open  thumb and index finger pinched, the others stretched
E009 hamcee12        C of thumb and index finger, the others curled in
E00A hamceeall       C of thumb and all fingers
E00B hamceeopen      C of thumb and index finger, the others stretched
[thumb]
E00C hamthumboutmod     thumb stretched out to the side
E00D hamthumbacrossmod  thumb across the palm or over the fingers
E00E hamthumbopenmod    thumb opposite the palm or the fingers
[bending]
E010 hamfingerstraightmod  bent at the knuckles, else straight
E011 hamfingerbendmod      rounded: bent in all joints
E012 hamfingerhookmod      hooked: bent in the outer joints
E013 hamdoublebent         doubly bent: by right angles at the knuckles and the middle joints
E014 hamdoublehooked       doubly hooked: the outer joints folded in tight
[finger direction]
E020 hamextfingeru   fingers point up
E021 hamextfingerur  fingers point up and right
E022 hamextfingerr   fingers point right
E023 hamextfingerdr  fingers point down and right
E024 hamextfingerd   fingers point down
E025 hamextfingerdl  fingers point down and left
E026 hamextfingerl   fingers point left
E027 hamextfingerul  fingers point up and left
E028 hamextfingerol  fingers point out and left
E029 hamextfingero   fingers point out
E02A hamextfingeror  fingers point out and right
E02B hamextfingeril  fingers point in and left
E02C hamextfingeri   fingers point in, towards the body
E02D hamextfingerir  fingers point in and right
E02E hamextfingerui  fingers point up and in
E02F hamextfingerdi  fingers point down and in
E030 hamextfingerdo  fingers point down and out
E031 hamextfingeruo  fingers point up and out
[palm]
E038 hampalmu   palm up; of upright fingers: to the body
E039 hampalmur  palm between up and right
E03A hampalmr   palm right
E03B hampalmdr  palm between down and right
E03C hampalmd   palm down; of upright fingers: away from the body
E03D hampalmdl  palm between down and left
E03E hampalml   palm left
E03F hampalmul  palm between up and left
[head location]
E040 hamhead        before the head
E041 hamheadtop     top of the head
E042 hamforehead    forehead
E043 hameyebrows    eyebrows
E044 hameyes        eyes
E045 hamnose        nose
E046 hamnostrils    nostrils
E047 hamear         ear
E048 hamearlobe     ear lobe
E049 hamcheek       cheek
E04A hamlips        lips
E04B hamtongue      tongue
E04C hamteeth       teeth
E04D hamchin        chin
E04E hamunderchin   below the chin
E04F hamneck        neck
[trunk location]
E050 hamshouldertop    top of the shoulder
E051 hamshoulders      height of the shoulders
E052 hamchest          chest
E053 hamstomach        stomach
E054 hambelowstomach   below the stomach
[side]
E058 hamlrbeside   beside it; before the place: on the left, after it: on the right
E059 hamlrat       at its side; before the place: the left one, after it: the right one
[coreference]
E05A hamcoreftag   sets a mark
E05B hamcorefref   refers to a mark
[neutral space]
E05F hamneutralspace   the space before the signer
[limb location]
E060 hamupperarm       upper arm
E061 hamelbow          elbow
E062 hamelbowinside    inside of the elbow
E063 hamlowerarm       forearm
E064 hamwristback      wrist, on the hand's back
E065 hamwristpulse     wrist, at the pulse
E066 hamthumbball      ball of the thumb
E067 hampalm           palm of the hand
E068 hamhandback       back of the hand
E069 hamthumbside      the hand's edge on the thumb's side
E06A hampinkyside      the hand's edge on the little finger's side
[finger]
E070 hamthumb          thumb
E071 hamindexfinger    index finger
E072 hammiddlefinger   middle finger
E073 hamringfinger     ring finger
E074 hampinky          little finger
[finger part]
E075 hamfingertip       tip of the finger
E076 hamfingernail      nail of the finger
E077 hamfingerpad       pad of the finger
E078 hamfingermidjoint  middle joint of the finger
E079 hamfingerbase      base of the finger
E07A hamfingerside      side of the finger
[wrist movement]
E07C hamwristtopulse   the wrist bends to the pulse's side
E07D hamwristtoback    the wrist bends to the hand's back
E07E hamwristtothumb   the wrist bends to the thumb's side
E07F hamwristtopinky   the wrist bends to the little finger's side
[straight movement]
E080 hammoveu    move up
E081 hammoveur   move up and right
E082 hammover    move right
E083 hammovedr   move down and right
E084 hammoved    move down
E085 hammovedl   move down and left
E086 hammovel    move left
E087 hammoveul   move up and left
E088 hammoveol   move out and left
E089 hammoveo    move out
E08A hammoveor   move out and right
E08B hammoveil   move in and left
E08C hammovei    move in, towards the body
E08D hammoveir   move in and right
E08E hammoveui   move up and in
E08F hammovedi   move down and in
E090 hammovedo   move down and out
E091 hammoveuo   move up and out
E0AD hammovecross  move in the shape of a plus sign
E0AE hammoveX      move in the shape of an X
[circle]
E092 hamcircleo    circle about the axis out, clockwise to the signer
E093 hamcirclei    circle about the axis in, counter-clockwise to the signer
E094 hamcircled    circle about the axis down
E095 hamcircleu    circle about the axis up
E096 hamcirclel    circle about the axis left
E097 hamcircler    circle about the axis right
E098 hamcircleul   circle about the axis up-left
E099 hamcircledr   circle about the axis down-right
E09A hamcircleur   circle about the axis up-right
E09B hamcircledl   circle about the axis down-left
E09C hamcircleol   circle about the axis out-left
E09D hamcircleir   circle about the axis in-right
E09E hamcircleor   circle about the axis out-right
E09F hamcircleil   circle about the axis in-left
E0A0 hamcircleui   circle about the axis up-in
E0A1 hamcircledo   circle about the axis down-out
E0A2 hamcircleuo   circle about the axis up-out
E0A3 hamcircledi   circle about the axis down-in
[hand movement]
E0A4 hamfingerplay  the fingers play one after another
E0A5 hamnodding     the hand nods at the wrist
E0A6 hamswinging    the hand swings sideways at the wrist
E0A7 hamtwisting    the forearm twists back and forth
E0A8 hamstircw      the hand stirs clockwise
E0A9 hamstirccw     the hand stirs counter-clockwise
[replacement]
E0AA hamreplace   changes to the posture that follows
[no motion]
E0AF hamnomotion  does not move
[clock]
E0B0 hamclocku     the circle starts up
E0B1 hamclockul    the circle starts up-left
E0B2 hamclockl     the circle starts left
E0B3 hamclockdl    the circle starts down-left
E0B4 hamclockd     the circle starts down
E0B5 hamclockdr    the circle starts down-right
E0B6 hamclockr     the circle starts right
E0B7 hamclockur    the circle starts up-right
E0B8 hamclockfull  one more full circle
[path]
E0B9 hamarcl     the path bulges to the left
E0BA hamarcu     the path bulges up
E0BB hamarcr     the path bulges to the right
E0BC hamarcd     the path bulges down
E0BD hamwavy     wavy path
E0BE hamzigzag   zigzag path
[ellipse]
E0C0 hamellipseh   ellipse, wide
E0C1 hamellipseur  ellipse, rising to the right
E0C2 hamellipsev   ellipse, high
E0C3 hamellipseul  ellipse, rising to the left
[size change]
E0C4 hamincreasing  growing
E0C5 hamdecreasing  shrinking
[size]
E0C6 hamsmallmod   small
E0C7 hamlargemod   large
[manner]
E0C8 hamfast    fast
E0C9 hamslow    slow
E0CA hamtense   tense
E0CB hamrest    with a rest first
E0CC hamhalt    with a sudden stop
[contact]
E0D0 hamclose        close to it
E0D1 hamtouch        touching it
E0D2 haminterlock    interlocked with it
E0D3 hamcross        crossing it
E0D4 hamarmextended  arm stretched out
E0D5 hambehind       behind it
E0D6 hambrushing     brushing along it
[repetition]
E0D8 hamrepeatfromstart         once more, from the start
E0D9 hamrepeatfromstartseveral  several times more, from the start
E0DA hamrepeatcontinue          once more, going on from the end
E0DB hamrepeatcontinueseveral   several times more, going on from the end
E0DC hamrepeatreverse           back again
E0DD hamalternatingmotion       the hands take turns
[grouping]
E0E0 hamseqbegin     one after another: begin
E0E1 hamseqend       one after another: end
E0E2 hamparbegin     at the same time, or of both hands: begin
E0E3 hamparend       at the same time, or of both hands: end
E0E4 hamfusionbegin  run into one movement: begin
E0E5 hamfusionend    run into one movement: end
[between]
E0E6 hambetween   something between this and the next
[other hand]
E0E7 hamplus      and the other hand
[symmetry]
E0E8 hamsymmpar   both hands do the same, in parallel
E0E9 hamsymmlr    both hands do the same, mirrored left and right
[hand]
E0EA hamnondominant  the non-dominant hand
E0EB hamnonipsi      on the other side
[meta]
E0EC hametc          and the like
E0ED hamorirelative  orientation relative to the movement
E0F0 hammime         mimed
E0F1 hamversion40    written in HamNoSys 4.0
"""


@dataclass(frozen=True)
class Symbol:
    """One character of HamNoSys. `slot` is its class: what it may stand for in a notation."""

    code: int
    name: str
    slot: str
    meaning: str

    @property
    def character(self) -> str:
        return chr(self.code)


def _read(table: str) -> dict[str, Symbol]:
    symbols, slot = [], ""
    for line in table.strip().splitlines():
        if line.startswith("["):
            slot = line[1:-1]
        else:
            code, name, meaning = line.split(maxsplit=2)
            symbols.append(Symbol(int(code, 16), name, slot, meaning))
    return {s.character: s for s in sorted(symbols, key=lambda s: s.code)}


SYMBOLS = MappingProxyType(_read(_TABLE))  # by character, in ascending order of the code points
BY_NAME = MappingProxyType({s.name: s for s in SYMBOLS.values()})


def from_names(names: str) -> str:
    """The notation that names spell: `hamfist,hamextfingeru` or separated by spaces. Raises KeyError for an unknown name."""
    return "".join(BY_NAME[name].character for name in names.replace(",", " ").split())


def to_names(text: str) -> str:
    """The symbols' names, separated by spaces; a character that is no symbol stands as `U+0041`."""
    return " ".join(SYMBOLS[c].name if c in SYMBOLS else f"U+{ord(c):04X}" for c in text)
