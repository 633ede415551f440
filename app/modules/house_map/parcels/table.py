"""图斑: footprints of buildings from the disaster-risk census, each with a number, an outline and
what the census says of the house (2024 guideline §三（三）).

A look-up by place goes by squares of about a kilometre (``cell``): one short index range each on
either database, however many parcels there are (docs/adr/parcels.md).
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Index, Integer, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.access.divisions.regions import in_subtree
from app.core.db import Model
from app.kernel.declare import fields as f
from app.kernel.declare.register import Register, all_registers
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.rows.record import Record
from app.modules.homes.choices import ParcelState
from app.modules.homes.house import House
from app.modules.house_map.parcels import outlines
from app.modules.house_map.parcels.outlines import Box, Outline

#: What fields declare whose form chooses a parcel.
CHOOSER = "parcel"
#: As many parcels as one look at the map gives; more, and the map asks to be zoomed in.
MOST_SHOWN = 500
_MOST_CELLS = 80


def _known(made: f.Field) -> f.Field:
    """The house's own field, which the census may not know."""
    found: f.Field = f.variant(made, required=False)
    return found


class Parcel(Record, Model):
    """One footprint. ``outline`` is JSON of :data:`app.modules.house_map.parcels.outlines.Outline`; the box and the
    centre are degrees.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        Index("ix_parcel_number", "number", unique=True),
        Index("ix_parcel_place", "path", "number"),
        Index("ix_parcel_cell", "cell", "path"),
    )

    number = f.text("图斑编号", 40)
    storeys = _known(House.storeys)
    floor_area = _known(House.floor_area)
    year_built = _known(House.year_built)
    structure = _known(House.structure)
    way_built = _known(House.way_built)
    land_nature = _known(House.land_nature)
    address = _known(House.address)
    use = f.text("房屋用途", 40, required=False)

    outline: Mapped[str] = mapped_column(Text, nullable=False)
    cell: Mapped[int] = mapped_column(Integer, nullable=False)
    lon: Mapped[float] = mapped_column(Float, nullable=False)
    lat: Mapped[float] = mapped_column(Float, nullable=False)
    west: Mapped[float] = mapped_column(Float, nullable=False)
    south: Mapped[float] = mapped_column(Float, nullable=False)
    east: Mapped[float] = mapped_column(Float, nullable=False)
    north: Mapped[float] = mapped_column(Float, nullable=False)

    @property
    def shape(self) -> Outline:
        found: Outline = json.loads(self.outline)
        return found


#: What a chosen parcel says of the house: fields of the same name in the survey.
FACTS = tuple(name for name in Parcel.__fields__ if name in House.__fields__ and name != "number")


def placed(outline: Outline) -> dict[str, Any]:
    """The columns that say where an outline lies."""
    box = outlines.box_of(outline)
    lon, lat = box.centre
    return {
        "outline": json.dumps(outline, separators=(",", ":")),
        "cell": outlines.cell_of(lon, lat),
        "lon": lon, "lat": lat,
        "west": box.west, "south": box.south, "east": box.east, "north": box.north,
    }  # fmt: skip


# ---- looking parcels up -------------------------------------------------------------------------


@dataclass(frozen=True)
class Near:
    """Parcels of a part of the map; ``more``: it holds too many, none are given."""

    parcels: list[Parcel]
    more: bool = False


def within(session: Session, box: Box) -> Near:
    """The parcels whose middle lies in the box, nearest to its centre first."""
    cells = outlines.cells_of(box, _MOST_CELLS)
    if cells is None:
        return Near([], more=True)
    query = (
        select(Parcel)
        .where(
            Parcel.cell.in_(cells),
            Parcel.lon.between(box.west, box.east),
            Parcel.lat.between(box.south, box.north),
        )
        .limit(MOST_SHOWN + 1)
    )
    found = list(session.scalars(query))
    if len(found) > MOST_SHOWN:
        return Near([], more=True)
    centre = box.centre
    return Near(sorted(found, key=lambda p: outlines.metres_between(centre, (p.lon, p.lat))))


def numbered(session: Session, start: str, limit: int = 20) -> list[Parcel]:
    """The parcels whose number begins so."""
    end = start[:-1] + chr(ord(start[-1]) + 1)
    query = select(Parcel).where(Parcel.number >= start, Parcel.number < end)
    return list(session.scalars(query.order_by(Parcel.number).limit(limit)))


def any_below(session: Session, path: str) -> bool:
    """Are there parcels in this division, as far as the account's area reaches?"""
    inside = select(Parcel.id).where(in_subtree(Parcel.path, path)).limit(1)
    return session.scalar(inside) is not None


def get(session: Session, number: str) -> Parcel | None:
    """The parcel with this number in the account's area."""
    return session.scalar(select(Parcel).where(Parcel.number == number))


def extent(session: Session, path: str) -> Box | None:
    """The box around the parcels of a village (or of the first of them in a larger division)."""
    some = (
        select(Parcel.west, Parcel.south, Parcel.east, Parcel.north)
        .where(in_subtree(Parcel.path, path))
        .order_by(Parcel.path, Parcel.number)
        .limit(MOST_SHOWN)
        .subquery()
    )
    query = select(
        func.min(some.c.west), func.min(some.c.south), func.max(some.c.east), func.max(some.c.north)
    )
    row = session.execute(query).one()
    return None if row[0] is None else Box(*row)


# ---- which households use them --------------------------------------------------------------------


@dataclass(frozen=True)
class User:
    """A survey that names a parcel."""

    register: Register
    record_id: uuid.UUID
    household_id: uuid.UUID
    head_name: str
    state: Any


def has_parcels(register: Register) -> bool:
    """Do this register's records name the parcel of a house?"""
    return any(made.chooser == CHOOSER for made in register.fields.values())


def users(session: Session, numbers: Iterable[str]) -> dict[str, list[User]]:
    """Who in the account's area uses these parcels; one statement for each register of houses."""
    wanted, found = sorted(set(numbers)), defaultdict(list)
    if not wanted:
        return {}
    for register in all_registers():
        if not has_parcels(register):
            continue
        model = register.model
        said = (model.id, model.household_id, model.head_name, model.state)
        query = select(model.parcel_number, *said).where(
            model.parcel_number.in_(wanted),
            model.parcel_state == ParcelState.CHOSEN,
            model.current,
        )
        for number, *of in session.execute(query.order_by(model.path, model.id)):
            found[number].append(User(register, *of))
    return dict(found)


def others(session: Session, record: Any) -> list[User]:
    """The surveys of other households that name the parcel of this one (several may share a house)."""
    if record.parcel_state != ParcelState.CHOSEN or not record.parcel_number:
        return []
    found = users(session, [record.parcel_number]).get(record.parcel_number, [])
    return [user for user in found if user.household_id != record.household_id]


def facts_of(parcel: Parcel) -> Iterator[tuple[str, Any, str]]:
    """What it says of the house: field, value as forms hold it, text."""
    for name in FACTS:
        value = getattr(parcel, name)
        if not is_missing(value):
            yield name, to_json(value), Parcel.__fields__[name].text(value)
