"""Two people, two tabs or two clicks on one record at the same moment, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import repeats
from app.access.actor import Actor
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.repeats import Repeated, Sent
from app.access.scope import unscoped
from app.core.errors import BadInput, Conflict, Invalid
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.records import drafts, steps
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.kernel.rows.record import Draft, HistoryEntry
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import crowds
from tests.builders import (
    CONTACT,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    VILLAGE_CLERK,
    actor,
    below,
    complete,
    died,
    household,
    other_home,
    region,
)
from tests.clicks import click


def at_once(app: Flask, *works: tuple[Actor, Callable[[], Any]]) -> list[Any]:
    """Each work as its actor."""
    return crowds.at_once(app, *(crowds.acting(who, work) for who, work in works))


@pytest.fixture
def survey(app: Flask) -> Lookback:
    with app.app_context():
        return household()[1]


def actors(app: Flask, *who: Any) -> list[Actor]:
    with app.app_context():
        return [actor(one) for one in who]


def look(app: Flask, model: Any) -> list[Any]:
    with app.app_context(), unscoped("tests look") as everything:
        return list(everything.scalars(select(model)))


def no_drift(app: Flask) -> None:
    with app.app_context(), unscoped("tests look") as everything:
        assert counters.kept_counts(everything, LOOKBACK) == counters.live_counts(
            everything, LOOKBACK
        )
        assert counters.broken_identities(everything, LOOKBACK) == []


def test_two_saves(app: Flask, survey: Lookback) -> None:
    one, two = actors(app, VILLAGE_CLERK, COUNTY_MANAGER)
    first, second = at_once(
        app,
        (one, lambda: click(records.save, LOOKBACK, survey.id, died(), 1)),
        (two, lambda: click(records.save, LOOKBACK, survey.id, other_home(), 1)),
    )
    lost, won = (first, second) if isinstance(first, Exception) else (second, first)
    assert isinstance(lost, Conflict)
    (row,) = look(app, Lookback)
    assert (row.died, row.version) == (won.died, 2)
    assert [e.act for e in look(app, AuditEntry)] == [Act.CREATE]
    no_drift(app)


def test_one_form_sent_twice_at_once(app: Flask, survey: Lookback) -> None:
    (clerk,) = actors(app, VILLAGE_CLERK)
    work = (clerk, lambda: click(records.save, LOOKBACK, survey.id, other_home(), 1))
    assert [row.version for row in at_once(app, work, work)] == [2, 2]
    assert [e.act for e in look(app, AuditEntry)] == [Act.CREATE]
    no_drift(app)


def test_a_double_click_submits_once(app: Flask, survey: Lookback) -> None:
    (clerk,) = actors(app, VILLAGE_CLERK)
    with app.app_context():
        version = complete(survey, died()).version
    work = (
        clerk,
        lambda: click(steps.transition, LOOKBACK, survey.id, "submit", version, CONTACT),
    )
    assert [row.state for row in at_once(app, work, work, work)] == [State.SUBMITTED] * 3
    assert [e.step for e in look(app, HistoryEntry)] == ["submit"]
    no_drift(app)


def test_two_reviewers_decide_differently(app: Flask, survey: Lookback) -> None:
    one, two = actors(app, COUNTY_REVIEWER, COUNTY_REVIEWER)
    with app.app_context():
        complete(survey, died())
        with unscoped("tests arrange") as everything:
            everything.get_one(Lookback, survey.id).state = State.SUBMITTED
            everything.commit()
    outcome = at_once(
        app,
        (one, lambda: click(steps.transition, LOOKBACK, survey.id, "approve", None, CONTACT)),
        (
            two,
            lambda: click(steps.transition, LOOKBACK, survey.id, "return", None, CONTACT, "不符"),
        ),
    )
    assert sorted(isinstance(result, Conflict) for result in outcome) == [False, True], outcome
    (entry,) = look(app, HistoryEntry)
    (row,) = look(app, Lookback)
    assert row.state == entry.target
    no_drift(app)


def test_saving_while_it_is_submitted(app: Flask, survey: Lookback) -> None:
    one, two = actors(app, VILLAGE_CLERK, VILLAGE_CLERK)
    with app.app_context():
        version = complete(survey, died()).version
    saved, submitted = at_once(
        app,
        (one, lambda: click(records.save, LOOKBACK, survey.id, other_home(), version)),
        (two, lambda: click(steps.transition, LOOKBACK, survey.id, "submit", version, CONTACT)),
    )
    assert sorted(isinstance(r, Conflict) for r in (saved, submitted)) == [False, True]
    no_drift(app)


def test_two_tabs_autosave(app: Flask, survey: Lookback) -> None:
    (clerk,) = actors(app, VILLAGE_CLERK)
    works = [
        (clerk, lambda n=n: click(drafts.keep, LOOKBACK, survey.id, 1, {"storeys": str(n)}))
        for n in range(4)
    ]
    outcome = at_once(app, *works)
    assert not [result for result in outcome if isinstance(result, Exception)]
    (draft,) = look(app, Draft)
    assert draft.values["storeys"] in "0123"


def test_two_place_one_household(app: Flask) -> None:
    with app.app_context():
        home, _ = household(below(region(COUNTY), Level.TOWN))
        villages = [below(region(COUNTY), Level.VILLAGE, nth) for nth in (0, 1)]
    one, two = actors(app, COUNTY_MANAGER, COUNTY_MANAGER)
    outcome = at_once(
        app,
        *[
            (who, lambda v=village: click(households.assign_village, home.id, v.id, LOOKBACK))
            for who, village in zip((one, two), villages, strict=True)
        ],
    )
    assert sorted(isinstance(result, BadInput) for result in outcome) == [False, True], outcome
    (placed,) = {row.region_id for model in (Household, Lookback) for row in look(app, model)}
    assert placed in {village.id for village in villages}
    no_drift(app)


def test_many_households_of_one_county(app: Flask) -> None:
    """Every saver changes the same counter lines: nobody deadlocks, nothing drifts."""
    with app.app_context():
        surveys = [household()[1] for _ in range(12)]
    clerks = actors(app, *[VILLAGE_CLERK] * 4)

    def work(mine: list[Lookback]) -> Callable[[], None]:
        def run() -> None:
            for number, survey in enumerate(mine):
                form = died() if number % 2 else other_home()
                row = click(records.save, LOOKBACK, survey.id, form, 1)
                click(steps.transition, LOOKBACK, survey.id, "submit", row.version, CONTACT)

        return run

    outcome = at_once(app, *[(c, work(surveys[n::4])) for n, c in enumerate(clerks)])
    assert outcome == [None] * 4
    assert {row.state for row in look(app, Lookback)} == {State.SUBMITTED}
    no_drift(app)


@pytest.mark.parametrize("fails", [False, True])
def test_two_requests_of_one_key(app: Flask, survey: Lookback, fails: bool) -> None:
    """The second waits for the first: it gets its answer, or does the work that came to nothing."""
    clerk = actors(app, VILLAGE_CLERK)[0]
    begun: list[int] = []

    def request() -> int | None:
        try:
            with repeats.once(Sent(clerk.account_id, "one", "the same")) as outcome:
                begun.append(len(begun))
                records.save(LOOKBACK, survey.id, died(), 1)
                if fails and len(begun) == 1:
                    raise Invalid("no", [])
                outcome.status, outcome.result = 200, survey.id
        except Repeated as repeated:
            return repeated.outcome.status
        return None

    outcome = at_once(app, (clerk, request), (clerk, request))
    if fails:
        assert sorted(type(one).__name__ for one in outcome) == ["Invalid", "NoneType"]
        assert begun == [0, 1]
    else:
        assert sorted(outcome, key=str) == [200, None]
        assert begun == [0]
    (row,) = look(app, Lookback)
    assert (row.state, row.version) == (State.DRAFT, 2)
    no_drift(app)
