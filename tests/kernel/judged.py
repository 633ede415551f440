"""A made-up register that keeps which rules its records break. It has its own metadata, so that neither
Alembic nor the registers of the program see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flask import current_app
from sqlalchemy.orm import DeclarativeBase

from app.access.actor import Capability
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.access.scope import place as put
from app.core.choices import Choices
from app.core.db import db
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare import register as registering
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.groups import Creates, Lists, Menu, Section
from app.kernel.declare.quality import Quality, Ruling, Severity
from app.kernel.declare.register import Register
from app.kernel.declare.tables import Table, columns
from app.kernel.figures import tally
from app.kernel.rows.judged import Judged
from app.kernel.rows.record import Record
from tests import builders as b


class Base(DeclarativeBase):
    pass


Region.__table__.to_metadata(Base.metadata)  # what records refer to


class Roof(Choices):
    TILE = "tile", "瓦"
    STRAW = "straw", "草"


class Hut(Judged, Record, Base):
    __tablename__ = "hut"
    __table_args__ = feed.indexes("hut")

    name = f.person("户主姓名")
    number = f.id_number("身份证号", required=False)
    phone = f.phone("电话", severities={"invalid": Severity.QUESTIONABLE})
    roof = f.choice("屋面", Roof)
    area = f.decimal("面积", 1, 500, unit="㎡", severities={"high": Severity.QUESTIONABLE})
    plan_year = f.year("年度", 2008, 2030)
    begun = f.date("开工日期", not_after=f.Today(), required=False)
    done = f.date("竣工日期", not_before=begun, shown=begun.given, required=False)
    photos = f.photos("照片", 2, 3)
    people = f.children(
        "人员", f.row("name", f.person("姓名")), f.row("number", f.id_number("身份证号")),
        required=False,
    )  # fmt: skip

    roof.checks.append(
        f.Check("straw", roof.is_(Roof.STRAW) & area.compare("gt", 100), "草房面积过大。",
                Severity.QUESTIONABLE, source="办法第三条", remedy="请核对屋面和面积。")
    )  # fmt: skip


SAID: dict[str, Any] = {
    "title": "棚屋",
    "sections": (
        Section("棚屋", "name number phone roof area plan_year begun done photos people"),
    ),
    "creates": Creates(Level.COUNTY),
    "quality": Quality(
        saving=(), rulings={"people.name.required": Ruling(Severity.INCOMPLETE)}, kept=True
    ),
    "lists": Lists("name roof severities", filters="name roof severities broken"),
    "menus": (Menu("query", "查询", Capability.SEARCH),),
    "figures": {"total": Figure("总数", ALWAYS)},
    "tables": (Table("quality", "数据质量", columns("total incomplete error questionable")),),
    "years": Years("plan_year", 2008),
}


@contextmanager
def huts(**changes: Any) -> Iterator[Register]:
    """The register, its table and its counters, known to the program for a while."""
    register = registering.register(Hut, **SAID | changes)
    try:
        Hut.__table__.create(db.engine, checkfirst=True)
        with unscoped("a made-up register is counted") as session:
            tally.give_slots(session)
            session.commit()
        current_app.extensions.pop("tally_slots", None)
        yield register
    finally:
        registering._registers.remove(register)


@contextmanager
def entering() -> Iterator[None]:
    """Somebody of the county, who enters huts: no role knows of them."""
    who = b.actor(b.COUNTY_MANAGER)
    rights = {(one.value, Hut.__tablename__) for one in (Capability.ENTER, Capability.SEARCH)}
    with acting_as(replace(who, capabilities=who.capabilities | rights)):
        yield


def hut(place: Region, **values: Any) -> Hut:
    """A row that lies there, as bulk writes leave it: nothing is judged. Whoever made the session commits."""
    made = Hut(**{"name": "张三"} | values)
    put(made, place)
    return made
