"""Corrections of one field in many records: what is changed, left alone, undone, kept for later."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from app.access.actor import Capability
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import now, uuid7
from app.core.db import db
from app.core.errors import BadInput, Conflict, Forbidden, Invalid, NotFound
from app.core.jobs import table as jobs
from app.core.jobs import worker
from app.core.jobs.table import Job, JobOvertaken
from app.core.transactions import transaction
from app.kernel.corrections import correcting, fields
from app.kernel.corrections.correcting import ALL
from app.kernel.figures import counters
from app.kernel.records import creations, hiding, history
from app.kernel.records import save as records
from app.kernel.rows.correction import CorrectedRow, Correction, Fate
from app.modules.archives.choices import ArchiveWay, OldDecade, RenovationReason
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.jobs import run


@pytest.fixture
def manager(session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def made(who: Any, name: str, n: int, place: Any = None, **said: Any) -> uuid.UUID:
    values = {"head_name": name, "head_id": builders.id_number(n), "plan_year": 2012} | said
    place = place or builders.seat(Level.VILLAGE)
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        row: Archive = creations.new(ARCHIVE, uuid7(), place.id, values)
        return row.id


def corrected(
    app: Flask, who: Any, pairs: list[tuple[Any, Any]], name: str = "way", **more: Any
) -> Correction:
    """A correction of what a list of all archives finds, done."""
    row = started(who, pairs, name, **more)
    finish(app, row.job_id)
    return row


def started(
    who: Any, pairs: list[tuple[Any, Any]], name: str = "way", where: str = "", **more: Any
) -> Correction:
    db.session.rollback()
    args = MultiDict([("where", where)] if where else [])
    asked = {"subject": "全部", "reason": "核对台账", "seen_at": now()} | more
    with acting_as(builders.actor_of(who)), transaction():
        row = correcting.start(ARCHIVE, args, name, pairs, **asked)
    db.session.expunge(row)
    return row


def finish(app: Flask, job_id: uuid.UUID | None) -> None:
    db.session.rollback()  # on SQLite one session writes at a time
    with unscoped("tests look") as session:
        job = session.get_one(Job, job_id)
    run(app, job)


def undone(app: Flask, who: Any, row: Correction) -> None:
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        job_id = correcting.begin_undo(ARCHIVE, row.id).job_id
    finish(app, job_id)


def look(key: uuid.UUID) -> Archive:
    with unscoped("tests look") as session:
        return session.get_one(Archive, key)


def fates(row: Correction) -> dict[Fate, int]:
    db.session.rollback()
    counted = correcting.counts(row)
    db.session.rollback()  # on SQLite one session writes at a time
    return counted


def notes(row: Correction, fate: Fate) -> list[str | None]:
    db.session.rollback()
    told = [line.note for line in correcting.left(row, fate, 0, 20)]
    db.session.rollback()
    return told


def change(who: Any, key: uuid.UUID, **values: Any) -> None:
    db.session.rollback()
    with acting_as(builders.actor_of(who)), transaction():
        row = records.get(ARCHIVE, key)
        records.save(ARCHIVE, key, values, row.version)


def test_the_preview_counts_what_is_said(manager: Any) -> None:
    for n, way in enumerate((ArchiveWay.REPAIR, ArchiveWay.REPAIR, ArchiveWay.REBUILD, None), 1):
        made(manager, "甲", n, way=way)
    with acting_as(builders.actor_of(manager)) as actor:
        found = correcting.ledger(ARCHIVE, MultiDict(), actor)
        shown = correcting.preview(found, ARCHIVE.fields["way"])
    said = dict(shown.values)
    assert said == {ArchiveWay.REPAIR: 2, ArchiveWay.REBUILD: 1, None: 1}
    assert (shown.whole, shown.rest) == (4, 0)


def test_many_values_are_shown_in_part(manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correcting, "MOST_VALUES", 2)
    for n in (1, 2, 3, 4):
        made(manager, "甲", n, population=max(n, 2))
    with acting_as(builders.actor_of(manager)) as actor:
        found = correcting.ledger(ARCHIVE, MultiDict(), actor)
        shown = correcting.preview(found, ARCHIVE.fields["population"])
        assert (next(iter(shown.values)), len(shown.values)) == ((2, 2), 2)
        assert (shown.whole, shown.rest) == (4, 1)
        monkeypatch.setattr(correcting, "MOST_ROWS", 3)
        with pytest.raises(BadInput, match="一次最多更正 3 户"):
            correcting.preview(found, ARCHIVE.fields["population"])


def test_each_old_value_becomes_its_new_one(app: Flask, manager: Any) -> None:
    """With all that a save does: figures, findings, history, audit log."""
    repaired = made(manager, "甲", 1, way=ArchiveWay.REPAIR, reason=RenovationReason.D)
    swapped = made(manager, "乙", 2, way=ArchiveWay.EXCHANGE)
    rebuilt = made(manager, "丙", 3, way=ArchiveWay.REBUILD)
    said_nothing = made(manager, "丁", 4)
    assert "way.repaired_d" in look(repaired).broken
    row = corrected(
        app, manager, [("repair", "rebuild"), ("exchange", "new_apart"), (None, "repair")]
    )
    ways = [look(key).way for key in (repaired, swapped, rebuilt, said_nothing)]
    assert ways == ["rebuild", "new_apart", "rebuild", "repair"]
    assert "way.repaired_d" not in look(repaired).broken
    assert fates(row) == {Fate.CHANGED: 3}
    with unscoped("tests look") as session:
        assert counters.live_counts(session, ARCHIVE) == counters.kept_counts(session, ARCHIVE)
        entry = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.record_id == repaired)
            .order_by(AuditEntry.id.desc())
        ).first()
        assert entry.detail["changes"]["way"] == ["repair", "rebuild"]
        assert entry.detail["reason"] == "批量更正：核对台账"
    db.session.rollback()
    with acting_as(builders.actor_of(manager)):
        row = records.get(ARCHIVE, repaired)
        [line] = [e for e in history.of(row) if e.step == correcting.STEP]
    assert line.opinion == "改造方式：修缮加固 → 原址翻建；原因：核对台账"


def test_all_become_one_or_nothing(app: Flask, manager: Any) -> None:
    keys = [made(manager, "甲", n, way=way) for n, way in ((1, ArchiveWay.REPAIR), (2, None))]
    corrected(app, manager, [(ALL, "rebuild")])
    assert [look(key).way for key in keys] == ["rebuild", "rebuild"]
    corrected(app, manager, [("rebuild", None)], where=f"head_id:is:{builders.id_number(1)}")
    assert [look(key).way for key in keys] == [None, "rebuild"]


def test_what_was_changed_since_or_may_not_be_stays_and_is_told(app: Flask, manager: Any) -> None:
    changed = made(manager, "甲", 1, reason=RenovationReason.C)
    houseless = made(manager, "乙", 2, old_decade=OldDecade.HOUSELESS)
    gone = made(manager, "丙", 3, reason=RenovationReason.C)
    seen = now()
    change(manager, changed, head_name="甲甲")
    row = started(manager, [("C", "D"), (None, "D")], "reason", seen_at=seen)
    claimed = worker.claim(row.job_id)
    db.session.rollback()
    with acting_as(builders.actor_of(manager)), transaction():
        hiding.hide(ARCHIVE, gone, look(gone).version, "重复录入")
    worker.run(app, claimed, threading.Event())
    assert look(changed).reason == "C"
    assert look(houseless).reason is None
    assert fates(row) == {Fate.SKIPPED: 2}
    assert notes(row, Fate.SKIPPED) == [
        "预览之后已被修改。",
        "按该户其他各项的内容，这一项不用填写。",
    ]


def test_it_is_undone_but_for_what_was_changed_since(app: Flask, manager: Any) -> None:
    """With what the correction cleared besides."""
    whole = made(
        manager, "甲", 1, old_decade=OldDecade.SEVENTIES, old_area=45, reason=RenovationReason.C
    )
    touched = made(manager, "乙", 2, old_decade=OldDecade.SEVENTIES)
    row = corrected(app, manager, [("1970s", "houseless")], "old_decade")
    assert (look(whole).old_area, look(whole).reason) == (None, None)
    change(manager, touched, head_name="乙乙")
    undone(app, manager, row)
    assert (look(whole).old_decade, look(whole).old_area, look(whole).reason) == (
        OldDecade.SEVENTIES, 45, "C",
    )  # fmt: skip
    assert look(touched).old_decade == OldDecade.HOUSELESS
    assert fates(row) == {Fate.UNDONE: 1, Fate.STAYS: 1}
    assert notes(row, Fate.STAYS) == ["更正之后又被修改。"]
    with pytest.raises(Conflict, match="已经撤销"):
        undone(app, manager, row)


def test_an_undoing_that_was_cancelled_is_begun_again(app: Flask, manager: Any) -> None:
    key = made(manager, "甲", 1, way=ArchiveWay.REPAIR)
    row = corrected(app, manager, [("repair", "rebuild")])
    with acting_as(builders.actor_of(manager)), transaction():
        jobs.cancel(correcting.begin_undo(ARCHIVE, row.id).job_id)
    assert look(key).way == "rebuild"
    undone(app, manager, row)
    assert look(key).way == "repair"
    with pytest.raises(Conflict, match="已经撤销"):
        undone(app, manager, row)


def test_it_is_undone_within_30_days(app: Flask, manager: Any) -> None:
    made(manager, "甲", 1, way=ArchiveWay.REPAIR)
    row = started(manager, [("repair", "rebuild")])
    with pytest.raises(Conflict, match="还没有完成"):
        undone(app, manager, row)
    finish(app, row.job_id)
    with unscoped("tests wait") as session:
        session.execute(update(Correction).values(made_at=now() - dt.timedelta(days=31)))
        session.commit()
    with pytest.raises(Conflict, match="30天内"):
        undone(app, manager, row)
    db.session.rollback()
    assert correcting.forget(None) == {"rows": 1}
    assert fates(row) == {}


def test_a_run_that_breaks_off_goes_on_where_it_was(
    app: Flask, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correcting, "_ROWS_A_COMMIT", 2)
    keys = [made(manager, f"户{n}", n, way=ArchiveWay.REPAIR) for n in range(1, 6)]
    row = started(manager, [("repair", "rebuild")])
    put, done = correcting._correct, []

    def killed(*args: Any) -> None:
        if len(done) == 3:
            raise JobOvertaken  # what it had begun is rolled back
        done.append(args)
        put(*args)

    monkeypatch.setattr(correcting, "_correct", killed)
    claimed = worker.claim(row.job_id)
    worker.run(app, claimed, threading.Event())
    assert fates(row) == {Fate.CHANGED: 2, Fate.WAITING: 3}
    with unscoped("its heart has stopped") as session:
        session.execute(update(Job).values(heartbeat=now().replace(year=2020)))
        session.commit()
    monkeypatch.setattr(correcting, "_correct", put)
    versions = {key: look(key).version for key in keys}
    again = worker.claim(row.job_id)
    assert again is not None
    worker.run(app, again, threading.Event())
    assert fates(row) == {Fate.CHANGED: 5}
    assert {look(key).way for key in keys} == {"rebuild"}
    assert [look(key).version > versions[key] for key in keys].count(True) == 3


@pytest.mark.parametrize(
    ("name", "pairs", "more", "said"),
    [
        ("way", [], {}, "至少给出一个新值"),
        ("way", [("repair", "rebuild")], {"reason": " "}, "原因"),
        ("way", [("repair", "rebuild")], {"reason": "长" * 201}, "最多 200 个字"),
        ("way", [("repair", "built")], {}, "不在选项中"),
        ("way", [("repair", "repair")], {}, "新值与原值相同"),
        ("area", [(ALL, "many")], {}, "请填写数字"),
        ("approved_on", [(ALL, "2012-02-30")], {}, "请填写日期"),
        ("way", [(ALL, "repair")], {"keep": True}, "按原值逐个更正"),
    ],
)
def test_what_cannot_be_is_said(manager: Any, name: str, pairs: Any, more: Any, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        started(manager, pairs, name, **more)
    assert any(said in problem.message for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("head_id", "逐户核对"),
        ("phone", "逐户核对"),
        ("head_name", "逐户核对"),
        ("plan_year", "用来区分档案"),
        ("progress", "由系统确定"),
        ("severities", "由系统确定"),
        ("photos_before", "逐户修改"),
        ("nothing", "由系统确定"),
    ],
)
def test_some_fields_are_not_corrected_in_many(manager: Any, name: str, said: str) -> None:
    assert said in fields.why_not(ARCHIVE, name)
    with pytest.raises(BadInput, match=said):
        started(manager, [(ALL, "1")], name)


def test_computed_fields_and_families_are_not_either() -> None:
    computed = [n for n, made in LOOKBACK.fields.items() if made.computed is not None]
    several = [n for n, made in LOOKBACK.fields.items() if made.kind.counted]
    assert not {*computed, *several} & fields.offered(LOOKBACK).keys()
    assert {"way", "area", "village_group", "energy_saving"} <= fields.offered(ARCHIVE).keys()


def test_only_who_enters_corrects_and_in_the_own_area(app: Flask, manager: Any) -> None:
    here = made(manager, "甲", 1, way=ArchiveWay.REPAIR)
    next_door = builders.account(
        builders.COUNTY_MANAGER, builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    )
    place = builders.seat(Level.VILLAGE, builders.NEXT_COUNTY)
    there = made(next_door, "乙", 2, place, way=ArchiveWay.REPAIR)
    row = corrected(app, manager, [("repair", "rebuild")])
    assert (look(here).way, look(there).way) == ("rebuild", "repair")
    assert fates(row) == {Fate.CHANGED: 1}
    with acting_as(builders.actor_of(next_door)), pytest.raises(NotFound):
        correcting.get(ARCHIVE, row.id)
    db.session.rollback()
    reader = builders.account(builders.COUNTY_READER)
    assert not builders.actor_of(reader).has(Capability.ENTER, ARCHIVE.name)
    with pytest.raises(Forbidden):
        started(reader, [("repair", "rebuild")])


def test_lines_of_a_correction_are_not_read_by_others() -> None:
    """They are read through their correction alone, which looks at the area."""
    assert not {"path", "region_id"} & {*CorrectedRow.__table__.columns.keys()}
