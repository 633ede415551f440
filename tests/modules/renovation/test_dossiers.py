"""The dossier's stages: what each asks, what its approval locks, how it is opened again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import today
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.kernel.declare.flow import State
from app.kernel.figures.counters import kept_counts, live_counts
from app.kernel.records import files as attachments
from app.kernel.records import history, steps
from app.kernel.records import save as records
from app.modules.craftsmen.register import CRAFTSMAN
from app.modules.homes.choices import PriorKind
from app.modules.renovation.dossier import overdue
from app.modules.renovation.dossier.model import Builder, Dossier, Progress, Tenure
from app.modules.renovation.dossier.register import DOSSIER
from tests import builders, specimens
from tests.builders import (
    CONTACT,
    COUNTY_MANAGER,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    actor,
    attach,
    id_number,
)
from tests.clicks import click
from tests.modules import samples
from tests.modules.samples import dossier

DAY = dt.timedelta(days=1)
BEGUN = today() - 60 * DAY

STARTED: dict[str, Any] = {
    "started_on": BEGUN,
    "builder": Builder.FIRM,
    "firm": "蓝田县建筑公司",
    "firm_code": "91350100M000100Y43",
}
COMPLETED: dict[str, Any] = {
    "completed_on": today() - 10 * DAY,
    "accepted": True,
    "accepted_on": today() - 5 * DAY,
    "accepted_by": "镇村建站",
    "structure": "01",
    "storeys": 1,
    "floor_area": Decimal("80.00"),
    "tenure": Tenure.HOUSEHOLD,
}
GRANTED: dict[str, Any] = {
    "central_subsidy": Decimal("20000.00"),
    "province_subsidy": Decimal("5000.00"),
    "city_subsidy": Decimal(0),
    "county_subsidy": Decimal("1000.10"),
    "own_funds": Decimal("3000.00"),
}


def payment(amount: str = "26000.10", **said: Any) -> dict[str, Any]:
    return {
        "date": today() - DAY,
        "amount": Decimal(amount),
        "holder": "王甲",
        "account": "6217000010001234567",
    } | said


PAID = GRANTED | {"payments": [payment()]}


@pytest.fixture
def clerk(session: Session) -> Iterator[Any]:
    with acting_as(actor(TOWN_CLERK)) as who:
        yield who


def save(row: Any, values: Mapping[str, Any]) -> Any:
    return click(records.save, DOSSIER, row.id, values, records.get(DOSSIER, row.id).version)


def step(row: Any, name: str, opinion: str = "") -> Any:
    version = records.get(DOSSIER, row.id).version
    return click(steps.transition, DOSSIER, row.id, name, version, CONTACT, opinion)


def approve(row: Any, values: Mapping[str, Any], *files: str) -> Any:
    """Enter, submit and approve the stage at hand."""
    db.session.commit()
    attach(row, *files, register="dossier")
    with acting_as(actor(TOWN_CLERK)):
        save(row, values)
        step(row, "submit")
    with acting_as(actor(COUNTY_MANAGER)):
        return step(row, "approve")


def codes(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {problem.code for problem in error.value.problems}


AFTER = ("photos_after", "acceptance_report")


def test_a_whole_life(session: Session) -> None:
    row = dossier()
    assert approve(row, STARTED).stage == Progress.STARTED
    assert approve(row, COMPLETED, *AFTER).stage == Progress.COMPLETED
    done = approve(row, PAID)
    assert (done.stage, done.state) == (Progress.PAID, State.APPROVED)
    assert (done.granted, done.total) == (Decimal("26000.10"), Decimal("29000.10"))
    assert done.paid == done.granted
    assert done.paid_in_full
    assert done.days == 50
    assert done.payments[0]["date"] == today() - DAY  # as it was given, not as JSON keeps it
    with acting_as(actor(COUNTY_MANAGER)):
        told = [(line.step, line.stage) for line in history.of(done)]
        db.session.commit()
        assert told == [
            (name, stage)
            for stage in ("started", "completed", "paid")
            for name in ("submit", "approve")
        ]
    with acting_as(actor(TOWN_CLERK)), pytest.raises(Conflict, match="不能修改"):
        save(row, STARTED)
    db.session.commit()
    with unscoped("counters are proved") as proof:
        kept = kept_counts(proof, DOSSIER)
        assert kept == live_counts(proof, DOSSIER)
        assert [n for (figure, _place), n in kept.items() if figure == "renovation_paid"] == [1, 1]
        assert not any(n for (figure, _c), n in kept.items() if figure.startswith("retrofit"))


def test_a_stage_asks_only_for_its_own(clerk: Any) -> None:
    row = dossier()
    save(row, {})
    with pytest.raises(Invalid) as wrong:
        step(row, "submit")
    assert codes(wrong) == {"started_on.required", "builder.required"}
    save(row, STARTED | {"completed_on": today()})  # the next stage may be entered beforehand
    assert step(row, "submit").state == State.SUBMITTED


def test_what_is_approved_is_locked_and_the_next_stays_open(session: Session) -> None:
    row = dossier()
    approve(row, STARTED)
    with acting_as(actor(TOWN_CLERK)):
        with pytest.raises(Invalid) as wrong:
            save(row, {"started_on": BEGUN + DAY, "firm": "蓝田县建筑公司"})
        assert codes(wrong) == {"started_on.locked"}
        saved = save(row, {"storeys": 2})
        assert (saved.state, saved.stage) == (State.DRAFT, Progress.STARTED)
        assert saved.started_on == BEGUN
        with pytest.raises(Invalid) as wrong:
            step(row, "submit")
        assert {"completed_on.required", "photos_after.required"} <= codes(wrong)
        assert "central_subsidy.required" not in codes(wrong)
        cleared = click(records.clear, DOSSIER, row.id, saved.version)
        assert (cleared.state, cleared.storeys) == (State.APPROVED, None)
        assert cleared.started_on == BEGUN


def test_files_of_an_approved_stage_stay(session: Session) -> None:
    row = dossier()
    approve(row, STARTED)
    (photo,) = attach(row, "photos_after", register="dossier")
    approve(row, COMPLETED, "acceptance_report")
    with acting_as(actor(TOWN_CLERK)), pytest.raises(Conflict, match="文件不能改动"):
        click(attachments.arrange, DOSSIER, records.get(DOSSIER, row.id), [str(photo.id)], [])


def test_sending_back_opens_the_stage_again(session: Session) -> None:
    row = dossier()
    approve(row, STARTED)
    approve(row, COMPLETED, *AFTER)
    db.session.commit()
    with acting_as(actor(PROVINCE)) as province:
        back = step(row, "send_back", "照片不是这一户")
        assert (back.stage, back.state) == (Progress.STARTED, State.RECTIFY)
        assert "reopen" in [s.name for s in steps.open_steps(DOSSIER, back, province)]
        again = step(row, "reopen", "开工时间也不对")
        assert (again.stage, again.state) == (None, State.RECTIFY)
        with pytest.raises(Conflict, match="没有审核通过的阶段"):
            step(row, "reopen", "再退")
        assert [line.stage for line in history.of(again)][-2:] == ["completed", "started"]
        db.session.commit()
    with acting_as(actor(TOWN_CLERK)):
        assert save(row, {"started_on": BEGUN - DAY}).started_on == BEGUN - DAY


def test_taking_an_approval_back_unlocks_it(session: Session) -> None:
    row = dossier()
    with acting_as(actor(TOWN_CLERK)):
        save(row, STARTED)
        step(row, "submit")
    with acting_as(actor(COUNTY_MANAGER)):
        step(row, "approve")
        undone = step(row, "take_back")
    assert (undone.stage, undone.state) == (None, State.SUBMITTED)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (STARTED | {"completed_on": BEGUN - DAY}, "completed_on.early"),
        (STARTED | {"completed_on": today() + 2 * DAY}, "completed_on.late"),  # midnight may pass
        ({"started_on": today() + 2 * DAY}, "started_on.late"),
        ({"started_on": today() - 500 * DAY}, "started_on.early"),  # before the application
        (STARTED | COMPLETED | {"accepted_on": BEGUN}, "accepted_on.early"),
        (GRANTED | {"payments": [payment("26000.11")]}, "paid.much"),
        ({"payments": [payment("1")]}, "paid.much_ungranted"),
        (GRANTED | {"payments": [payment(date=today() + 2 * DAY)]}, "payments.date.late"),
        (GRANTED | {"payments": [payment(date=today() - 500 * DAY)]}, "payments.date.early"),
        (GRANTED | {"payments": [payment(account="6217")]}, "payments.account.invalid"),
        (GRANTED | {"payments": [payment(amount="1", holder=None)]}, "payments.holder.required"),
    ],
)
def test_what_cannot_be_is_refused(clerk: Any, values: dict[str, Any], code: str) -> None:
    row = dossier()
    with pytest.raises(Invalid) as wrong:
        save(row, values)
    assert codes(wrong) == {code}


def test_a_craftsman_is_one_of_the_list(session: Session) -> None:
    far = builders.seat(Level.VILLAGE, NEXT_COUNTY)
    form = specimens.valid(CRAFTSMAN, far, name="赵大工")
    registered = specimens.record(CRAFTSMAN, far, values=form)
    number, row = registered.id_number, dossier()
    built = {"started_on": BEGUN, "builder": Builder.CRAFTSMAN, "craftsman": "赵大工"}
    with acting_as(actor(TOWN_CLERK)):
        for name, given, code in (
            ("赵大工", id_number(), "craftsman_id.unknown"),
            ("赵小工", number, "craftsman.other"),
        ):
            with pytest.raises(Invalid) as wrong:
                save(row, built | {"craftsman": name, "craftsman_id": given})
            assert codes(wrong) == {code}
            db.session.rollback()
        assert save(row, built | {"craftsman_id": number}).craftsman == "赵大工"


def test_paid_in_parts(session: Session) -> None:
    """Part of the grant is saved, not submitted; nothing granted is nothing paid in full."""
    row = dossier(stage=Progress.COMPLETED, state=State.APPROVED, **STARTED, **COMPLETED)
    attach(row, *AFTER, register="dossier")
    with acting_as(actor(TOWN_CLERK)):
        part = save(row, GRANTED | {"payments": [payment("20000")]})
        assert (part.paid, part.paid_in_full) == (Decimal(20000), False)
        with pytest.raises(Invalid) as wrong:
            step(row, "submit")
        assert codes(wrong) == {"payments.partial"}
        none = dict.fromkeys(
            ("central_subsidy", "province_subsidy", "city_subsidy", "county_subsidy"), Decimal(0)
        )
        save(row, none | {"payments": []})
        assert not step(row, "submit").paid_in_full


def test_what_auditors_look_for(clerk: Any) -> None:
    one = dossier(head_id=id_number(born=f"{today().year - 10}0101"))
    two = dossier()
    for row in (one, two):
        save(row, GRANTED | {"payments": [payment()]})
    row = records.get(DOSSIER, one.id)
    found = {p.code for p in records.findings(DOSSIER, row, records.evaluate(DOSSIER, row))}
    assert found == {"payments.same_account", "head.minor"}
    db.session.commit()
    earlier = dossier(plan_year=today().year - 1)
    with unscoped("the same household once more") as session:
        session.get_one(Dossier, earlier.id).household_id = two.household_id
        session.commit()
    samples.prior_fact(
        kind=PriorKind.RENOVATION, id_number=two.head_id, found_on=dt.date(2019, 10, 1)
    )
    save(two, {"payments": []})
    row = records.get(DOSSIER, two.id)
    found = {p.code for p in records.findings(DOSSIER, row, records.evaluate(DOSSIER, row))}
    assert found == {"grant.second"}
    (said,) = records.findings(DOSSIER, row, records.evaluate(DOSSIER, row))
    assert f"2019-10-01 的改造记录、{today().year - 1}年计划" in said.message


def test_haste_is_a_warning(clerk: Any) -> None:
    row = dossier()
    saved = save(row, STARTED | {"completed_on": BEGUN + 14 * DAY})
    told = [p.code for p in records.evaluate(DOSSIER, saved).broken]
    assert told == ["days.hasty"]


def test_overdue_comes_with_the_calendar(session: Session) -> None:
    late = overdue.year_before(today()) - DAY
    one = dossier(stage=Progress.STARTED, state=State.APPROVED, **STARTED | {"started_on": late})
    two = dossier(
        stage=Progress.STARTED, state=State.APPROVED, **STARTED | {"started_on": late + DAY}
    )
    assert overdue.year_before(dt.date(2024, 2, 29)) == dt.date(2023, 2, 28)
    assert overdue.mark_all() == 1
    assert overdue.mark_all() == 0
    with unscoped("counters are proved") as proof:
        assert proof.get_one(Dossier, one.id).overdue
        assert not proof.get_one(Dossier, two.id).overdue
        kept = kept_counts(proof, DOSSIER)
        assert [n for (figure, _place), n in kept.items() if figure == "overdue"] == [1, 1]
    assert not approve(one, COMPLETED, *AFTER).overdue
