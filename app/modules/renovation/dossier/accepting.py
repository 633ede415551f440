"""A renovation that is completed and accepted is a fact on the house, dated by its acceptance (spec 02
"The survey that counts"): the house is safe from that day, until a newer survey says otherwise. A new
survey is asked for, and takes over what the dossier says of the new house.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, object_session

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register
from app.kernel.hooks import Earlier, Fact
from app.kernel.kinds.values import is_missing, to_json
from app.modules.homes.choices import COMPLETED, Living, Measure, Policy
from app.modules.renovation.dossier import asked_anew
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import Kind, Way
from app.modules.surveys import last
from app.modules.surveys.fields import Survey, unsecured
from app.modules.surveys.last import Told

#: What a survey and the dossier both say of the house, under one name.
_OF_THE_HOUSE = ("structure", "storeys", "floor_area")
#: What was found out about the old house, and is to be found out anew.
_OF_THE_OLD = (
    "judged", "judged_on", "grade", "judged_by", "judged_by_code", "risky_parts",
    "seismic_judged", "seismic_judged_on", "seismic_result", "seismic_judged_by",
    "measure_year", "interim_measure",
)  # fmt: skip
#: What else the survey says of the house that stood there.
_OF_THE_STANDING = ("year_built", "way_built", "altered", "altered_times", "altered_what")
_REBUILT = (Way.REBUILD, Way.NEW_SITE, Way.FIRST_HOUSE)
_STRENGTHENED = (Way.REPAIR, Way.STRENGTHEN)
_MEASURES = {Kind.RENOVATION: Measure.RENOVATION, Kind.RETROFIT: Measure.RETROFIT}


@hooks.house_facts.listen()
def accepted(household_ids: Collection[uuid.UUID]) -> Iterator[Select[tuple[uuid.UUID, dt.date]]]:
    """The days of acceptance; the stage that says so is approved, whatever became of the record since."""
    query = select(Dossier.household_id, Dossier.accepted_on)
    yield query.where(
        Dossier.household_id.in_(household_ids),
        Dossier.stage.in_(COMPLETED),
        Dossier.accepted_on.is_not(None),
    )


@hooks.rebuilt.listen()
def rebuilt(household: Any) -> Iterator[Select[tuple[dt.date]]]:
    """The days of acceptance of what was built anew."""
    accepted_on: Any = Dossier.accepted_on
    yield select(accepted_on).where(
        Dossier.household_id == household,
        Dossier.stage.in_(COMPLETED),
        Dossier.way.in_(_REBUILT),
        accepted_on.is_not(None),
    )


@hooks.stepped.listen(of=Dossier, order=70)
def follow(_register: Register, row: Dossier, step: Transition) -> None:
    """The approval of the stage 竣工, or its end, tells another fact."""
    session = object_session(row)
    decided = step.reopens or State.APPROVED in (row.state, *step.sources)
    if session is not None and decided and row.accepted_on is not None:
        last.follow(session, [row.household_id])
        asked = asked_anew.mark(session, [row.household_id])
        if row.stage in COMPLETED:
            _tell(session, asked, row, row.accepted_on)


def _tell(session: Session, asked: Sequence[Told], done: Dossier, day: dt.date) -> None:
    """Tell where each survey of before the acceptance was entered that a new one is asked for; once,
    however often the stage is decided on.
    """
    for register, survey in asked:
        if not survey.superseded and last.day_of(survey) <= day:
            notices.tell_once(
                session, notices.home_of(session, survey.submitted_by) or survey.region_id,
                NoticeKind.RESURVEY, f"/{register.name}/{survey.id}",
                name=survey.head_name, what=done.kind.zh, day=day.isoformat(),
            )  # fmt: skip


# ---- the new survey ------------------------------------------------------------------------------


@hooks.renewed_facts.listen(of=Survey)
def renewed(register: Register, _row: Any, before: Any) -> Iterator[tuple[str, Any, str]]:
    """The house as it is after the renovation; what was found out about the old one is asked anew."""
    done = _accepted_since(before)
    if done is None or done.accepted_on is None:
        return
    source = _("按改造档案带出（%(day)s 验收）", day=done.accepted_on.isoformat())
    for name, value in _of_the_new(done, before).items():
        if name in register.fields:
            yield name, value, source


def _of_the_new(done: Dossier, before: Any) -> dict[str, Any]:
    """What a new survey says of the house, as far as the dossier knows."""
    known: dict[str, Any] = dict.fromkeys(_OF_THE_OLD)
    known |= {"secured": True, "measure": _MEASURES[done.kind]}
    if before.living == Living.NONE:
        if done.way != Way.FIRST_HOUSE:  # nobody knows yet where they live
            return known | {"living": None}
        known["living"] = Living.OWN
    known |= {name: getattr(done, name) for name in _OF_THE_HOUSE}
    if done.kind == Kind.RENOVATION:
        policies = dict.fromkeys((*(before.policies or ()), Policy.RENOVATION))
        known |= {"policy_enjoyed": True, "policies": tuple(policies)}
    if done.way in _REBUILT:
        known |= dict.fromkeys(_OF_THE_STANDING)
    if done.kind == Kind.RETROFIT and done.way in _STRENGTHENED:
        known |= {"strengthened": True, "strengthened_on": done.completed_on}
    return known


@hooks.earlier_facts.listen(of=Survey)
def told(register: Register, row: Any, before: Any) -> Iterator[Earlier]:
    """A survey of before the acceptance says so, and asks for a new one."""
    survey = before or row
    done = None if row.superseded else _accepted_since(survey)
    if done is None or done.accepted_on is None:
        return
    if row.state != State.APPROVED:
        what = _("请按改造后的房屋填写")
    elif register.renewal:
        what = _("请重新入户排查，用“%(step)s”填报", step=translate(register.renewal.label))
    else:
        what = _("请重新入户排查，由审核人员退回补正后按改造后的房屋填报")
    text = _(
        "该户的%(kind)s已于%(day)s验收合格，住房安全按已保障统计；%(what)s。",
        kind=done.kind.label, day=done.accepted_on.isoformat(), what=what,
    )  # fmt: skip
    yield Earlier([("warn", text)], {} if before else _offered(register, done, survey))


def _offered(register: Register, done: Dossier, survey: Any) -> dict[str, list[Fact]]:
    """What the form of the survey itself offers beside its fields."""
    source, on = _("改造档案"), done.accepted_on
    return {
        name: [Fact(to_json(value), register.fields[name].text(value), source, on)]
        for name, value in _of_the_new(done, survey).items()
        if name in register.fields and not is_missing(value)
    }


def _accepted_since(survey: Any) -> Dossier | None:
    """The renovation that made the house safe after the survey that found it is not, if there is one;
    asked of the database for such a survey alone.
    """
    if not unsecured.holds_of(survey):
        return None
    query = select(Dossier).where(
        Dossier.household_id == survey.household_id,
        Dossier.stage.in_(COMPLETED),
        Dossier.accepted_on >= last.day_of(survey),
    )
    return db.session.scalar(query.order_by(Dossier.accepted_on.desc(), Dossier.id).limit(1))
