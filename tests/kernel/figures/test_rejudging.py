"""Which rules a record breaks is kept with it, and counted: by saves, by files, by the job over all."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.core.jobs.table import Job, enqueue
from app.kernel.declare.quality import Quality, Ruling, Severity
from app.kernel.declare.register import Register
from app.kernel.figures import counters, rejudging
from app.kernel.figures import state as figures
from app.kernel.households import filling
from app.kernel.records import creations, files, save
from app.kernel.records.files import Sent
from tests import builders as b
from tests import jobs
from tests.clicks import click
from tests.kernel.judged import Hut, Roof, entering, hut, huts
from tests.worked_example import picture

WHOLE = {
    "name": "张三", "phone": "13909180000", "roof": Roof.TILE, "area": Decimal(60), "plan_year": 2024,
}  # fmt: skip


@pytest.fixture
def register(session: Any) -> Iterator[Register]:
    with huts() as made:
        yield made


def kept(key: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The codes and severities that stand with a record."""
    with unscoped("tests look at rows") as session:
        row = session.get_one(Hut, key)
        return row.broken, row.severities


def proved(register: Register) -> dict[str, int]:
    """What the county counts, which is what its rows say."""
    with unscoped("counters are proved over all rows") as session:
        live = counters.live_counts(session, register)
        assert live == counters.kept_counts(session, register)
    county = b.region(b.COUNTY, Level.COUNTY).id
    return {key: n for (key, place), n in live.items() if place == county and "@" not in key}


def wrong(register: Register) -> int:
    with unscoped("tests look at rows") as session:
        return len(rejudging.wrong(session, register))


def test_a_save_keeps_what_is_wrong_and_counts_it(register: Register) -> None:
    place = b.seat(Level.VILLAGE)
    with entering():
        wrong = {"phone": "1", "area": Decimal(0), "number": "1"}
        row = click(creations.create, register, uuid7(), place.id, WHOLE | wrong)
        codes = ("number.invalid", "phone.invalid", "area.low", "photos.required")
        assert kept(row.id) == (codes, ("incomplete", "error", "questionable"))
        assert proved(register) == {
            "total": 1, "incomplete": 1, "error": 1, "questionable": 1,
            "number-invalid": 1, "phone-invalid": 1, "area-low": 1, "photos-required": 1,
        }  # fmt: skip
        version = save.get(register, row.id).version
        click(save.save, register, row.id, WHOLE | {"number": None, "people": None}, version)
        assert kept(row.id) == (("photos.required",), ("incomplete",))
        assert proved(register) == {"total": 1, "incomplete": 1, "photos-required": 1}
        for number, left in enumerate(((("photos.low",), ("error",)), ((), ()))):
            received = files.receive(
                register, row.id, "photos", Sent(io.BytesIO(picture()), f"{number}.jpg")
            )
            click(files.add, register, row.id, received)
            assert kept(row.id) == left
        assert save.get(register, row.id).version == version + 1, "files are no new version"
        assert proved(register) == {"total": 1}


def test_rows_of_children_and_rules_that_have_a_source(register: Register) -> None:
    place = b.seat(Level.VILLAGE)
    people = [{"name": None, "number": b.id_number(1)}]
    with entering():
        values = WHOLE | {"people": people, "roof": Roof.STRAW, "area": Decimal(101)}
        row = click(creations.create, register, uuid7(), place.id, values)
    found = ("roof.straw", "photos.required", "people.name.required")
    assert kept(row.id) == (found, ("incomplete", "questionable"))
    result = save.evaluate(register, row)
    (straw,) = [p for p in result.problems if p.code == "roof.straw"]
    assert (straw.source, straw.remedy) == ("办法第三条", "请核对屋面和面积。")


#: Rows as a bulk write left them, and what is wrong with each.
ROWS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    (WHOLE, ("photos.required",)),
    (WHOLE | {"phone": None, "roof": None}, ("phone.required", "roof.required", "photos.required")),
    (WHOLE | {"area": Decimal(501)}, ("area.high", "photos.required")),
    (WHOLE | {"begun": dt.date(2099, 1, 1)}, ("begun.late", "photos.required")),
    (
        WHOLE | {"begun": dt.date(2020, 2, 2), "done": dt.date(2020, 1, 1)},
        ("done.early", "photos.required"),
    ),
    (WHOLE | {"done": dt.date(2020, 1, 1)}, ("photos.required",)),
    (
        WHOLE | {"people": [{"name": "甲", "number": "1"}]},
        ("photos.required", "people.number.invalid"),
    ),
]


