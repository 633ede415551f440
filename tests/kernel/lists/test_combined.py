"""Conditions on every field, combined: what each finds, how they are said, what cannot be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions.regions import Level, subtree
from app.access.scope import acting_as
from app.core.clock import uuid7
from app.core.db import db, read_only
from app.core.errors import AnjuError, BadInput, NotFound
from app.core.transactions import transaction
from app.kernel.lists import combined
from app.kernel.lists.asked import SMALL_AREA, TooWideNow
from app.kernel.lists.combined import How
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query, parse
from app.kernel.records import creations
from app.modules.archives.choices import ArchiveWay, EnergySaving, RenovationReason
from app.modules.archives.register import ARCHIVE
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders

#: What each of the three households says, beside the year.
SAID: dict[str, dict[str, Any]] = {
    "甲": {
        "head_id": builders.id_number(1), "way": ArchiveWay.REPAIR, "area": Decimal("59.99"),
        "approved_on": dt.date(2012, 3, 1), "reason": RenovationReason.C, "village_group": "Ab组",
        "subsidy": Decimal(0), "demonstration": True, "phone": "13812345678",
        "energy_saving": (EnergySaving.WALL, EnergySaving.ROOF),
    },
    "乙": {
        "head_id": builders.id_number(2), "way": ArchiveWay.REBUILD, "area": Decimal(60),
        "approved_on": dt.date(2012, 12, 31), "reason": RenovationReason.D, "village_group": "西%组",
        "demonstration": False,
    },
    "丙": {"head_id": builders.id_number(3), "area": Decimal(80)},
}  # fmt: skip


@pytest.fixture
def actor(session: Any) -> Any:
    """A county's manager, who has three archives: two in its first village, one in its seat's."""
    who = builders.account(builders.COUNTY_MANAGER)
    with acting_as(builders.actor_of(who)) as actor:
        db.session.rollback()
        for name, said in SAID.items():
            place = builders.seat(Level.VILLAGE)
            with transaction():
                values = {"head_name": name, "plan_year": 2012} | said
                creations.new(ARCHIVE, uuid7(), place.id, values)
        yield actor


def found(actor: Actor, *where: str, **args: str) -> str:
    """The names that a list shows which asks so."""
    asked = MultiDict([*args.items(), *(("where", one) for one in where)])
    with read_only():
        query = parse(ARCHIVE, asked, db.session, actor)
        ledger = Ledger(ARCHIVE, query, db.session, actor)
        page = ledger.page(20)
        assert page.count == ledger.count()
        assert page.count.n == len(page.rows)
    return "".join(sorted(row.head_name for row in page.rows))


#: What is asked, and whom it finds.
FOUND = [
    (["way:any:repair,rebuild"], "乙甲"),
    (["way:none:repair"], "丙乙"),
    (["way:empty"], "丙"),
    (["way:given"], "乙甲"),
    (["area:in:60..80"], "丙乙"),
    (["area:in:..60"], "乙甲"),
    (["area:in:60.01.."], "丙"),
    (["subsidy:in:0..0"], "甲"),
    (["approved_on:in:2012-03-01..2012-12-30"], "甲"),
    (["approved_on:empty"], "丙"),
    (["demonstration:any:no"], "乙"),
    (["demonstration:any:yes,no"], "乙甲"),
    (["energy_saving:any:roof,floor"], "甲"),
    (["energy_saving:none:roof"], "丙乙"),
    (["energy_saving:empty"], "丙乙"),
    (["village_group:contains:b"], "甲"),
    (["village_group:contains:B"], ""),  # the same on every database
    (["village_group:contains:%"], "乙"),
    (["village_group:begins:西"], "乙"),
    (["village_group:is:Ab组"], "甲"),
    (["head_name:begins:甲"], "甲"),
    ([f"head_id:is:{SAID['甲']['head_id']}"], "甲"),
    (["phone:is:138 1234 5678"], "甲"),
    (["photos_before:in:0..0"], "丙乙甲"),
    (["photos_before:empty"], "丙乙甲"),
    (["photos_before:given"], ""),
    (["progress:any:approved"], "丙乙甲"),
    (["broken:given", "reason:any:C"], "甲"),
    (["area:in:60..", "way:any:rebuild"], "乙"),
    (["area:in:60..", "way:any:rebuild", "or", "reason:any:C"], "乙甲"),
    (["or", "or", "reason:any:C", "or"], "甲"),
]  # fmt: skip


def test_every_condition_finds_its_rows(actor: Actor) -> None:
    said = {tuple(where): found(actor, *where) for where, _names in FOUND}
    assert said == {tuple(where): "".join(sorted(names)) for where, names in FOUND}


def test_conditions_stand_beside_filters(actor: Actor) -> None:
    assert found(actor, "area:in:60..", reason="D") == "乙"
    assert found(actor, "area:in:60..", figure="approved", reason="C") == ""


def test_a_division_is_a_condition(actor: Actor) -> None:
    village, county = builders.seat(Level.VILLAGE), builders.region(builders.COUNTY, Level.COUNTY)
    assert found(actor, f"region:within:{village.id}") == "丙乙甲"
    town = builders.below(county, Level.TOWN, 1)
    assert found(actor, f"region:within:{town.id}") == ""
    assert found(actor, f"region:within:{town.id},{village.id}", "reason:any:C") == "甲"
    far = builders.region(builders.FAR_COUNTY, Level.COUNTY)
    with pytest.raises(NotFound):
        found(actor, f"region:within:{far.id}")


#: What cannot be read, and what is said then.
REFUSED = [
    ("nothing:is:1", "没有项目“nothing”"),
    ("area", "不能这样查询"),
    ("area:any:60", "不能这样查询"),
    ("head_id:begins:610122", "不能这样查询"),  # a masked number could be told digit by digit
    ("head_id:contains:610122", "不能这样查询"),
    ("phone:begins:138", "不能这样查询"),
    ("area:in:..", "请填写起或止"),
    ("area:in:80..60", "起大于止"),
    ("area:in:many..", "请填写数字"),
    ("approved_on:in:2012-13-01..", "请填写日期"),
    ("way:any:", "请选择"),
    ("way:any:built", "不在选项中"),
    ("head_name:begins:", "请填写"),
    ("region:within:x", "行政区划有误"),
    (f"village_group:contains:{'长' * 101}", "最多 100 个字"),
    (f"way:any:{','.join(['repair'] * 61)}", "最多 60 个值"),
    ("area:in:1..", "条件最多 30 个"),
]


def test_what_cannot_be_read_is_said(actor: Actor) -> None:
    for where, said in REFUSED:
        texts = [where] * 31 if "最多 30" in said else [where]
        with pytest.raises(BadInput, match=said):
            found(actor, *texts)


def test_all_fields_of_every_register_can_be_asked(actor: Actor) -> None:
    """Whatever a field is: each of its ways reads what its page writes."""
    for register in (ARCHIVE, LOOKBACK):
        for name, made in combined.fields(register).items():
            for how in combined.operators(made):
                _asked(register, name, how, actor)


def _asked(register: Any, name: str, how: How, actor: Actor) -> None:
    made = register.model.__fields__[name]
    values: Sequence[str] = []
    if how in (How.ANY, How.NONE):
        values = [next(iter(made.options() or {"yes": ""}), "yes")]
    elif how is How.RANGE:
        values = ["2000-01-01", ""] if made.kind.name == "date" else ["2000", ""]
    elif how in (How.IS, How.BEGINS, How.CONTAINS):
        values = ["甲"]
    text = combined.written(name, how, values)
    assert combined.parts(text) == (name, how, [v for v in values if v or how is How.RANGE])
    with read_only():
        query = parse(register, MultiDict([("where", text)]), db.session, actor)
        Ledger(register, query, db.session, actor).count()
    assert combined.sentence(register, query.where).startswith(combined.label(register, name))


def test_they_are_said_in_a_sentence(actor: Actor) -> None:
    village = builders.seat(Level.VILLAGE)
    texts = [
        "way:any:repair,rebuild", "area:in:60..80", "subsidy:in:..1000", "or",
        "completed_on:empty", "approved_on:in:2012-01-01..", "phone:is:13812345678",
        f"region:within:{village.id}",
    ]  # fmt: skip
    groups = combined.read(ARCHIVE, texts, db.session, actor)
    assert combined.sentence(ARCHIVE, groups) == (
        "（改造方式是“修缮加固”或“原址翻建”，且改造后房屋面积为60平方米至80平方米，且各级政府补助资金不多于1,000.00元）"
        "或（竣工日期未填，且批准日期不早于2012-01-01，且农户联系电话是“138****5678”，且位于"
        f"{village.full_name}）"
    )


def test_too_large_an_area_is_searched_in_the_background(
    actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless every group stays in one county: then no more than that is read."""
    monkeypatch.setattr("app.kernel.lists.asked.SMALL_AREA", 2)
    assert SMALL_AREA > 2
    county = builders.region(builders.COUNTY, Level.COUNTY).id
    with pytest.raises(TooWideNow, match="综合查询"):
        found(actor, "area:in:60..")
    assert found(actor, "area:in:60..", f"region:within:{county}") == "丙乙"
    village = builders.seat(Level.VILLAGE)
    groups = combined.read(ARCHIVE, [f"region:within:{village.id}"], db.session, actor)
    query = Query(where=groups)
    low, high, *_rest = Ledger(ARCHIVE, query, db.session, actor).conditions()
    assert (low.right.value, high.right.value) == subtree(village.path)
    with pytest.raises(TooWideNow):
        found(actor, f"region:within:{county}", "or", "area:in:60..")


def test_an_error_is_an_answer(actor: Actor) -> None:
    """Whatever an address says."""
    for text in (":", "::", "area:", "area:in", "area:in:a..b..c", "or:or", "region", "x" * 500):
        with pytest.raises(AnjuError):
            found(actor, text)
