"""The invented lexicon: one line a gloss, in the terms in which sign phonology describes a sign. Imports nothing heavy.

handshape: a key of `hand.HANDSHAPES`; `a>b` changes while the sign moves.
fingers, palm: where the straight fingers and the palm point: up, down, in (to the other side), out, fwd, back; `a+b` is between.
place: a location of `signs.PLACES`; `base` is on the other hand. touch: the part of the hand that is brought there.
movement: `fwd:12` straight, in cm; `tap:4` off the place and back; `arc-up/in:16` bulging up while moving in; `circle-front:5`
 (front, side or top plane: radius); `twist:40`, `nod:25` in degrees; `wiggle` of the fingers; `hold`; `*2` twice.
hands: one; both (mirrored); alt (mirrored, half a beat apart); or the still base hand as `handshape/fingers/palm`.
"""

from __future__ import annotations

# gloss | handshape | fingers | palm | place | touch | movement | hands
TABLE = """
HOUSE     | flat       | up+in      | in+down   | high      | palm  | down+out:14   | both
DRINK     | c          | in+fwd     | in        | chin      | thumb | nod:35        | one
EAT       | flat-o     | up+back    | back      | mouth     | tip   | tap:6*2       | one
SLEEP     | five>flat-o| up         | back      | face      | palm  | down:12       | one
THINK     | index      | up+in+back | back      | temple    | tip   | circle-front:3*2 | one
KNOW      | bent       | up         | back+in   | temple    | tip   | tap:4*2       | one
SEE       | v          | up+fwd     | back      | eye       | tip   | fwd:18        | one
HEAR      | index      | in+back+up | down+in   | ear       | tip   | tap:5*2       | one
SPEAK     | four       | up         | in        | mouth     | side  | fwd:7*3       | one
NAME      | u          | in+fwd     | back      | base      | tip   | tap:5*2       | u/in+fwd/back
MOTHER    | five       | up         | in        | chin      | thumb | tap:4*2       | one
FATHER    | five       | up         | in        | forehead  | thumb | tap:4*2       | one
CHILD     | flat       | fwd        | down      | low       | palm  | down:5*2      | one
FRIEND    | hook       | in+fwd     | down      | base      | tip   | twist:50      | hook/in+fwd/up
PERSON    | flat       | fwd+up     | in        | side      | palm  | down:18       | both
I-ME      | index      | in+back    | down+back | chest     | tip   | tap:4         | one
YOU       | index      | fwd        | down      | neutral   | palm  | fwd:10        | one
WE        | index      | in+back    | down      | shoulder  | tip   | arc-fwd/in:20 | one
THEY      | index      | fwd+out    | down      | neutral   | palm  | out:18        | one
GO        | index      | up+fwd     | fwd       | neutral   | palm  | arc-up/fwd:16 | both
COME      | index      | up         | back      | neutral   | palm  | nod:40*2      | both
WORK      | fist       | fwd+in     | down      | base      | palm  | tap:5*2       | fist/in+fwd/down
SCHOOL    | flat       | in+fwd     | down      | base      | palm  | tap:6*2       | flat/in+fwd/up
BOOK      | flat       | fwd+up     | in        | centre    | palm  | twist:60      | both
WRITE     | pinch      | fwd+in     | down      | base      | tip   | out:8*2       | flat/in+fwd/up
READ      | v          | in+fwd     | down+back | base      | tip   | down:9*2      | flat/up+in/in
CAR       | fist       | fwd+up     | in        | centre    | palm  | circle-front:6| alt
BIKE      | fist       | fwd        | down      | centre    | palm  | circle-side:6*2 | alt
TREE      | five       | up         | back+in   | high      | palm  | twist:45*2    | one
RAIN      | claw       | up+fwd     | down+fwd  | high      | palm  | down:12*2     | both
SUN       | o>five     | up         | fwd+down  | above     | palm  | down+in:10    | one
WATER     | w          | up         | in        | chin      | side  | tap:4*2       | one
FIRE      | five       | up         | back      | neutral   | palm  | wiggle        | both
WIND      | five       | up+fwd     | in        | high      | palm  | in:8*2        | both
SNOW      | five       | fwd+up     | down      | high      | palm  | down:20 wiggle| both
DAY       | index      | up         | in        | side      | palm  | arc-up/in:26  | one
NIGHT     | bent       | in+fwd     | down      | base      | palm  | nod:30        | flat/in+fwd/down
TOMORROW  | thumb      | up+fwd     | in        | cheek     | side  | arc-up/fwd:14 | one
YESTERDAY | y          | up+back    | fwd+up    | cheek     | thumb | arc-up/back:6 | one
TIME      | hook       | in+fwd     | down      | base      | tip   | tap:4*2       | fist/in+fwd/down
GOOD      | flat       | up         | back      | chin      | tip   | fwd+down:16   | one
BAD       | flat       | up         | back      | mouth     | tip   | down+fwd:20 twist:110 | one
HAPPY     | flat       | in+up      | back      | chest     | palm  | circle-front:5*2 | both
SAD       | five       | up         | back      | face      | palm  | down:14       | both
ANGRY     | claw       | up+in      | back      | face      | palm  | fwd:7         | one
LOVE      | love       | up         | fwd       | neutral   | palm  | in:8*2        | one
LIKE      | five>pinch | in         | back      | chest     | palm  | fwd:14        | one
WANT      | claw       | fwd        | up        | neutral   | palm  | back:10       | both
NEED      | hook       | fwd+up     | down      | neutral   | palm  | nod:40*2      | one
HELP      | thumb      | fwd+in     | in        | base      | palm  | up:9          | flat/in+fwd/up
STOP      | flat       | up+fwd     | in        | base      | side  | tap:9         | flat/in+fwd/up
YES       | fist       | up+fwd     | fwd       | neutral   | palm  | nod:40*2      | one
NO        | three      | up+fwd     | fwd       | side      | palm  | in:7*2        | one
THANKS    | flat       | up+in      | back      | mouth     | tip   | arc-down/fwd:20 | one
PHONE     | y          | up+in+back | in+back   | cheek     | side  | hold          | one
PLAY      | y          | fwd+up     | in        | neutral   | palm  | twist:50*3    | both
DANCE     | v          | down       | back      | base      | tip   | in:7*3        | flat/in+fwd/up
BIRD      | g          | fwd+up     | in        | chin      | side  | nod:20*2      | one
COW       | y          | up+out     | fwd       | temple    | thumb | twist:50*2    | one
CAT       | pinch      | in+up      | in+back   | cheek     | tip   | out:9*2       | both
BULL      | horns      | up         | fwd       | forehead  | thumb | fwd:8         | one
SMALL     | bent       | fwd+up     | in        | wide      | palm  | in:9          | both
BIG       | l          | fwd+up     | in        | neutral   | palm  | out:16        | both
"""

ROWS: dict[str, tuple[str, ...]] = {
    row[0]: row[1:]
    for row in (tuple(cell.strip() for cell in line.split("|")) for line in TABLE.strip().splitlines())
}
GLOSSES: tuple[str, ...] = tuple(ROWS)
