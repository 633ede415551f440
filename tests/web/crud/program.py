"""The program with the views of docs/examples/contractors.py and of crews.py, as one who knows FAB adds them,
and rows that its tests find: in the county of the tests (home), and in one of another province (far).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import Flask
from sqlalchemy import Table, insert, text

from app import create_app as create
from app.access import roles
from app.access.divisions.regions import Level, Region
from app.core.clock import uuid7
from app.core.db import Model, db
from app.core.transactions import transaction
from app.kernel.declare.register import all_registers
from app.web.crud.gate import Gated
from tests import builders
from tests.web.crud import crews, register_views, sites
from tests.web.crud.conftest import APIS, OF_REGISTERS, VIEWS
from tests.web.crud.example import Contract, Contractor, contractors

DAY = dt.date(2026, 3, 1)
#: Sites that name others alike.
SITES = 60
#: More skills and firms than a select offers.
SKILLS, FIRMS = 230, 215
#: The key of whatever lies far.
FAR = 9001


def create_app() -> Flask:
    """The application; what a deploy would do for the views is done as it starts."""
    app = create()
    with app.app_context():
        made: list[Any] = [Contractor, Contract, *crews.MODELS, *register_views.MODELS, sites.Site]
        tables = [model.__table__ for model in made] + [Model.metadata.tables["crew_skill"]]
        tables += sites.BETWEEN.values()
        Model.metadata.create_all(db.engine, tables)
        home = builders.seat(Level.VILLAGE)
        far = builders.seat(Level.VILLAGE, builders.FAR_COUNTY)
        beside = builders.below(builders.region(builders.COUNTY), Level.VILLAGE, 1)
        for views in (register_views, sites):
            views.register(app.extensions["appbuilder"])
        _require_asked(app.extensions["appbuilder"].baseviews)
        with transaction():
            roles.sync(db.session(), [r.name for r in all_registers()])
            for table, rows in _rows(_place(home), _place(far), _place(beside)):
                names = {name for row in rows for name in row}
                db.session.execute(insert(table), [dict.fromkeys(names) | row for row in rows])
            if db.engine.dialect.name == "postgresql":  # keys go on behind those that were given
                for table in ("skill", "crew", "shift", "tool", "site"):
                    behind = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {2 * FAR})"
                    db.session.execute(text(behind))
    return app


def _require_asked(views: list[Any]) -> None:
    """:raises AssertionError: a view's rights and scope are asked by no test."""
    generated = [view for view in views if isinstance(view, Gated)]
    own = [view for view in generated if not type(view).__module__.startswith("app.")]
    names = {view.route_base.rpartition("/")[2] for view in own}
    assert names == {*VIEWS, *APIS, *OF_REGISTERS}, names


def _place(region: Region) -> dict[str, Any]:
    return {
        "region_id": region.id, "path": region.path,
        "county_id": region.county_id, "province_id": region.province_id,
    }  # fmt: skip


def _rows(
    home: dict[str, Any], far: dict[str, Any], beside: dict[str, Any]
) -> list[tuple[Table, list[dict[str, Any]]]]:
    firms = [
        _firm(f"备选{n:03}" if n > 10 else f"可选{n:03}", n, home) for n in range(1, FIRMS + 1)
    ]
    firms.append(_firm("远方公司", FAR, far))
    contract = {"signed_on": DAY, "amount": 100}
    crew = {
        "name": "一组",
        "badge": None,
        "hidden": "secret",
        "size": 5,
        "firm_id": firms[50]["id"],
    }
    there = {"name": "远方班组", "badge": "FAR", "firm_id": firms[-1]["id"]}
    gone = {"name": "看不见的", "hidden": "gone"}
    first = {"size": 3, "wage": 1.5, "insured": True, "firm_id": firms[50]["id"]}
    first |= {"founded": dt.date(2020, 1, 1), "checked_at": dt.datetime(2026, 1, 1, 8)}
    second = {"size": 7, "wage": 2.5, "insured": False, "firm_id": firms[51]["id"]}
    second |= {"founded": dt.date(2021, 1, 1), "checked_at": dt.datetime(2026, 1, 2, 8)}
    asked = {"甲%乙": first, "甲_乙": second, "甲x乙": {}, "Ab\\c": {"size": -1}}
    return [
        (crews.Skill.__table__, [{"id": n, "name": f"技能{n:03}"} for n in range(1, SKILLS + 1)]),
        (Contractor.__table__, firms),
        (Contract.__table__, [
            {"id": uuid7(), "title": f"合同{n:02}", "contractor_id": firms[0]["id"]} | contract | home
            for n in range(1, 31)
        ] + [{"id": uuid7(), "title": "远方合同", "contractor_id": firms[-1]["id"]} | contract | far]),
        (crews.Crew.__table__, [
            {"id": 1} | crew | home, {"id": 2} | crew | home | {"name": "二组"},
            {"id": FAR} | crew | there | far, {"id": FAR + 1} | crew | gone | home,
            *({"id": n, "badge": f"P{n}", "name": name, "hidden": "secret"} | said | home
              for n, (name, said) in enumerate(asked.items(), 11)),
        ]),
        (Model.metadata.tables["crew_skill"],
         [{"crew_id": 1, "skill_id": n} for n in range(1, SKILLS + 1)]
         + [{"crew_id": 11, "skill_id": 1}, {"crew_id": 11, "skill_id": 2}, {"crew_id": 12, "skill_id": 2}]),
        (crews.Shift.__table__, [
            {"id": 1, "crew_id": 1, "works_on": DAY}, {"id": FAR, "crew_id": FAR, "works_on": DAY},
        ]),
        (crews.Tool.__table__, [
            {"id": 1, "name": "锤子", "crew_id": 1} | home,
            {"id": FAR, "name": "远方锤子", "crew_id": FAR} | far,
        ]),
        *_sites([firm["id"] for firm in firms], (home, beside), far),
    ]  # fmt: skip


def _sites(
    firms: list[Any], homes: Sequence[dict[str, Any]], far: dict[str, Any]
) -> list[tuple[Table, list[dict[str, Any]]]]:
    """Each names two of its own area by each relation; the first one of another area, too."""
    numbers = range(1, SITES + 1)
    named = {"builder_id": firms[0], "designer_id": firms[1], "crew_id": 1}
    there = {"builder_id": firms[-1], "designer_id": firms[-1], "crew_id": FAR}
    others = {
        "skills": (1, 2), "crews": (11, 12), "reserve": (12, 13), "firms": (firms[3], firms[2]),
    }  # fmt: skip
    foreign = {"crews": FAR, "reserve": FAR, "firms": firms[-1]}
    return [
        (sites.Site.__table__,
         [{"id": n, "name": f"工地{n:03}"} | named | homes[(n - 1) % len(homes)] for n in numbers]
         + [{"id": FAR, "name": "远方工地"} | there | far]),
        *((sites.BETWEEN[name], [{"site_id": n, "other_id": key} for n in numbers for key in keys])
          for name, keys in others.items()),
        *((sites.BETWEEN[name], [{"site_id": 1, "other_id": key}]) for name, key in foreign.items()),
    ]  # fmt: skip


def _firm(name: str, number: int, place: dict[str, Any]) -> dict[str, Any]:
    grade = contractors.Grade.FIRST if number % 2 else contractors.Grade.SECOND
    code = f"TEST{number:014}"
    said = {"name": name, "code": code, "grade": grade, "phone": "13800138000", "active": True}
    return {"id": uuid7()} | said | place
