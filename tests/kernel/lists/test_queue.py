"""The queue looks at what waits, not at what lies before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.access.actor import Capability
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.lists.queue import Queue
from app.kernel.rows.household import Household
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders as b

BEFORE = 150  # approved records that lie before what waits
TO_CORRECT = (*SENT_BACK, State.DRAFT)
PLACES = {"region_pkey", "INTEGER"}  # how the names of places are read: by their keys


@pytest.fixture
def waiting(session: Any) -> list[Any]:
    """Keys of three that wait, of two sent back and of a draft, behind many that are done."""
    village = b.below(b.region(b.COUNTY), Level.VILLAGE, 30)
    late = [*[State.SUBMITTED] * 3, State.RETURNED, State.DRAFT, State.RECTIFY]
    states = [State.APPROVED] * BEFORE + late
    keys = sorted(uuid7() for _ in states)
    made = [_record(village, n, *one) for n, one in enumerate(zip(keys, states, strict=True))]
    with unscoped("tests make records") as all_rows:
        all_rows.add_all([one for pair in made for one in pair])
        all_rows.commit()
    return keys[BEFORE:]


def _record(village: Any, number: int, key: Any, state: State) -> tuple[Household, Lookback]:
    head = {"head_name": f"户主{number}", "head_id": b.id_number(number)}
    home = Household(
        id=uuid7(), region_id=village.id, match_key=f"test:{number}",
        issued_name=head["head_name"], issued_id=head["head_id"], **head,
    )  # fmt: skip
    return home, Lookback(id=key, region_id=village.id, household_id=home.id, state=state, **head)


@pytest.fixture
def asked(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the table of records."""
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "FROM lookback" in statement:
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def ways(asked: list[tuple[str, Any]]) -> set[str]:
    """How each statement reads records."""
    connection = db.session.connection()
    sqlite = connection.dialect.name == "sqlite"
    plain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN (ANALYZE, TIMING OFF) "
    if not sqlite:  # so few rows are sorted as soon as they are read in order
        for way in ("enable_sort", "enable_seqscan", "enable_bitmapscan"):
            connection.exec_driver_sql(f"SET LOCAL {way} = off")
    found = set()
    for statement, parameters in list(asked):
        plan = "\n".join(
            str(line[-1]) for line in connection.exec_driver_sql(plain + statement, parameters)
        )
        found |= set(re.findall(r"(?:USING|using)(?: COVERING)? (?:INDEX )?(\w+)", plan))
        found |= {way for way in ("Seq Scan on lookback", "SCAN lookback") if way in plan}
        found |= {f"read {n}" for n in re.findall(r"Rows Removed by Filter: (\d+)", plan)}
    return found


@pytest.mark.parametrize(
    ("capability", "states"),
    [(Capability.REVIEW, (State.SUBMITTED,)), (Capability.ENTER, TO_CORRECT)],
    ids=["review", "corrections"],
)
def test_it_reads_the_index_of_states_alone(
    waiting: list[Any], asked: Any, capability: Capability, states: tuple[State, ...]
) -> None:
    with b.acting(b.COUNTY_MANAGER) as actor:
        queue = Queue(db.session(), LOOKBACK, actor, capability, states)
        first, second, last = waiting[:3] if len(states) == 1 else waiting[3:]
        row = db.session.get_one(Lookback, second)
        asked.clear()
        assert queue.first() == first
        assert queue.beside(row) == last
        assert queue.beside(row, back=True) == first
        assert [one.id for one in queue.ahead(row, 5)] == [second, last]
        assert queue.left().n == 3
        assert ways(asked) - PLACES == {"ix_lookback_state"}


def test_after_the_last_one_comes_the_first_again(waiting: list[Any]) -> None:
    with b.acting(b.COUNTY_MANAGER) as actor:
        queue = Queue(db.session(), LOOKBACK, actor, Capability.REVIEW, (State.SUBMITTED,))
        rows = [db.session.get_one(Lookback, key) for key in waiting[:3]]
        assert [queue.beside(row) for row in rows] == [waiting[1], waiting[2], waiting[0]]
        assert queue.beside(rows[0], back=True) is None
