"""Figures that add up a field, and figures of a year's kinds: whatever happens to rows, lines say what the rows
say, exactly.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import NATION_PATH, Level
from app.access.scope import unscoped
from app.admin.divisions.counts import count_anew
from app.core.clock import today
from app.core.db import db, read_only
from app.core.errors import BadInput
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.register import get_register, rule
from app.kernel.declare.tables import HIGHEST, Column, Mean, Rate, Table
from app.kernel.figures import counters, statistics
from app.kernel.figures import tally as tally_lines
from app.kernel.figures.counters import snapshot
from app.kernel.figures.day_tables import CounterDay, SumDay
from app.kernel.figures.tally import tally
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query, parse
from app.kernel.reports import tables, trend
from app.web.reports.tables import shown
from tests import builders as b
from tests import specimens
from tests.kernel.figures import counted

DOSSIER = get_register("dossier")
assert DOSSIER is not None
r = rule(DOSSIER.model)
SUMS = {
    "area": Figure("改造后面积", r.floor_area.given, sum="floor_area"),
    "measured": Figure("有面积的", r.floor_area.given),
    "central": Figure("中央补助", ALWAYS, sum="central_subsidy"),
    "loan": Figure("贷款", r.tenure.given, sum="loan"),
    "storeys": Figure("层数", ALWAYS, sum="storeys"),
}
TABLE = Table(
    "money",
    "资金",
    (
        Column("total"),
        Column("central"),
        Column("storeys"),
        Mean("户均面积", "area", "measured", HIGHEST),
        Rate("贷款占比", "loan", "central"),
    ),
)
DAY = dt.date(2024, 9, 7)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The dossiers with figures that add up, by year and builder."""
    assert DOSSIER is not None
    specimens.forget_derived(DOSSIER)
    monkeypatch.setattr(DOSSIER, "figures", {**DOSSIER.figures, **SUMS})
    monkeypatch.setattr(DOSSIER, "tables", (*DOSSIER.tables, TABLE))
    monkeypatch.setattr(DOSSIER, "years", Years("plan_year", 2024, by="builder", usual_kind=""))
    yield DOSSIER
    specimens.forget_derived(DOSSIER)


@pytest.fixture
def everything(session: Any, register: Any, places: list[Any]) -> Iterator[Session]:
    with unscoped("sums are proved over all rows") as made:
        tally_lines.give_slots(made)
        made.commit()
        yield made


@pytest.fixture
def places(session: Any) -> list[Any]:
    """Villages of two counties, a town, a county; read before anything is written."""
    county, other = b.region(b.COUNTY), b.region(b.NEXT_COUNTY)
    return [
        b.below(county, Level.VILLAGE, 0), b.below(county, Level.VILLAGE, 30),
        b.below(county, Level.TOWN), county, b.below(other, Level.VILLAGE),
    ]  # fmt: skip


def add(session: Session, place: Any, **values: Any) -> Any:
    """A dossier of a household of its own, and its key."""
    assert DOSSIER is not None
    row = specimens.blank(
        DOSSIER, place, **{"plan_year": 2026, "builder": "self", "kind": "renovation"} | values
    )
    key = row.id
    session.add(row)
    session.commit()
    return key


def require_no_drift(session: Session, register: Any) -> Mapping[Any, int]:
    kept = counters.kept_counts(session, register)
    assert kept == counters.live_counts(session, register)
    assert counters.broken_identities(session, register) == []
    return kept


