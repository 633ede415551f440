"""Property: Python, JavaScript and SQL say the same of any record, cleared or not (design.md)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.access.regions import Level
from app.access.scope import unscoped
from app.core.clock import now, uuid7
from app.parts.choices import Living
from app.registers.lookback.register import LOOKBACK
from app.registry import counters
from app.registry.flow import State
from app.registry.reading import columns_of, values_of
from tests.builders import seat
from tests.registry.readers import ask_javascript, ask_python, ask_stored, records
from tests.registry.sample import RULES, Base, Sample

BATCHES = settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
SAMPLES = st.lists(records(RULES.fields, {"gate": True, "way": "own"}), min_size=20, max_size=60)
SURVEYS = st.lists(
    records(LOOKBACK.fields, {"died": False, "living": Living.OWN, "parcel_state": "chosen"}),
    min_size=10,
    max_size=30,
)


@pytest.fixture
def stored(session: Any) -> Iterator[Session]:
    """A session that sees every row."""
    with unscoped("rules are read on stored rows of all areas") as everything:
        yield everything


@pytest.fixture
def sample_table(stored: Session) -> Session:
    Base.metadata.create_all(stored.connection())
    return stored


@BATCHES
@given(batch=SAMPLES)
def test_sql_agrees_with_python_on_every_kind(sample_table: Session, batch: list[Any]) -> None:
    with sample_table.begin_nested() as attempt:
        _require_same(ask_stored(sample_table, Sample, "sample", RULES, batch), batch)
        attempt.rollback()


@BATCHES
@given(batch=SURVEYS)
def test_sql_agrees_with_python_on_the_lookback(
    place: dict[str, Any], stored: Session, batch: list[Any]
) -> None:
    columns = place | {
        "state": State.DRAFT, "head_name": "王", "version": 1, "created_at": now(),
        "changed_at": now(),
    }  # fmt: skip
    with stored.begin_nested() as attempt:
        answers = ask_stored(stored, LOOKBACK.model, "lookback", LOOKBACK.rules, batch, **columns)
        _require_same(answers, batch)
        attempt.rollback()


@BATCHES
@given(batch=SURVEYS, states=st.lists(st.sampled_from(State), min_size=30, max_size=30))
def test_figures_count_what_they_find(
    place: dict[str, Any], stored: Session, batch: list[Any], states: list[State]
) -> None:
    """Python makes the counters' deltas, SQL the drill-down: also for records not yet cleared."""
    model, columns = LOOKBACK.model, columns_of(LOOKBACK.model, "lookback")
    plain = [{n: v for n, v in r.items() if LOOKBACK.fields[n].stored} for r in batch]
    rows = [
        record | place | {"id": key, "household_id": key, "state": state, "head_name": "王",
                          "version": 1, "created_at": now(), "changed_at": now()}
        for record, state, key in zip(plain, states, iter(uuid7, None), strict=False)
    ]  # fmt: skip
    figures = LOOKBACK.figures
    with stored.begin_nested() as attempt:
        stored.connection().execute(insert(model.__table__), rows)
        keys = [row["id"] for row in rows]
        query = select(
            model.id, *(func.coalesce(figures[n].where.sql(columns), False) for n in figures)
        )
        by_sql = {
            key: {name for name, hit in zip(figures, hits, strict=True) if hit}
            for key, *hits in stored.execute(query.where(model.id.in_(keys)))
        }
        read = select(model).where(model.id.in_(keys))
        by_python = {
            row.id: counters.satisfied(LOOKBACK, values_of(row)) for row in stored.scalars(read)
        }
        attempt.rollback()
    assert by_sql == by_python


@pytest.fixture
def place(session: Any) -> dict[str, Any]:
    village = seat(Level.VILLAGE)
    return {
        "region_id": village.id,
        "path": village.path,
        "county_id": village.county_id,
        "province_id": village.province_id,
    }


def _require_same(answers: list[Any], batch: list[Any]) -> None:
    for (python, sql), record in zip(answers, batch, strict=True):
        assert sql.codes == python.of_record, record


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("rules", "batches"),
    [
        pytest.param(RULES, SAMPLES, id="sample"),
        pytest.param(LOOKBACK.rules, SURVEYS, id="lookback"),
    ],
)
def test_javascript_agrees_with_python(rules: Any, batches: Any) -> None:
    broken: set[str] = set()

    @BATCHES
    @given(batch=batches)
    def agree(batch: list[Any]) -> None:
        for javascript, record in zip(ask_javascript(rules, batch), batch, strict=True):
            files = {n: [*range(record[n] or 0)] for n, m in rules.fields.items() if not m.stored}
            python = ask_python(rules, record | files)
            assert javascript == python, record
            broken.update(python.of_record)

    agree()
    every = {f"{n}.{c.code}" for n, m in rules.fields.items() for c in m.checks}
    every |= {f"{n}.required" for n, m in rules.fields.items() if m.required}
    assert len(every - broken) < len(every) / 3, f"no record breaks {sorted(every - broken)}"
