"""Craftsmen of the demonstration: entered by the accounts of towns and counties, trained in several
years, with certificates that hold, run out soon or have expired; one is asked for by a neighbour.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.account import Account
from app.access.divisions.regions import Level, Region, in_subtree
from app.demo.people import People
from app.demo.places import County, region
from app.kernel.rows.handover import Handover
from app.kernel.rows.household import Sex
from app.modules.craftsmen.model import Craftsman
from app.modules.craftsmen.rules import derive

_A_COUNTY = 48
_PAPERS = ("乡村建设工匠培训合格证", "砌筑工职业资格证", "钢筋工职业技能等级证", "电工作业证")
_WORKS = ("农房新建，担任瓦工", "危房加固改造", "农房抗震改造，负责钢筋绑扎", "村道与院墙砌筑")


def load(
    session: Session, counties: Sequence[County], made: People, day: dt.date, seed: int
) -> dict[str, int]:
    """Some in each county; gives how many. The session sees everything; the caller commits."""
    pick = random.Random(seed)
    rows: list[Craftsman] = []
    for county in counties:
        place = region(session, county.code, Level.COUNTY)
        rows += _county(session, place, made, pick, day)
    session.add_all(rows)
    session.flush()
    _asked_for(session, rows)
    return {"craftsman": len(rows)}


def _county(
    session: Session, place: Region, made: People, pick: random.Random, day: dt.date
) -> list[Craftsman]:
    below = in_subtree(Region.path, place.path)
    villages = session.scalars(
        select(Region).where(below, Region.level == Level.VILLAGE).order_by(Region.path).limit(40)
    ).all()
    accounts = session.scalars(
        select(Account)
        .where(in_subtree(Account.path, place.path), Account.level <= Level.TOWN)
        .order_by(Account.username)
    ).all()
    return [
        _craftsman(pick.choice(villages), pick.choice(accounts), made, pick, day)
        for _ in range(_A_COUNTY)
        if villages and accounts
    ]


def _craftsman(
    village: Region, owner: Account, made: People, pick: random.Random, day: dt.date
) -> Craftsman:
    person = made.person([village.code[:6]], Sex.MALE, pick.randint(1962, 1999))
    qualified = pick.random() < 0.6
    row = Craftsman(
        region_id=village.id, entered_by=owner.uuid, entered_name=owner.first_name,
        name=person.name, id_number=person.number, phone=made.phone(),
        village_group=pick.choice(("一组", "二组", "三组", None)), lead=pick.random() < 0.15,
        qualified=qualified, trades=tuple(sorted(pick.sample(("01", "02", "03", "05", "07"), 2))),
        person_kinds=(pick.choice(("02", "03", "04", "04", "04")),),
        certificates=[_paper(pick, day)] if qualified else [],
        trainings=[_training(pick, day) for _ in range(pick.choice((0, 1, 1, 2)))],
        works=[{"start": day - dt.timedelta(days=pick.randint(400, 3000)), "end": None,
                "what": pick.choice(_WORKS)}],
    )  # fmt: skip
    derive(row)
    return row


def _paper(pick: random.Random, day: dt.date) -> dict[str, Any]:
    """One that never ends, holds for years, runs out soon, or has run out."""
    issued = day - dt.timedelta(days=pick.randint(300, 1500))
    left = pick.choice((None, 900, 400, 60, 20, -40))
    return {
        "name": pick.choice(_PAPERS), "number": f"G{pick.randrange(10**8):08}",
        "issuer": "县住房和城乡建设局", "issued_on": issued,
        "expires_on": None if left is None else day + dt.timedelta(days=left),
    }  # fmt: skip


def _training(pick: random.Random, day: dt.date) -> dict[str, Any]:
    start = day - dt.timedelta(days=pick.randint(20, 1300))
    return {
        "start": start, "end": start + dt.timedelta(days=pick.randint(3, 12)),
        "theory": sorted(pick.sample(("01", "02", "03", "04", "05", "06"), 3)),
        "skills": sorted(pick.sample(("01", "02", "03", "04", "05"), 2)),
        "certified": pick.random() < 0.8,
    }  # fmt: skip


def _asked_for(session: Session, rows: Sequence[Craftsman]) -> None:
    """Somebody of another county asks for the first one."""
    one = rows[0]
    other = next((row for row in rows if row.county_id != one.county_id), None)
    if other is None:
        return
    session.add(
        Handover(
            register="craftsman", record_id=one.id, name=one.name,
            number=Craftsman.__fields__["id_number"].mask(one.id_number),
            from_region_id=one.region_id, from_path=one.path, to_region_id=other.region_id,
            to_path=other.path, asked_by=other.entered_by, asked_name=other.entered_name,
            asked_person="李明", asked_phone="13909180000", reason="该工匠现在我处从业",
        )
    )  # fmt: skip