def answers(chance: random.Random) -> dict[str, Any]:
    """Whatever a form may say of money, areas, year and builder."""
    cents = chance.choice([None, 0, 1, 99, 10**12 - 1, chance.randrange(10**7)])
    return {
        "central_subsidy": None if cents is None else Decimal(cents) / 100,
        "loan": chance.choice([None, Decimal("0.01"), Decimal("1234.56")]),
        "floor_area": chance.choice([None, Decimal("85.35"), Decimal("0.1"), Decimal("9999.99")]),
        "storeys": chance.choice([None, 1, 30]),
        "tenure": chance.choice([None, next(iter(r.tenure.choices))]),
        "plan_year": chance.choice([2025, 2026]),
        "builder": chance.choice([None, *r.builder.choices]),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_random_work(everything: Session, places: list[Any], register: Any, seed: int) -> None:
    """Rows come, change, move, go; savepoints and whole transactions are taken back."""
    chance, alive = random.Random(seed), list[Any]()
    for turn in range(50):
        kind = chance.choice(["add", "change", "change", "move", "delete", "undo", "savepoint"])
        if turn < 8 or not alive or kind == "add":
            alive.append(add(everything, chance.choice(places), **answers(chance)))
            continue
        row = everything.get_one(register.model, chance.choice(alive))
        if kind == "delete":
            everything.delete(row)
            alive.remove(row.id)
        elif kind == "move":
            row.region_id = chance.choice(places).id
        else:
            savepoint = everything.begin_nested() if kind == "savepoint" else None
            for name, value in answers(chance).items():
                setattr(row, name, value)
            everything.flush()
            if savepoint is not None:
                savepoint.rollback()
            elif kind == "undo":
                everything.rollback()
                continue
        everything.commit()
    kept = require_no_drift(everything, register)
    told = {key.partition("/")[2] for key, _place in kept}
    assert len(told) > 2, "the work did something"


def test_what_is_added_up_is_exact(everything: Session, places: list[Any], register: Any) -> None:
    """分 and 0.01 m² as whole numbers; what says nothing, and what the condition leaves out, adds nothing."""
    village = places[0]
    for cents in (10, 20, 9_999_999_999_99):
        add(everything, village, central_subsidy=Decimal(cents) / 100, loan=Decimal("7.00"))
    add(
        everything,
        village,
        floor_area=Decimal("85.35"),
        tenure=next(iter(r.tenure.choices)),
        loan=Decimal("0.29"),
    )
    kept = require_no_drift(everything, register)
    county = places[0].county_id
    of = {name: kept.get((name, county), 0) for name in SUMS}
    assert of == {
        "area": 8535,
        "measured": 1,
        "central": 9_999_999_999_99 + 30,
        "loan": 29,
        "storeys": 0,
    }
    assert counters.total(everything, register, "central@2026/self", NATION_PATH) == of["central"]


def test_rebuilding_mends_sums_and_kinds(
    everything: Session, places: list[Any], register: Any
) -> None:
    key = add(everything, places[0], central_subsidy=Decimal("1.50"))
    everything.execute(counted.spoil("dossier", "central@2026/self", 7))
    everything.execute(tally.delete().where(tally.c.register == "dossier", tally.c.dim == "2026"))
    everything.commit()
    assert counted.rebuild(everything, register) > 1
    everything.commit()
    require_no_drift(everything, register)
    everything.get_one(register.model, key).builder = "firm"
    everything.commit()
    kept = require_no_drift(everything, register)
    assert {key for key, _place in kept if key.startswith("central")} == {
        "central", "central@2026", "central@2026/firm",
    }  # fmt: skip


def test_towns_that_give_a_village_are_counted_anew(
    everything: Session, places: list[Any], register: Any
) -> None:
    village = places[0]
    add(everything, village, central_subsidy=Decimal("3.00"))
    town = village.path[:-4]
    everything.execute(tally.delete().where(tally.c.path == town))
    count_anew(everything, [town])
    everything.commit()
    require_no_drift(everything, register)


def test_days_keep_counts_and_sums(everything: Session, places: list[Any], register: Any) -> None:
    """Apart, and more money in 分 than a count may be."""
    add(everything, places[0], central_subsidy=Decimal("21474836.48"))
    add(everything, places[0], central_subsidy=Decimal("3.05"))
    snapshot(everything, DAY)
    snapshot(everything, DAY)

    def kept(table: Any) -> dict[str, int]:
        rows = select(table.figure, table.n).where(
            table.register == "dossier", table.region_id == b.seat(Level.NATION).id
        )
        return dict(everything.execute(rows).all())

    counts, sums = kept(CounterDay), kept(SumDay)
    assert counts["total"] == counts["total@2026/self"] == 2
    assert sums["central"] == sums["central@2026/self"] == 2_147_483_953
    assert not counts.keys() & sums.keys()


def test_a_trend_of_sums(everything: Session, places: list[Any], register: Any) -> None:
    """Days as tables say sums, in a chart of each unit beside that of counts; one statement more for none."""
    add(everything, places[0], central_subsidy=Decimal("1234567.80"))
    snapshot(everything, today() - dt.timedelta(days=1))
    snapshot(everything, before := today() - dt.timedelta(days=2))
    everything.execute(
        delete(SumDay).where(SumDay.day == before)
    )  # a day from before sums were kept
    everything.commit()
    add(everything, places[0], central_subsidy=Decimal("0.05"))
    everything.commit()
    table = replace(TABLE, progress=("total", "total"), chart=("total",))
    with read_only(), b.acting(b.MINISTRY):
        report, line = trend.report(register, table, b.seat(Level.NATION), 30, 2026)
        charts = trend.charts_of_sums(line, table)
        counted = trend.chart(line, table.chart)
    at = [head[-1] for head in report.heads].index("中央补助（元）")
    assert [row.cells[at].value for row in report.rows] == [
        Decimal("1234567.85"), Decimal("1234567.80"), "—",
    ]  # fmt: skip
    assert report.rows[0].cells[at].sub == "123.46万元"
    assert counted is not None
    assert [one["values"] for one in counted["series"]] == [[1, 1, 2]]
    money = next(one for one in charts if one["unit"] == "元")
    assert money["series"][0]["values"] == [None, 1234567.8, 1234567.85]
    assert "从1,234,567.80元到1,234,567.85元" in money["text"]
    assert len(charts) == len({one["unit"] for one in charts})


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [Level.NATION, Level.COUNTY, Level.TOWN])
def test_a_table_of_a_year_and_kind(
    everything: Session, places: list[Any], register: Any, level: Level
) -> None:
    """From lines and from rows alike: numbers with two decimals, means, no links but from counts."""
    village = places[0]
    tenure = next(iter(r.tenure.choices))
    add(everything, village, central_subsidy=Decimal("1234567.80"), loan=Decimal("617283.90"), tenure=tenure,
        floor_area=Decimal("80.00"), storeys=2)  # fmt: skip
    add(everything, village, floor_area=Decimal("80.35"), storeys=1)
    add(everything, village, builder="firm", central_subsidy=Decimal("9.00"))
    add(everything, village, plan_year=2025, central_subsidy=Decimal("9.00"))
    with b.acting(b.MINISTRY) as ministry:
        place = b.above(village, level)
        report = tables.report(register, TABLE, place, 2026, "self")
        whole = tables.report(register, TABLE, place, 2026)
        asked = Query(region=place, figure="total@2026/self")
        assert Ledger(register, asked, db.session(), ministry).count().n == 2
    assert report.heads == (
        ("总户数",), ("中央补助（元）",), ("层数（层）",), ("户均面积（平方米）",), ("排名",), ("贷款占比",),
    )  # fmt: skip
    assert [cell.text for cell in report.rows[0].cells] == [
        "2",
        "1,234,567.80",
        "3",
        "80.18",
        "—",
        "50.00%",
    ]
    assert whole.rows[0].cells[1].text == "1,234,576.80"
    links = [cell["url"] for cell in shown(report, "/x")["rows"][0]["cells"]]
    assert links[0].endswith(f"?figure=total@2026/self&region={place.id}")
    assert links[1:] == [None] * 5


@pytest.mark.parametrize(
    "key", ["total@2026/nothing", "total@2026/", "total@/self", "total@self", "central"]
)
def test_an_address_that_names_no_counting_figure_is_refused(
    everything: Session, register: Any, key: str
) -> None:
    with b.acting(b.COUNTY_MANAGER) as actor, pytest.raises(BadInput):
        parse(register, {"figure": key}, everything, actor)


def test_the_kind_that_an_address_asks_for(register: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = statistics.kind_asked_for
    assert (ask(register, 2026, None), ask(register, 2026, "firm"), ask(register, 2026, "all")) == (
        "",
        "firm",
        "",
    )
    usual = Years("plan_year", 2024, usual=lambda: 2026, by="builder", usual_kind="firm")
    monkeypatch.setattr(register, "years", usual)
    assert [ask(register, year, None) for year in (2026, 2025, None)] == ["firm", "", ""]
    for year, text in ((2026, "nothing"), (None, "firm"), (2026, "firm ")):
        with pytest.raises(BadInput):
            ask(register, year, text)
    assert register.figure_label("total@2026/firm") == "总户数（2026年，施工企业）"
