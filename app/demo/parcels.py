"""Footprints of houses in some demonstration villages, and what was known of the houses before."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator
from typing import Any

from app.access.divisions import borders
from app.demo.places import Place
from app.modules.homes.choices import Grade, Judged, PriorKind
from app.modules.homes.house import APPRAISALS_FROM
from app.modules.house_map.earlier import facts as prior
from app.modules.house_map.parcels import outlines
from app.modules.house_map.parcels import table as parcels

#: Villages of each county whose houses are on the map.
VILLAGES = 5
_FREE = 18  # parcels of a village that nobody has chosen
_LANE = 8  # houses on each side of a lane
_JUDGES = ("商洛市房屋安全鉴定中心", "宝鸡华信建设工程质量检测有限公司")

Values = dict[str, Any]


def of_village(pick: random.Random, place: Place, used: dict[str, Values]) -> Iterator[Values]:
    """Parcels of one village: those that its surveys name, with what these say, and free ones."""
    border = borders.of_county(place.code)
    if border is None:
        return
    x, y = outlines.box_of(border).centre
    x, y = x + pick.uniform(-0.06, 0.06), y + pick.uniform(-0.04, 0.04)
    numbers = [*used, *(f"{place.code}9{n:04}" for n in range(_FREE))]
    pick.shuffle(numbers)
    turn = pick.uniform(-0.5, 0.5)
    for n, number in enumerate(numbers):
        lane, nth = divmod(n, 2 * _LANE)
        east = (nth // 2) * 24 + pick.uniform(-3, 3)
        north = lane * 60 + (nth % 2) * 22 + pick.uniform(-2, 2)
        house = _house(pick, (x, y), (east, north), turn)
        survey = used.get(number) or _unknown(pick)
        facts = {name: survey.get(name) for name in parcels.FACTS}
        yield {"number": number, "use": "住宅"} | facts | parcels.placed(house)


def _house(
    pick: random.Random, origin: outlines.Point, at: tuple[float, float], turn: float
) -> outlines.Outline:
    """A rectangle, or one with a wing; ``at`` in metres from the village's corner."""
    wide, deep = pick.uniform(9, 14), pick.uniform(7, 11)
    corners = [(0.0, 0.0), (wide, 0.0), (wide, deep), (0.0, deep)]
    if pick.random() < 0.35:
        wing = wide * 0.4
        corners = [(0, 0), (wide, 0), (wide, deep), (wing, deep), (wing, deep + 5), (0, deep + 5)]
    cos, sin = math.cos(turn), math.sin(turn)
    across = 111_320 * math.cos(math.radians(origin[1]))
    ring = []
    for x, y in [*corners, corners[0]]:
        east, north = at[0] + x, at[1] + y
        place = (east * cos - north * sin) / across, (east * sin + north * cos) / 111_320
        ring.append([origin[0] + place[0], origin[1] + place[1]])
    found, _mended = outlines.read({"type": "Polygon", "coordinates": [ring]})
    return found


def _unknown(pick: random.Random) -> Values:
    """What the census says of a house that no survey has named yet."""
    return {
        "storeys": pick.choice((1, 1, 2)),
        "floor_area": round(pick.uniform(60, 180), 2),
        "year_built": pick.choice(("02", "03", "04", "05")),
        "structure": pick.choice(("01", "01", "02", "05")),
        "way_built": "01",
        "land_nature": "01",
    }


def known_before(
    pick: random.Random, home: Values, answers: Values, today: dt.date
) -> Iterator[Values]:
    """What other systems knew of a household's house: mostly what the survey found, at times not."""
    if not home["head_id"] or pick.random() > 0.12:
        return
    kind = pick.choice(list(PriorKind))
    found_on = dt.date(pick.randint(2018, 2023), pick.randint(1, 12), pick.randint(1, 28))
    grade = answers.get("grade") or pick.choice((Grade.A, Grade.B, Grade.B, Grade.C))
    if pick.random() < 0.2:
        grade = pick.choice(list(Grade))
    row: Values = {
        "kind": kind, "found_on": min(found_on, today), "head_name": home["head_name"],
        "id_number": home["head_id"],
    }  # fmt: skip
    if kind == PriorKind.APPRAISAL:
        row |= {"judged": Judged.APPRAISAL, "judged_by": pick.choice(_JUDGES), "grade": grade}
        row["found_on"] = max(row["found_on"], APPRAISALS_FROM)
    elif kind == PriorKind.RENOVATION:
        row |= {"grade": Grade.A}
    else:
        facts = _unknown(pick) | {n: v for n, v in answers.items() if n in prior.FACTS and v}
        row |= {name: facts.get(name) for name in ("storeys", "year_built", "structure")}
        row |= {"grade": grade, "judged": Judged.ASSESSMENT}
    yield row | {"match_key": prior.match_key(row)}
