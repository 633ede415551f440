"""The guard below every view: whatever path the ORM takes, an actor sees and changes only what
lies in its own area; without an actor there is nothing (design.md "Scope").
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, exists, func, insert, inspect, select, text, union_all, update
from sqlalchemy.orm import Session, aliased

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import Guarded, acting_as, in_scope, unscoped
from app.core.clock import now, uuid7
from app.core.errors import OutsideScope
from app.core.types import UuidType
from app.kernel.declare.flow import State
from app.kernel.declare.register import all_registers
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, SearchKey
from app.kernel.rows.record import HistoryEntry
from app.modules.surveys.lookback.model import Lookback
from tests import specimens
from tests.builders import (
    COUNTY,
    COUNTY_MANAGER,
    NEXT_COUNTY,
    actor,
    attach,
    below,
    household,
    region,
)
from tests.modules.samples import parcel, prior_fact


@dataclass
class Rows:
    """One household with everything that belongs to it in each of two neighbouring counties."""

    own: Lookback
    foreign: Lookback
    actor: Actor


def scoped() -> list[Any]:
    """Every model with a place."""
    return [m.class_ for m in Lookback.registry.mappers if issubclass(m.class_, Guarded)]


def beside(model: Any, record: Any) -> Any:
    """A row that a register keeps beside its records: keys and texts, whatever they mean."""
    row = model(region_id=record.region_id)
    for key, column in inspect(model).columns.items():
        if not column.nullable and column.default is None and getattr(row, key) is None:
            if isinstance(column.type, UuidType):
                setattr(row, key, record.household_id if key == "household_id" else uuid7())
            elif key not in ("path", "county_id", "province_id"):
                setattr(row, key, column.type.python_type() or "1")
    return row


@pytest.fixture
def rows(session: Any) -> Rows:
    made = []
    for code in (COUNTY, NEXT_COUNTY):
        _, survey = household(below(region(code), Level.VILLAGE))
        attach(survey, "front_photos")
        place = below(region(code), Level.VILLAGE)
        parcel(place)
        prior_fact(place, id_number=survey.head_id)
        with unscoped("tests arrange") as everything:
            everything.add(
                HistoryEntry(
                    region_id=survey.region_id, register="lookback", record_id=survey.id,
                    step="submit", label="上报", source=State.DRAFT, target=State.SUBMITTED,
                    account_id=uuid7(), account_name="甲", at=now(),
                )
            )  # fmt: skip
            everything.commit()
        for register in all_registers():
            if register.menus and register.model not in (Household, Lookback):
                specimens.record(register, place)
        with unscoped("tests arrange") as everything:
            for model in scoped():
                if not everything.scalar(select(func.count()).where(model.region_id == place.id)):
                    everything.add(beside(model, survey))
            everything.commit()
        made.append(survey)
    return Rows(*made, actor(COUNTY_MANAGER, region(COUNTY)))


@pytest.fixture
def acting(rows: Rows) -> Iterator[Rows]:
    with acting_as(rows.actor):
        yield rows


READS: dict[str, Callable[[Session, Any], int]] = {
    "query all": lambda s, m: len(s.query(m).all()),
    "query count": lambda s, m: s.query(m).count(),
    "query first": lambda s, m: 1 if s.query(m).first() else 0,
    "select": lambda s, m: len(s.scalars(select(m)).all()),
    "columns": lambda s, m: len(s.execute(select(m.path)).all()),
    "count": lambda s, m: s.scalar(select(func.count()).select_from(m)),
    "aggregate": lambda s, m: s.scalar(select(func.count(m.path))),
    "group": lambda s, m: sum(n for _, n in s.execute(
        select(m.county_id, func.count()).group_by(m.county_id))),
    "alias": lambda s, m: len(s.scalars(select(aliased(m))).all()),
    "alias beside": lambda s, m: len(s.execute(
        select(a := aliased(m), b := aliased(m)).where(a.path == b.path)).unique().all()),
    "subquery": lambda s, m: s.scalar(
        select(func.count()).select_from(select(m.path).subquery())),
    "cte": lambda s, m: s.scalar(select(func.count()).select_from(select(m.path).cte())),
    "in subquery": lambda s, m: len(s.scalars(
        select(m).where(m.region_id.in_(select(m.region_id)))).all()),
    "exists": lambda s, m: int(s.scalar(select(exists().where(m.path > "")))),
    "scalar subquery": lambda s, m: s.scalar(
        select(select(func.count(m.path)).scalar_subquery())),
    "union": lambda s, m: len(s.execute(union_all(select(m.path), select(m.path))).all()) // 2,
    "join": lambda s, m: len(s.scalars(
        select(m).join(a := aliased(m), a.region_id == m.region_id)).unique().all()),
    "stream": lambda s, m: len(list(s.scalars(select(m).execution_options(yield_per=5)))),
}  # fmt: skip


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("model", [Lookback, Attachment], ids=lambda m: m.__name__)
def test_each_way_of_reading(session: Session, rows: Rows, read: Any, model: Any) -> None:
    with unscoped("what is there at all") as everything:
        assert read(everything, model) in (1, 2, 4)  # EXISTS and first() say 1
    assert read(session, model) == 0, "no actor, no rows"
    with acting_as(rows.actor):
        assert read(session, model) == 1


def test_each_scoped_table(session: Session, rows: Rows) -> None:
    mapped = scoped()
    assert {r.model for r in all_registers()} <= set(mapped)
    with unscoped("what is there at all") as everything:
        paths = {model: everything.scalars(select(model.path)).all() for model in mapped}
    for model, known in paths.items():
        inside = {path.startswith(rows.actor.path) for path in known}
        assert inside == {True, False}, f"the test makes no {model.__name__} in both places"
        assert session.scalars(select(model)).all() == [], model.__name__
        with acting_as(rows.actor):
            seen = session.scalars(select(model)).all()
            assert seen, model.__name__
            assert all(in_scope(row.path) for row in seen), model.__name__


def test_get(session: Session, acting: Rows) -> None:
    assert session.get(Lookback, acting.own.id) is not None
    assert session.get(Lookback, acting.foreign.id) is None
    assert session.get(Lookback, acting.foreign.id, with_for_update=True) is None


def test_one_statement_for_different_actors(session: Session, rows: Rows) -> None:
    """SQLAlchemy caches the statement; the bounds must not be cached with it."""
    other = actor(COUNTY_MANAGER, region(NEXT_COUNTY))
    statement = select(Lookback.id)
    for who, expected in ((rows.actor, rows.own), (other, rows.foreign)) * 2:
        with acting_as(who):
            assert session.scalars(statement).all() == [expected.id]


def test_bulk_delete_and_update_reach_own_rows_only(session: Session, acting: Rows) -> None:
    changed = session.execute(update(Attachment).values(name="改"))
    assert changed.rowcount == 1
    deleted = session.execute(delete(Attachment))
    assert deleted.rowcount == 1
    session.commit()
    with unscoped("what is left") as everything:
        assert everything.scalars(select(Attachment.record_id)).all() == [acting.foreign.id]
        assert everything.scalars(select(Attachment.name)).all() != ["改"]


def test_bulk_update_and_delete_without_an_actor_reach_nothing(
    session: Session, rows: Rows
) -> None:
    assert session.execute(update(Attachment).values(name="改")).rowcount == 0
    assert session.execute(delete(Attachment)).rowcount == 0


def test_bulk_insert_is_refused(session: Session, acting: Rows) -> None:
    with pytest.raises(OutsideScope):
        session.execute(insert(SearchKey), [{"household_id": uuid7(), "value": "王"}])


def test_text_as_entities_is_refused(session: Session, acting: Rows) -> None:
    statement = select(Lookback).from_statement(text("SELECT * FROM lookback"))
    with pytest.raises(OutsideScope):
        session.scalars(statement).all()


# ---- writes --------------------------------------------------------------------------------


def new_row(region_id: int) -> Attachment:
    return Attachment(
        region_id=region_id, register="lookback", record_id=uuid7(), field="front_photos",
        name="f", mime="image/jpeg", size=1, key=uuid7().hex, sha256="0" * 64, added_by=uuid7(),
    )  # fmt: skip


def test_a_new_row_in_a_foreign_place_is_refused(session: Session, acting: Rows) -> None:
    session.add(new_row(acting.foreign.region_id))
    with pytest.raises(OutsideScope):
        session.commit()
    session.rollback()
    session.add(new_row(acting.own.region_id))
    session.commit()


def test_a_place_written_by_hand_does_not_help(session: Session, acting: Rows) -> None:
    made = new_row(acting.foreign.region_id)
    made.path = acting.own.path
    session.add(made)
    with pytest.raises(OutsideScope):
        session.commit()


def test_without_an_actor_nothing_is_written(session: Session, rows: Rows) -> None:
    session.add(new_row(rows.own.region_id))
    with pytest.raises(OutsideScope):
        session.commit()


def test_a_foreign_row_that_got_into_the_session_is_not_written(
    session: Session, acting: Rows
) -> None:
    with unscoped("a mistake of ours") as everything:
        foreign = everything.get_one(Lookback, acting.foreign.id)
        everything.expunge(foreign)
    session.add(foreign)
    foreign.village_group = "改"
    with pytest.raises(OutsideScope):
        session.commit()
    session.rollback()
    session.add(foreign)
    session.delete(foreign)
    with pytest.raises(OutsideScope):
        session.commit()


@pytest.mark.parametrize("step", ["out", "in"])
def test_moving_a_row_over_the_border_is_refused(session: Session, rows: Rows, step: str) -> None:
    row, there = (rows.own, rows.foreign) if step == "out" else (rows.foreign, rows.own)
    with unscoped("a mistake of ours") as everything:
        moving = everything.get_one(Attachment, _file_of(everything, row))
        everything.expunge(moving)
    with acting_as(rows.actor):
        session.add(moving)
        moving.region_id = there.region_id
        with pytest.raises(OutsideScope):
            session.commit()


def test_moving_a_row_whose_place_was_not_loaded_is_refused(session: Session, rows: Rows) -> None:
    with unscoped("a mistake of ours") as everything:
        key = _file_of(everything, rows.foreign)
        moving = everything.get_one(Attachment, key)
        everything.expire(moving)
        everything.expunge(moving)
    with acting_as(rows.actor):
        session.add(moving)
        moving.region_id = rows.own.region_id
        with pytest.raises(OutsideScope):
            session.commit()


def _file_of(session: Session, row: Lookback) -> Any:
    return session.scalar(select(Attachment.id).where(Attachment.record_id == row.id))


def test_moving_inside_the_area_carries_the_place_along(session: Session, acting: Rows) -> None:
    village = below(region(COUNTY), Level.VILLAGE, 3)
    row = session.get_one(Lookback, acting.own.id)
    row.region_id = village.id
    session.commit()
    assert (row.path, row.county_id, row.province_id) == (
        village.path, village.county_id, village.province_id,
    )  # fmt: skip


def test_a_row_lies_in_a_county_or_below(session: Session, acting: Rows) -> None:
    province = region("61", Level.PROVINCE)
    session.add(new_row(province.id))
    with pytest.raises(OutsideScope):
        session.commit()
    session.rollback()
    session.add(new_row(987654321))
    with pytest.raises(OutsideScope):
        session.commit()


# ---- leaving the scope ---------------------------------------------------------------------


def test_unscoped_needs_a_reason(session: Session) -> None:
    with pytest.raises(ValueError, match="reason"), unscoped(""):
        pass


def test_unscoped_is_a_session_of_its_own(session: Session, acting: Rows) -> None:
    with unscoped("tests look at everything") as everything:
        assert everything is not session
        assert len(everything.scalars(select(Lookback)).all()) == 2
    assert len(session.scalars(select(Lookback)).all()) == 1


def test_acting_as_ends(session: Session, rows: Rows) -> None:
    with pytest.raises(RuntimeError), acting_as(rows.actor):
        raise RuntimeError
    assert session.scalars(select(Lookback)).all() == []


# ---- what the guard does not see -----------------------------------------------------------

APP = Path(__file__).parents[2] / "app"

#: Modules that may speak SQL past the ORM to scoped tables, and why that is right there.
PAST_THE_GUARD: dict[str, str] = {
    "access/audit/log.py": "an index on the beginning of the path",
    "access/divisions/seed.py": "loads divisions, which have no scope, before anything lies in them",
    "admin/divisions/counts.py": "counter tables have no scope",
    "kernel/households/keys.py": "makes keys of households anew that a publication moves",
    "admin/divisions/history.py": "writes down what a publication did in the area that was asked",
    "admin/divisions/publication.py": "publishes divisions; the actor's right to the area was asked",
    "kernel/lists/searches.py": "result rows are keys alone, read through the guard and the search's own job",
    "core/bulk.py": "inserts rows for the modules named here, which are found by its name",
    "admin/divisions/moves.py": "moves rows with their division, whoever they belong to",
    "core/db.py": "begins transactions",
    "kernel/records/save.py": "puts the version of a row back that the guard has read",
    "core/jobs/table.py": "the job table has no scope: pages filter it by its account",
    "core/jobs/worker.py": "claims jobs of all accounts",
    "demo/cli.py": "takes a lock",
    "demo/applications.py": "fills an empty database",
    "demo/days.py": "fills an empty database",
    "demo/dossiers.py": "fills an empty database",
    "demo/load.py": "fills an empty database",
    "deploy.py": "takes a lock",
    "kernel/households/exchange/write.py": "inserts many households; asks in_scope() of each itself",
    "kernel/exchange/taking_back/images.py": "images have no scope: the rows that they tell of have",
    "kernel/exchange/imports/notes.py": "notes have no scope: they are read through their account's job",
    "kernel/figures/counters.py": "counter tables have no scope: readers give the path",
    "kernel/figures/day_tables.py": "counter tables have no scope: readers give the division",
    "kernel/figures/mending.py": "counter tables have no scope",
    "kernel/figures/state.py": "which figures are complete; their table has no scope",
    "kernel/figures/tally.py": "counter tables have no scope: writers give the place",
    "kernel/declare/register.py": "asks whether a column may be empty, reads no rows",
    "kernel/figures/rejudging.py": "keeps verdicts of a county's rows; the system's own job",
    "kernel/figures/shared_values.py": "who says the same has no scope: digests and keys alone",
    "kernel/figures/comparing/photos.py": "the same photo of all areas: keys of records alone",
    "kernel/declare/checks/models.py": "reads which indexes a table declares, no rows",
    "kernel/rows/reading.py": "counts a record's files beside the record, which the guard limits",
    "kernel/rows/record.py": "names the column of the version",
    "pages.py": "SELECT 1",
}
#: Modules that may leave the scope, and why.
UNSCOPED: dict[str, str] = {
    "kernel/exchange/printed/many.py": "a thread waits for the process that sets pages, and reads no rows",
    "access/scope.py": "joined() is unscoped() where no transaction is open",
    "access/audit/log.py": "refusals are noted whatever becomes of the request",
    "kernel/exchange/taking_back/units.py": "whether a row that an import wrote left the area or is gone",
    "kernel/beyond/same_key.py": "a register with a key has one record of it in the whole country",
    "kernel/beyond/own_place.py": "a place is one among divisions beside it: their quotas, without a name (spec 01, exception h)",
    "kernel/beyond/same_photos.py": "a picture stands once in the whole country",
    "kernel/figures/rejudging.py": "a job of the system, over all divisions",
    "kernel/figures/comparing/settling.py": "findings over others are given wherever these lie, and tell nothing of them",
    "kernel/figures/comparing/proving.py": "a job of the system, over all divisions",
    "kernel/figures/thresholds.py": "a job of the system, over the divisions of a setting",
    "modules/renovation/dossier/asked_anew.py": "a job of the system, over all divisions",
    "modules/renovation/dossier/archived.py": "who has a dossier anywhere gets no archive of its year",
    "kernel/beyond/handovers.py": "a record goes from one area to another; both are asked",
    "kernel/households/lists.py": "an ID number is on one list in the whole country",
    "kernel/households/moves.py": "a move concerns two areas; who decides is asked of both",
    "modules/low_income/finding.py": "a person stands in one place of the whole country",
    "modules/low_income/joining.py": "a household comes from another area by its ID number, with consent",
    "modules/renovation/backfill.py": "a job of the system, over all divisions",
    "kernel/households/filling.py": "a job of the system, over all divisions",
    "modules/surveys/own_houses.py": "a job of the system, over all divisions",
    "modules/surveys/resettling.py": "a job of the system, over all divisions",
    "modules/renovation/plan_years.py": "a job of the system, over all divisions",
    "kernel/figures/mending.py": "rows are compared with counters of one moment",
    "kernel/figures/writing.py": "what was written beyond the own area has consequences there",
    "kernel/records/references.py": "who is registered in one county may work in another",
    "kernel/households/names.py": "a job of the system, over all divisions",
    "kernel/households/splits.py": "who split off may have moved to another area",
    "kernel/beyond/cross_area.py": "the masked ledger of a province (spec 01, exception b)",
    "commands.py": "counters are rebuilt and proved over all rows",
    "demo/cli.py": "the demonstration fills all areas",
    "demo/moves.py": "the demonstration fills all areas",
    "kernel/exchange/cli.py": "looks up the account that is named",
    "modules/house_map/parcels/imports.py": "a parcel's number is one parcel's in the whole country",
    "modules/house_map/earlier/imports.py": "an earlier result is kept once in the whole country",
    "kernel/households/exchange/match.py": "an ID number is on one list in the whole country",
    "deploy.py": "roles and lists",
    "modules/craftsmen/certificates.py": "a job of the system, over all divisions",
    "modules/craftsmen/rules.py": "an ID number is in the list once in the whole country",
    "modules/renovation/dossier/findings.py": "one bank account for two households is an auditors' finding",
    "modules/renovation/dossier/overdue.py": "a job of the system, over all divisions",
    "modules/unsafe_homes/backfill.py": "a job of the system, over all divisions",
}


def modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(APP).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(APP.rglob("*.py"))
    }


_BULK = {
    "exec_driver_sql",
    "bulk_save_objects",
    "bulk_insert_mappings",
    "bulk_update_mappings",
    "from_statement",
}


def past_the_guard(tree: ast.Module) -> list[str]:
    """SQL that the guard does not see: tables, texts, bulk methods of the session."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"__table__", *_BULK}:
            found.append(f"line {node.lineno}: .{node.attr}")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"text", "insert_rows"}
        ):
            found.append(f"line {node.lineno}: {node.func.id}()")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "execute"
            and "connection" in ast.unparse(node.func.value)
        ):
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}()")
    return found


def leaves_scope(tree: ast.Module) -> list[str]:
    return [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in {"unscoped", "joined"}
    ]


def test_no_sql_past_the_guard_outside_the_named_modules() -> None:
    found = {name: lines for name, tree in modules().items() if (lines := past_the_guard(tree))}
    unnamed = {name: lines for name, lines in found.items() if name not in PAST_THE_GUARD}
    assert unnamed == {}
    assert set(PAST_THE_GUARD) <= set(found), "named, but no longer needed"


def test_the_scope_is_left_in_the_named_modules_only() -> None:
    found = {name: lines for name, tree in modules().items() if (lines := leaves_scope(tree))}
    assert {name: lines for name, lines in found.items() if name not in UNSCOPED} == {}
    assert set(UNSCOPED) <= set(found), "named, but no longer needed"
