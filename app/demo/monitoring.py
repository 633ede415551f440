"""Low-income households of the demonstration and what was monitored of them since 2024: every state,
records that follow one another, households without a house.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.access.divisions.regions import Level
from app.core.clock import uuid7
from app.demo.accounts import Staff
from app.demo.people import Person
from app.demo.places import Place
from app.demo.timeline import Step
from app.kernel.declare.flow import State, county_review
from app.kernel.households.register import HOUSEHOLD
from app.kernel.kinds import formats
from app.modules.homes.choices import Hardship, Living, Measure, Origin
from app.modules.low_income.fields import Upkeep
from app.modules.low_income.model import LowIncome
from app.modules.low_income.register import LOW_INCOME
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING

if TYPE_CHECKING:
    from app.demo.load import _Demonstration

Values = dict[str, Any]
SINCE = 2024
_SEED, _SHARE = 20240611, 0.15
_STATES = {
    State.MISSING: 22, State.DRAFT: 12, State.SUBMITTED: 10, State.APPROVED: 48, State.RETURNED: 8
}  # fmt: skip
_ORIGINS = {Origin.CIVIL: 60, Origin.ISSUED: 34, Origin.OFF_LIST: 6}
_GROUPS = {
    Hardship.ALLOWANCE: 46, Hardship.RELAPSE: 16, Hardship.BORDERLINE: 14, Hardship.DESTITUTE: 12,
    Hardship.STRICKEN: 8, Hardship.EXITED: 4,
}  # fmt: skip


class Monitored:
    """Puts some of the demonstration's households onto the list, and monitors them."""

    def __init__(self, demo: _Demonstration) -> None:
        self.demo = demo
        self.pick = random.Random(_SEED)

    def enlist(self, place: Place, home: Values) -> None:
        """Perhaps it is a low-income household: then it stands on that list too."""
        known = home["head_id"] and formats.id_number_valid(home["head_id"], self.demo.today)
        if place.level != Level.VILLAGE or not known or self.pick.random() >= _SHARE:
            return
        self.demo.count_out(HOUSEHOLD, home, self.demo.timeline.issued)
        home["low_income"] = True
        self.demo.count_in(HOUSEHOLD, home, self.demo.timeline.issued)

    def household(
        self, place: Place, home: Values, head: Person, prefixes: list[str], staff: Staff, by: str
    ) -> None:
        """The records of a low-income household, the oldest first."""
        if not home["low_income"]:
            return
        groups = tuple(sorted({g.value for g in self.pick.choices(*_weights(_GROUPS), k=2)}))
        copied: Values = {
            "household_id": home["id"], "head_name": home["head_name"], "head_id": home["head_id"],
            "former_head": _former(home), "low_income": True, "groups": groups,
            "origin": self.pick.choices(*_weights(_ORIGINS))[0],
        }  # fmt: skip
        self._stand_on_the_list(place, home, copied)
        state = self.pick.choices(*_weights(_STATES))[0]
        earlier = None
        if state != State.MISSING:
            first = self.demo.today.year - self.pick.choices((0, 1, 2), (45, 35, 20))[0]
            for year in range(max(SINCE, first), self.demo.today.year):
                earlier = self._approved(
                    place, home, head, prefixes, staff, by, copied, year, earlier
                )
        self._present(place, home, head, prefixes, staff, by, copied, state, earlier)

    def _stand_on_the_list(self, place: Place, home: Values, copied: Values) -> None:
        issued = self.demo.timeline.issued
        row = self.demo.add(
            LowIncome, place, id=uuid7(), version=1, created_at=issued, changed_at=issued,
            sex=home["sex"], phone=home["phone"], head_low_income=True,
            upkeep=self.pick.choices((Upkeep.DONE, Upkeep.PENDING), (8, 2))[0], **copied,
        )  # fmt: skip
        self.demo.count_in(LOW_INCOME, row, issued)

    def _approved(
        self, place: Place, home: Values, head: Person, prefixes: list[str], staff: Staff, by: str,
        copied: Values, year: int, earlier: Values | None,
    ) -> Values:  # fmt: skip
        """An approved record of an earlier year; counted from the day the demonstration begins."""
        day = dt.date(year, self.pick.randint(3, 9), self.pick.randint(1, 28))
        answers = self._answers(place, home, head, prefixes, day, by)
        clerk, timeline = staff.clerk_of(place.path), self.demo.timeline
        self._replace(earlier, timeline.issued)  # before a new row may send it to the database
        row = self._row(place, copied, earlier, timeline.moment(day), version=3, year=year)
        row |= answers | {"newest_of_year": True, "state": State.DRAFT, "current": False}
        files = self.demo.files(MONITORING, place, row, answers, clerk, day, complete=True)
        source = State.DRAFT
        steps = []
        for name, account, days in (("submit", clerk, 2), ("approve", staff.reviewer, 6)):
            at = timeline.moment(day + dt.timedelta(days=days))
            step = county_review.get(name)
            if step is None:
                raise LookupError(name)
            steps.append(Step(step, source, at, account))
            source = step.target
        self.demo.walk(MONITORING, place, row, steps, files, counted=False)
        row["current"] = True
        self.demo.count_in(MONITORING, row, timeline.issued)
        return row

    def _present(
        self, place: Place, home: Values, head: Person, prefixes: list[str], staff: Staff, by: str,
        copied: Values, state: State, earlier: Values | None,
    ) -> None:  # fmt: skip
        """The record that counts now."""
        demo = self.demo
        clerk = staff.clerk_of(place.path)
        begun = state != State.MISSING
        day, steps = demo.timeline.to(state, clerk, staff) if begun else (demo.today, [])
        saved = demo.timeline.moment(day)
        self._replace(earlier, saved)
        row = self._row(place, copied, earlier, demo.timeline.issued, current=earlier is None)
        demo.count_in(MONITORING, row, demo.timeline.issued)
        if not begun:
            return
        answers = self._answers(place, home, head, prefixes, day, by)
        files = demo.files(MONITORING, place, row, answers, clerk, day, complete=bool(steps))
        if not steps:
            answers = self._begun(answers)
        demo.count_out(MONITORING, row, saved)
        row |= answers
        row |= {"state": State.DRAFT, "changed_at": saved, "current": True, "year": day.year}
        row |= {"newest_of_year": True, "version": 2 + len(steps)}
        demo.count_in(MONITORING, row, saved)
        demo.walk(MONITORING, place, row, steps, files)

    def _replace(self, earlier: Values | None, at: dt.datetime) -> None:
        """It stops being the one that counts."""
        if earlier is not None:
            self.demo.count_out(MONITORING, earlier, at)
            earlier["current"] = False
            self.demo.count_in(MONITORING, earlier, at)

    def _row(
        self, place: Place, copied: Values, earlier: Values | None, at: dt.datetime, **said: Any
    ) -> Values:
        values = {
            "id": uuid7(), "version": 1, "created_at": at, "changed_at": at, "current": True,
            "state": State.MISSING, "newest_of_year": False, "to_resurvey": False,
            "predecessor_id": earlier["id"] if earlier else None,
        }  # fmt: skip
        return self.demo.add(Monitoring, place, **copied, **(values | said))

    def _answers(
        self, place: Place, home: Values, head: Person, prefixes: list[str], day: dt.date, by: str
    ) -> Values:
        """A whole form; some have no house. Whom the look-back knows is head, and nobody splits off."""
        facts = home | {"place_code": place.code}
        found = self.demo.surveys.answers(facts, head, prefixes, day, by)
        if found["died"]:
            return found
        for name in [n for n in found if n.startswith("new_head") or n == "split_heads"]:
            del found[name]
        found |= {"head_changed": False, "split": False}
        if self.pick.random() < 0.07:
            told = set(MONITORING.sections[1].fields + MONITORING.sections[2].fields) | {"died"}
            secured = self.pick.random() < 0.3
            found = {name: value for name, value in found.items() if name in told} | {
                "living": Living.NONE,
                "secured": secured,
                "measure": self.pick.choice((Measure.RENOVATION, Measure.PUBLIC_HOUSING)),
                "measure_year": day.year + (not secured and self.pick.random() < 0.4),
            }
        found["has_house"] = MONITORING.fields["has_house"].compute(found)
        return found

    def _begun(self, answers: Values) -> Values:
        """What a clerk has entered so far; without 现住房情况 nothing is saved."""
        names = [name for name in MONITORING.field_names if name in answers]
        kept = set(names[: max(10, round(len(names) * self.pick.uniform(0.4, 1)))])
        return {n: answers[n] for n in names if n in kept or n in ("living", "has_house")}


def _weights(shares: Mapping[Any, int]) -> tuple[list[Any], list[int]]:
    return list(shares), list(shares.values())


def _former(home: Values) -> str | None:
    return home["issued_name"] if home["issued_name"] != home["head_name"] else None
