"""When a record was entered, submitted, returned and approved, and by whom."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from app.access.account import Account
from app.access.divisions.regions import Level
from app.core.clock import CHINA
from app.demo.accounts import Staff
from app.kernel.declare.flow import RETURN_REASONS, State, Transition, county_review

DAYS = 75  # since the list was issued; the last day with work is yesterday

_OPINIONS = {
    "资料不全": "鉴定报告缺盖章页，请补齐后重新上报。",
    "信息有误": "建筑面积与鉴定报告不一致，请核对修改。",
    "照片不清晰或不是现场照片": "正立面照片模糊，请现场重新拍摄。",
    "鉴定或评估材料不符": "上传的鉴定报告不是该户房屋的，请更换。",
    "房屋信息与实际不符": "现场核实为二层砖混结构，请修改层数和结构类型。",
}


@dataclass(frozen=True)
class Step:
    """One step of a record's history, with its text if a reviewer gave one."""

    transition: Transition
    source: State
    at: dt.datetime
    account: Account
    opinion: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.transition.label_for(Level(self.account.level))

    @property
    def target(self) -> State:
        return self.transition.target_for(Level(self.account.level))


class Timeline:
    """Draws the history that leads a record to a state. ``today`` is the day it is seen on."""

    def __init__(self, pick: random.Random, today: dt.date, above: list[Account]) -> None:
        self.pick = pick
        self.today = today
        self.above = above  # accounts of higher levels, which spot-check
        self.issued = self.moment(today - dt.timedelta(days=DAYS))

    def moment(self, day: dt.date) -> dt.datetime:
        """A moment in the working hours of a day."""
        minute = self.pick.randrange(8 * 60 + 30, 18 * 60)
        clock = dt.time(minute // 60, minute % 60, self.pick.randrange(60), tzinfo=CHINA)
        return dt.datetime.combine(day, clock).astimezone(dt.UTC)

    def to(self, state: State, clerk: Account, staff: Staff) -> tuple[dt.date, list[Step]]:
        """The day of the survey and the steps, oldest first."""
        day = self._last_day(state)
        rounds: list[tuple[str, Account]] = []
        if state != State.DRAFT:
            rounds = self._rounds(state, clerk, staff)
        days = [day]
        for _later in rounds[1:]:
            days.insert(0, days[0] - dt.timedelta(days=self.pick.randint(1, 4)))
        surveyed = days[0] - dt.timedelta(days=self.pick.randint(0, 3))
        steps: list[Step] = []
        source = State.DRAFT
        for (name, account), at in zip(rounds, days, strict=False):
            steps.append(self._step(name, source, self.moment(at), account))
            source = steps[-1].target
        return surveyed, steps

    def _last_day(self, state: State) -> dt.date:
        """The day of the last step: open ones are recent, approvals spread over the weeks."""
        latest = {State.DRAFT: 15, State.SUBMITTED: 9, State.RETURNED: 16}.get(state)
        if latest is not None:
            return self.today - dt.timedelta(days=self.pick.randint(1, latest))
        most = DAYS - 25  # room for what came before it
        return self.today - dt.timedelta(days=round(self.pick.triangular(1, most, most * 0.4)))

    def _rounds(self, state: State, clerk: Account, staff: Staff) -> list[tuple[str, Account]]:
        submit = ("submit", clerk)
        again = [submit, ("return", staff.reviewer)] if self.pick.random() < 0.07 else []
        if state == State.SUBMITTED:
            return [*again, submit]
        if state == State.APPROVED:
            return [*again, submit, ("approve", staff.reviewer)]
        if self.pick.random() < 0.2:
            back = ("send_back", self.pick.choice([*self.above, staff.manager]))
            return [submit, ("approve", staff.reviewer), back]
        return [submit, ("return", staff.reviewer)]

    def _step(self, name: str, source: State, at: dt.datetime, account: Account) -> Step:
        transition = county_review.get(name)
        if transition is None:
            raise LookupError(name)
        if not transition.opinion:
            return Step(transition, source, at, account)
        reason = self.pick.choice(RETURN_REASONS)
        return Step(transition, source, at, account, _OPINIONS.get(reason, reason), (reason,))
