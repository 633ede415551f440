"""What modules' tests are made of beside :mod:`tests.builders`: monitoring records, dossiers, parcels,
earlier results. They are written and committed as those are.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.clock import today, uuid7
from app.kernel.declare.flow import State
from app.kernel.records import copies
from app.kernel.rows.household import Household
from app.modules.homes.choices import Grade, Judged, PriorKind, Progress
from app.modules.house_map.earlier import facts as prior
from app.modules.house_map.earlier.facts import PriorFact
from app.modules.house_map.parcels import outlines
from app.modules.house_map.parcels import table as parcels
from app.modules.house_map.parcels.table import Parcel
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import Kind as RenovationKind
from app.modules.renovation.fields import Way
from app.modules.surveys.monitoring.model import Monitoring
from tests.builders import home, household, seat

_numbers = itertools.count(1)


def monitored(place: Region | None = None, **said: Any) -> tuple[Household, Monitoring]:
    """A household of the list of low-income households with its first monitoring record, 未监测."""
    made = home(place, lists=("low_income",), **said)
    with unscoped("tests make households") as session:
        known = copies.of(made, Monitoring)
        row = Monitoring(id=uuid7(), region_id=made.region_id, household_id=made.id, **known)
        session.add(row)
        session.commit()
    return made, row


def dossier(
    place: Region | None = None,
    *,
    stage: Progress | None = None,
    state: State = State.MISSING,
    **columns: Any,
) -> Dossier:
    """A dossier of the present plan year, as the approval of an application opens it, whose
    ``stage`` is approved; in a village of :data:`~tests.builders.COUNTY` unless ``place`` says otherwise.
    """
    lives, _survey = household(place)
    made = Dossier(
        id=uuid7(), region_id=lives.region_id, household_id=lives.id, head_name=lives.head_name,
        head_id=lives.head_id, source_id=uuid7(), state=state, stage=stage,
        plan_year=today().year, kind=RenovationKind.RENOVATION, way=Way.REBUILD, grade=Grade.D,
        applied_on=today() - dt.timedelta(days=400),
    )  # fmt: skip
    for name, value in columns.items():
        setattr(made, name, value)
    with unscoped("tests make dossiers") as session:
        session.add(made)
        session.commit()
    return made


#: A corner of the first parcel, degrees; somewhere in :data:`~tests.builders.COUNTY`.
PARCEL_AT = (109.32, 34.15)


def square(east: float = 0, north: float = 0, side: float = 12) -> list[list[list[float]]]:
    """The coordinates of a square house, ``side`` metres wide, so many metres from PARCEL_AT."""
    x, y = PARCEL_AT[0] + east / 92_000, PARCEL_AT[1] + north / 111_320
    dx, dy = side / 92_000, side / 111_320
    return [[[x, y], [x + dx, y], [x + dx, y + dy], [x, y + dy], [x, y]]]


def parcel(place: Region | None = None, number: str = "", **columns: Any) -> Parcel:
    """A parcel in a village of :data:`~tests.builders.COUNTY` unless ``place`` says otherwise; ``at`` is metres
    east and north of PARCEL_AT.
    """
    place = place or seat(Level.VILLAGE)
    east, north = columns.pop("at", (0, 0))
    outline, _mended = outlines.read({"type": "Polygon", "coordinates": square(east, north)})
    number = number or f"{place.code}{next(_numbers):05}"
    made = Parcel(region_id=place.id, number=number, **parcels.placed(outline), **columns)
    with unscoped("tests make parcels") as session:
        session.add(made)
        session.commit()
    return made


def prior_fact(place: Region | None = None, **columns: Any) -> PriorFact:
    """An earlier result, an appraisal of grade C in 2022 by default, about whom ``columns`` say."""
    place = place or seat(Level.VILLAGE)
    columns = {
        "kind": PriorKind.APPRAISAL, "found_on": dt.date(2022, 5, 3), "grade": Grade.C,
        "judged": Judged.APPRAISAL, "judged_by": "某单位",
    } | columns  # fmt: skip
    made = PriorFact(region_id=place.id, match_key=prior.match_key(columns), **columns)
    with unscoped("tests make earlier results") as session:
        session.add(made)
        session.commit()
    return made
