"""Applications for a renovation open by themselves (spec 02 "Approved + not yet secured", 04 step 2).

What asks for one is the household's survey that counts (app.modules.surveys.last). When it is approved,
an application opens, or the one that there is lives on; when it is sent back, or another one counts that
says something else, an application that nobody has submitted is closed, a later one is flagged 待核实.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.core.clock import now, uuid7
from app.core.db import db
from app.core.errors import Conflict
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.flow import EDITABLE, State, Transition
from app.kernel.declare.register import Register, get_register
from app.kernel.hooks import Leaving
from app.kernel.records import copies
from app.kernel.rows.household import Household
from app.kernel.rows.record import Draft
from app.modules.homes.choices import COMPLETED, Living
from app.modules.renovation import following
from app.modules.renovation.fields import Applied, Basis, kind_needed, prefilled
from app.modules.renovation.plan_years import plan_year
from app.modules.surveys.last import Cause, Last, approved_at, day_of, last_surveys, surveyed

_UNSUBMITTED = (State.MISSING, State.DRAFT)


def asks(last: Last) -> bool:
    """Does the survey ask for work that was not done since?"""
    return wants(last) and last.safe_from is None


def wants(last: Last) -> bool:
    """Does the survey ask for work, whatever was done?"""
    return kind_needed(last.survey) is not None


def begins(session: Session, row: Any) -> Mapping[str, Any]:
    """What an application says before anybody types, from its household and its survey."""
    household = session.get(Household, row.household_id)
    last = last_surveys(session, [household]).get(household.id) if household else None
    if last is None or household is None or not wants(last):
        return {"kind": row.kind, "plan_year": row.plan_year, "no_house": row.no_house}
    groups = _groups(session, [household])
    return prefilled(household, last.survey, groups.get(household.id))


def _groups(session: Session, homes: Collection[Household]) -> dict[uuid.UUID, Any]:
    """The groups that the list of low-income households knows of these, by household."""
    facts = hooks.list_facts(session, homes)
    return {key: said["groups"] for key, said in facts if "groups" in said}


# ---- following the surveys ---------------------------------------------------------------------


@hooks.stepped.listen(of=Applied, order=20)
def sent_back(_register: Register, row: Any, _step: Transition) -> None:
    """An application that is open again may be flagged, or be flagged no longer."""
    session = object_session(row)
    if session and row.state in EDITABLE:
        settle(session, [row.household_id])


@hooks.saved.listen(of=Applied, order=20)
def corrected(_register: Register, row: Any, _changes: Mapping[str, Any]) -> None:
    """An application that was flagged and agrees with the survey now is flagged no longer."""
    session = object_session(row)
    if session and row.basis == Basis.DOUBTED:
        settle(session, [row.household_id])


def settle(session: Session, household_ids: Sequence[uuid.UUID], year: int | None = None) -> int:
    """Bring the applications of these households into line with their surveys, in the plan year
    ``year`` (today's); gives how many changed. A constant number of statements but for what changes.
    The caller commits.
    """
    homes = session.scalars(select(Household).where(Household.id.in_(household_ids))).all()
    return len(bring_into_line(session, homes, last_surveys(session, homes), year))


@surveyed.listen(order=20)
def follow(
    session: Session, homes: Sequence[Household], lasts: Mapping[uuid.UUID, Last], cause: Cause
) -> list[str]:
    """An application opens, closes or is flagged with the survey on which it stands. One for which
    money was paid is not touched where nobody did anything.
    """
    if cause == Cause.RULE:
        paid = following.paid_for(session, [home.id for home in homes])
        homes = [home for home in homes if home.id not in paid]
    return bring_into_line(session, homes, lasts)


def bring_into_line(
    session: Session,
    homes: Sequence[Household],
    lasts: Mapping[uuid.UUID, Last],
    year: int | None = None,
) -> list[str]:
    """:func:`settle` of households at hand, whose surveys that count are ``lasts``; gives what became
    of the applications that changed, as their histories call it.
    """
    register = following.register()
    if register is None:
        return []
    rows: dict[uuid.UUID, list[Any]] = defaultdict(list)
    model = register.model
    query = select(model).where(model.household_id.in_([home.id for home in homes]))
    for row in session.scalars(query.order_by(model.household_id, model.number)):
        rows[row.household_id].append(row)
    if not rows and not any(asks(last) for last in lasts.values()):
        return []  # as of most
    year = plan_year(session=session) if year is None else year
    work = _Settling(session, register, year, _groups(session, homes))
    for home in homes:
        work.household(home, lasts.get(home.id), rows[home.id])
    return work.changed


@dataclass
class _Settling:
    session: Session
    register: Register
    year: int
    groups: Mapping[uuid.UUID, Any]
    changed: list[str] = field(default_factory=list)

    def household(self, home: Household, last: Last | None, rows: Sequence[Any]) -> None:
        current = next((r for r in reversed(rows) if r.basis != Basis.CLOSED), None)
        if current is not None and self._done(current):
            if last and asks(last) and current.survey_id != last.survey.id:
                self._open(home, last, rows)
            else:
                self._look_back(current, last)
        elif last is None or not wants(last):
            if current is not None and last is not None and self._tells_of_the_new(current, last):
                self._release(current, last)
            elif current is not None:
                self._drop(current, last)
        elif current is not None:
            self._confirm(current, home, last)
        elif not asks(last):
            return  # done since, and nobody applies
        elif rows:
            self._revive(rows[-1], home, last)
        else:
            self._open(home, last, rows)

    def _look_back(self, row: Any, last: Last | None) -> None:
        """The work is done and paid for, which nothing undoes: what the money stood on may be gone."""
        why = self._why_gone(row, last)
        if why and row.basis != Basis.DOUBTED:
            row.basis = Basis.DOUBTED
            self._note(row, "doubted", following.DOUBTED, why)
        elif last is not None and not why:
            self._release(row, last)

    def _release(self, row: Any, last: Last) -> None:
        """Nothing speaks against it any more."""
        if row.basis == Basis.DOUBTED:
            row.basis = Basis.HELD
            self._note(row, "confirmed", following.CONFIRMED, _told_by(last))

    def _why_gone(self, row: Any, last: Last | None) -> str:
        """What speaks against a finished application, in words; "" if nothing."""
        own = last is not None and last.survey.id == row.survey_id
        if not own and not self._sent_back(row):
            return ""  # what was approved stands; another survey counts by now
        if last is not None and wants(last):
            return _differs(row, last)
        if own and last is not None and self._tells_of_the_new(row, last):
            return ""
        return _dropped(last)

    def _tells_of_the_new(self, row: Any, last: Last) -> bool:
        """Is the survey of a day after the acceptance, which the county approved?"""
        dossier = following.dossier_of(self.session, row)
        if dossier is None or dossier.stage not in COMPLETED or dossier.accepted_on is None:
            return False
        return day_of(last.survey) > dossier.accepted_on

    def _sent_back(self, row: Any) -> bool:
        """Is the survey on which the application stands no longer approved?"""
        made = get_register(row.survey_register) if row.survey_register else None
        survey = self.session.get(made.model, row.survey_id) if made else None
        return survey is None or survey.state != State.APPROVED

    def _done(self, row: Any) -> bool:
        return row.state == State.APPROVED and following.is_ended(self.session, row)

    def _open(self, home: Household, last: Last, rows: Sequence[Any]) -> None:
        row = self.register.model(
            id=uuid7(),
            household_id=home.id,
            region_id=home.region_id,
            number=len(rows) + 1,
            basis=self._basis(last),
            **copies.of(home, self.register.model),
            **prefilled(home, last.survey, self.groups.get(home.id)),
        )
        _stand_on(row, last)
        self.session.add(row)
        self.session.flush()
        self._note(row, "opened", following.OPENED, _source(last))

    def _revive(self, row: Any, home: Household, last: Last) -> None:
        self._take_over(row, home, last)
        row.basis = self._basis(last)
        self._note(row, "revived", following.REVIVED, _source(last))

    def _confirm(self, row: Any, home: Household, last: Last) -> None:
        """The survey asks for work, and there is an application for it."""
        before = row.basis, row.survey_id, row.surveyed_at
        if row.state in _UNSUBMITTED and row.surveyed_at != approved_at(last.survey):
            self._take_over(row, home, last)
        if row.state in EDITABLE:
            row.no_house = _houseless(last)
        _stand_on(row, last)
        why = _differs(row, last)
        if row.state in _UNSUBMITTED:
            row.basis = self._basis(last)
        else:
            row.basis = Basis.DOUBTED if why else Basis.HELD
        if (row.basis, row.survey_id, row.surveyed_at) == before:
            return
        if row.basis == Basis.DOUBTED:
            self._note(row, "doubted", following.DOUBTED, why)
        else:
            self._note(row, "confirmed", following.CONFIRMED, _source(last))

    def _drop(self, row: Any, last: Last | None) -> None:
        """No survey asks for work any more."""
        why = _dropped(last)
        if row.state in _UNSUBMITTED:
            row.basis = Basis.CLOSED
            for draft in self.session.scalars(select(Draft).where(Draft.record_id == row.id)):
                self.session.delete(draft)
            self._note(row, "closed", following.CLOSED, why)
        elif row.basis != Basis.DOUBTED:
            row.basis = Basis.DOUBTED
            self._note(row, "doubted", following.DOUBTED, why)

    def _take_over(self, row: Any, home: Household, last: Last) -> None:
        """What the survey says now; what was typed beside it stays."""
        known = prefilled(home, last.survey, self.groups.get(home.id))
        fixed = ("no_house", "grade", "kind", "plan_year")
        typed = row.state == State.DRAFT
        for name, value in known.items():
            if not typed or name in fixed:
                setattr(row, name, value)
        if row.no_house:
            row.grade = None
        _stand_on(row, last)

    def _basis(self, last: Last) -> Basis:
        """Does it open now, or in its plan year?"""
        return Basis.WAITING if last.survey.measure_year > self.year else Basis.HELD

    def _note(self, row: Any, step: str, label: str, why: str) -> None:
        row.changed_at = now()
        self.changed.append(label)
        following.note(self.session, self.register, row, step, label, why)


def _stand_on(row: Any, last: Last) -> None:
    row.survey_register, row.survey_id = last.register.name, last.survey.id
    row.surveyed_at = approved_at(last.survey)


def _houseless(last: Last) -> bool:
    return bool(last.survey.living == Living.NONE)


def _source(last: Last) -> str:
    return _(
        "依据%(what)s，%(year)s年度。", what=last.register.label, year=last.survey.measure_year
    )


def _told_by(last: Last) -> str:
    return _source(last) if wants(last) else _("依据%(what)s。", what=last.register.label)


def _dropped(last: Last | None) -> str:
    """Why no survey asks for the work any more."""
    if last is not None:
        return _("该户最近审核通过的住房安全信息不再需要危房改造或抗震改造。")
    return _("该户的住房安全信息已退回，或该户已不在名单中，重新审核通过后恢复。")


def _differs(row: Any, last: Last) -> str:
    """In what an application says something else than the survey; "" where it agrees."""
    survey = last.survey
    if bool(row.no_house) != _houseless(last):
        return _("住房安全信息中是否无房户已改变。")
    if row.kind != kind_needed(survey):
        return _("住房安全信息中的保障措施与申请改造类型不一致。")
    if not row.no_house and row.grade != survey.grade:
        return _("住房安全信息中的鉴定评估结果与申请不一致。")
    return ""


# ---- what a flag and a closing stand in the way of -----------------------------------------------


@hooks.stepping.listen(of=Applied, order=20)
def refuse_doubted(_register: Register, row: Any, step: Transition) -> None:
    """Nobody goes on with an application whose survey does not ask for it; it can be sent back."""
    if row.basis != Basis.DOUBTED:
        return
    if step.complete or step.target == State.APPROVED or step.name == "check":
        raise Conflict(warning(row), row=row)


def warning(row: Any) -> str:
    """What the page of a flagged application says."""
    if row.basis != Basis.DOUBTED:
        return ""
    return _("该申请待核实：%(why)s", why=why_doubted(row))


def why_doubted(row: Any) -> str:
    """Why the application is flagged, in words."""
    home = db.session.get_one(Household, row.household_id)
    last = last_surveys(db.session(), [home]).get(home.id)
    if last is None:
        return _("该户的住房安全信息已退回，或该户已不在名单中，重新审核通过后才能继续办理。")
    if not wants(last):
        return _("该户最近审核通过的住房安全信息不再需要危房改造或抗震改造。")
    return _differs(row, last)


@hooks.why_stay.listen(order=10)
def stays_while_applying(session: Session, household: Household, leaving: Leaving) -> Iterator[str]:
    """Nobody leaves the list with an application that is not at its end (spec 03)."""
    register = following.register()
    if register is None or leaving != Leaving.LIST:
        return
    model = register.model
    query = select(model).where(model.household_id == household.id, model.basis != Basis.CLOSED)
    for row in session.scalars(query):
        if not (row.state == State.APPROVED and following.is_ended(session, row)):
            yield _(
                "该户有未办结的改造申请（%(year)s年度，%(state)s），办结或关闭后才能退出。",
                year=row.plan_year,
                state=register.state_text(row.state),
            )
