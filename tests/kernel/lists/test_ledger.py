"""Lists page by key, count by counters, and never lose or repeat a row."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, Capability, Kind
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.clock import uuid7
from app.core.errors import BadInput, NotFound
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.households import lists as households
from app.kernel.lists.ledger import Ledger, TooWide
from app.kernel.lists.query import parse
from app.kernel.rows.household import Household, match_key
from app.modules.surveys.lookback.register import LOOKBACK

NAMES = ["王一", "王二", "王小三", "李四", "李%五", "张_六", "赵七"]


def actor_in(region: Region) -> Actor:
    """Anyone who may look, in ``region``."""
    return Actor(
        uuid7(), "x", "x", region.level, Kind.MANAGER, region.id, region.path,
        capabilities=frozenset({(Capability.SEARCH.value, "lookback")}),
    )  # fmt: skip


def settle() -> None:
    """110 surveys in random states over all villages of the test divisions."""
    rng = random.Random(7)
    with unscoped("test data over all divisions") as everywhere:
        villages = list(everywhere.scalars(select(Region).where(Region.level == Level.VILLAGE)))
        rng.shuffle(villages)
        del villages[40:]  # each flush goes through all that a session knows
        for n in range(110):
            village = villages[n % len(villages)]
            name = rng.choice(NAMES) + str(n)
            household = Household(
                region_id=village.id, issued_name=name, head_name=name, match_key=match_key(None, n)
            )
            households.join(everywhere, household)
        everywhere.commit()
        for survey in everywhere.scalars(select(LOOKBACK.model)):
            survey.state = rng.choice(list(State))
        everywhere.commit()


@pytest.fixture
def arranged() -> Any:
    return settle


@pytest.fixture
def filled(session: Any) -> dict[str, Any]:
    """The surveys, the nation, and the county of one of them."""
    with unscoped("tests look everywhere") as everywhere:
        rows = list(everywhere.scalars(select(LOOKBACK.model)))
        nation = everywhere.scalar(select(Region).where(Region.level == Level.NATION))
        county = everywhere.get(Region, rows[0].county_id)
        return {"rows": rows, "nation": nation, "county": county}


def ledger(session: Any, actor: Actor, **args: Any) -> Ledger:
    given = MultiDict(
        [(k, v) for k, vs in args.items() for v in (vs if isinstance(vs, list) else [vs])]
    )
    return Ledger(LOOKBACK, parse(LOOKBACK, given, session, actor), session, actor)


def walk(found: Ledger, size: int = 20) -> list[Any]:
    """All rows page by page, checking positions and the way back."""
    rows, page = [], found.page(size)
    while True:
        assert page.first == (len(rows) + 1 if page.rows else 0)
        rows += [row.id for row in page.rows]
        if page.after is None:
            return rows
        following = found.page(size, after=page.after)
        back = found.page(size, before=following.before)
        assert [r.id for r in back.rows] == [r.id for r in page.rows]
        assert back.first == page.first
        page = following


@pytest.mark.parametrize("where", ["nation", "county"])
@pytest.mark.parametrize(
    "args", [{}, {"state": "approved"}, {"figure": "returned"}, {"state": ["draft", "returned"]}]
)
def test_pages_hold_every_row_once_in_path_order(
    session: Any, filled: dict[str, Any], where: str, args: dict[str, Any]
) -> None:
    region = filled[where]
    wanted = args.get("state") or (SENT_BACK if "figure" in args else list(State))
    states = [wanted] if isinstance(wanted, str) else wanted
    expected = sorted(
        (r for r in filled["rows"] if r.path.startswith(region.path) and r.state in states),
        key=lambda r: (r.path, r.id.hex),
    )
    with acting_as(actor_in(region)) as actor:
        found = ledger(session, actor, **args)
        assert str(found.count()) == f"{len(expected):,}"
        assert walk(found) == [r.id for r in expected]
        number = max(1, len(expected) // 20)
        numbered = found.page(20, number=number)
        assert [r.id for r in numbered.rows] == [
            r.id for r in expected[(number - 1) * 20 : number * 20]
        ]
        streamed = [row.id for batch in found.stream(7) for row in batch]
        assert streamed == [r.id for r in expected]


def test_search_by_name_takes_wildcards_as_text_and_sorts_by_name(
    session: Any, filled: dict[str, Any]
) -> None:
    with acting_as(actor_in(filled["nation"])) as actor:
        for prefix in ("王", "李%", "张_", "%", "无此人"):
            expected = sorted(r.head_name for r in filled["rows"] if r.head_name.startswith(prefix))
            found = ledger(session, actor, head_name=prefix)
            names = {r.id: r.head_name for r in filled["rows"]}
            assert [names[key] for key in walk(found)] == expected
            assert found.count().n == len(expected)


def test_a_household_is_found_by_issued_name_present_head_and_number_once(
    session: Any, filled: dict[str, Any]
) -> None:
    with acting_as(actor_in(filled["county"])) as actor:
        # the last of all names: no other one begins with it
        household = session.scalar(select(Household).order_by(Household.issued_name.desc()))
        issued = household.issued_name
        households.new_head(session, household, issued + "之子", "610122198507223516", None)
        session.commit()
        for args in (
            {"head_name": issued},
            {"head_id": "610122198507223516"},
            {"head_name": issued + "之"},
        ):
            rows = ledger(session, actor, **args).page(20).rows
            assert [(r.household_id, r.former_head) for r in rows] == [(household.id, issued)]


def test_without_an_actor_there_is_nothing(session: Any, filled: dict[str, Any]) -> None:
    found = ledger(session, actor_in(filled["nation"]))
    assert list(found.page(20).rows) == []


@pytest.mark.parametrize(
    "args",
    [
        {"state": "gone"},
        {"figure": "gone"},
        {"living": "tent"},
        {"region": "x"},
        {"measure_year": "abc"},
    ],
)
def test_a_wrong_parameter_is_said(
    session: Any, filled: dict[str, Any], args: dict[str, str]
) -> None:
    with acting_as(actor_in(filled["county"])) as actor, pytest.raises(BadInput):
        ledger(session, actor, **args)


@pytest.mark.parametrize("cursor", ["", "x", "1~zz~0.", "1~" + "0" * 32, "~~"])
def test_a_wrong_cursor_is_said(session: Any, filled: dict[str, Any], cursor: str) -> None:
    with acting_as(actor_in(filled["county"])) as actor, pytest.raises(BadInput):
        ledger(session, actor).page(20, after=cursor or "?")


def test_a_foreign_division_does_not_exist(session: Any, filled: dict[str, Any]) -> None:
    with acting_as(actor_in(filled["county"])) as actor, pytest.raises(NotFound):
        ledger(session, actor, region=str(filled["nation"].id))


def test_a_filter_without_index_wants_a_small_area(
    session: Any, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.kernel.lists.asked.SMALL_AREA", 10)
    with acting_as(actor_in(filled["nation"])) as actor, pytest.raises(TooWide):
        ledger(session, actor, living="own").page(20)