@pytest.mark.parametrize("chunk", [2, 1000])
def test_the_job_judges_all_as_a_save_does(
    register: Register, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(rejudging, "CHUNK", chunk)
    place, far = b.seat(Level.VILLAGE), b.seat(Level.VILLAGE, b.NEXT_COUNTY)
    with unscoped("rows are written by the way") as session:
        made = [hut(where, **values) for values, _codes in ROWS for where in (place, far)]
        session.add_all(made)
        session.commit()
        changed = made[0].changed_at
    b.attach(made[-1], "photos", "photos", register="hut")
    assert proved(register) == {"total": len(ROWS)}
    assert wrong(register) == 2 * len(ROWS)
    assert rejudging.everywhere(register) == 2 * len(ROWS)
    assert wrong(register) == 0
    for row, (_values, codes) in zip(made[::2], ROWS, strict=True):
        assert kept(row.id)[0] == codes
    assert kept(made[-1].id)[0] == ("people.number.invalid",)
    counts = proved(register)
    assert (counts["incomplete"], counts["error"], counts["questionable"]) == (len(ROWS), 3, 1)
    assert rejudging.everywhere(register) == 0, "what is right is not written again"
    with unscoped("tests look at rows") as session:
        one = session.get_one(Hut, made[0].id)
        assert (one.version, one.changed_at) == (1, changed), "no change of what it says"


def test_other_rules_are_judged_anew(register: Register) -> None:
    with unscoped("rows are written by the way") as session:
        row = hut(b.seat(Level.VILLAGE), **WHOLE | {"phone": "1"})
        session.add(row)
        session.commit()
    rejudging.everywhere(register)
    assert kept(row.id)[1] == ("incomplete", "questionable")
    ruled = Quality(saving=(), kept=True, rulings={"phone.invalid": Ruling(Severity.ERROR)})
    before = figures.digests(register)
    with huts(quality=ruled) as other:
        changed = {n for n, digest in figures.digests(other).items() if digest != before.get(n)}
        assert changed == {figures.RULES}
        assert rejudging.everywhere(other) == 1
    assert kept(row.id) == (("phone.invalid", "photos.required"), ("incomplete", "error"))


def test_lists_find_by_rule_and_severity(register: Register) -> None:
    with unscoped("rows are written by the way") as session:
        session.add_all([hut(b.seat(Level.VILLAGE), **values) for values, _codes in ROWS])
        session.commit()
    rejudging.everywhere(register)
    fields = Hut.__fields__
    with unscoped("tests look at rows") as session:

        def found(name: str, code: str) -> int:
            where = fields[name].kind.among(getattr(Hut, name), (code,))
            return len(session.scalars(select(Hut.id).where(where)).all())

        assert found("broken", "area.high") == 1
        assert found("severities", "error") == 3
    assert fields["broken"].parse("area.high") == ("area.high",)
    with pytest.raises(ValueError, match="不在选项中"):
        fields["broken"].parse("area.nothing")
    assert fields["broken"].options()["area.high"] == "面积：不能大于 500。"
    assert fields["broken"].text(("phone.required",)) == "请填写电话。"
    assert register.figure_label("area-high") == "面积：不能大于 500。"


def test_the_deploy_step_judges_what_other_rules_judged(app: Flask, register: Register) -> None:
    """A register that is new or whose rules changed: until it is done, its figures are not told."""
    with unscoped("rows are written by the way") as session:
        session.add(hut(b.seat(Level.VILLAGE), **WHOLE))
        session.commit()
    assert click(filling.require)
    assert {"incomplete", "area-low"} <= figures.incomplete(register)
    assert figures.RULES in figures.digests(register)
    jobs.run(app, queued())
    figures.forget()
    assert figures.incomplete(register) == frozenset()
    assert (wrong(register), proved(register)["photos-required"]) == (0, 1)
    assert click(filling.require) is False


def test_the_daily_job_judges_all(app: Flask, register: Register) -> None:
    with unscoped("rows are written by the way") as session:
        session.add(hut(b.seat(Level.VILLAGE), **WHOLE))
        session.commit()
    job = click(enqueue, "quality.judge", {}, owner=None)
    assert jobs.run(app, job).result == {"changed": 1}
    assert wrong(register) == 0


def queued() -> Job:
    (job,) = db.session.scalars(select(Job).where(Job.kind == filling.KIND))
    db.session.commit()
    return job
