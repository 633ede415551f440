"""What waits for whom, and what it costs to know."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest

from app.access.divisions.regions import Level
from app.core.clock import now
from app.core.db import db
from app.core.jobs.table import Job, JobState, Owner, enqueue
from app.kernel.declare.flow import State
from app.kernel.figures.waiting import badges, jobs_of, waiting_for
from tests import builders as b
from tests.kernel.reports import country


@pytest.fixture
def arranged():
    return country.settle


def states(truth, path, *names):
    return {name: len(truth.rows(name, path)) for name in names if truth.rows(name, path)}


@pytest.mark.parametrize("who", [*b.EVERYBODY], ids=str)
def test_everybody_sees_what_he_has_to_do(settled, lookback, who):
    truth = country.Truth(lookback)
    with b.acting(who) as actor:
        found = {item.state.value: item for item in waiting_for(actor)}
        told = badges(actor).numbers
        wanted = {}
        if ("enter", "lookback") in actor.capabilities:
            wanted |= states(truth, actor.path, "returned", "draft", "missing")
            assert told["lookback", "entry"] == len(truth.rows("returned", actor.path))
        if ("review", "lookback") in actor.capabilities:
            wanted |= states(truth, actor.path, "submitted")
            assert told["lookback", "review"] == len(truth.rows("submitted", actor.path))
        assert {state: item.n for state, item in found.items()} == wanted
        assert ("lookback", "query") not in told
    if who in (b.COUNTY_MANAGER, b.TOWN_CLERK, b.VILLAGE_CLERK):
        assert wanted


@pytest.mark.parametrize("who", [b.COUNTY_MANAGER, b.TOWN_CLERK, b.VILLAGE_CLERK], ids=str)
def test_it_is_one_statement(settled, statements, who):
    """… of counters alone, whichever registers there are; a village's of its rows."""
    with b.acting(who) as actor, statements() as seen:
        waiting_for(actor)
        badges(actor)
    assert len(seen) == 2
    for statement in seen:
        tables = set(re.findall(r"FROM (\w+)", statement)) - {
            "region"
        }  # which county wants a review
        assert (tables == {"tally"}) == (who is not b.VILLAGE_CLERK)
        assert len(tables) == 1 or tables > {"lookback", "monitoring"}


def test_nothing_waits_for_those_who_only_look(settled):
    with b.acting(b.MINISTRY) as actor:
        assert badges(actor).numbers == {}
        assert waiting_for(actor) == []


def test_a_right_that_is_granted_for_counties_counts_in_each_of_them(settled, lookback):
    """Each number leads to the list of its county."""
    truth = country.Truth(lookback)
    counties = [b.region(code, Level.COUNTY) for code in (b.COUNTY, b.NEXT_COUNTY)]
    granted = tuple(county.path for county in counties)
    pair = ("enter", "lookback")
    with b.acting(b.CITY) as city:
        actor = replace(city, capabilities=city.capabilities | {pair}, limits={pair: granted})
        found = {(item.area.id, item.state.value): item.n for item in waiting_for(actor)}
        told = badges(actor).numbers
    states = ("returned", "draft", "missing")
    wanted = {(c.id, s): len(truth.rows(s, c.path)) for c in counties for s in states}
    assert found == {key: n for key, n in wanted.items() if n}
    assert told["lookback", "entry"] == sum(wanted[c.id, "returned"] for c in counties)


@pytest.mark.parametrize("arranged", [None])
def test_own_jobs_open_or_lately_ended(session):
    mine, other = b.account(b.COUNTY_MANAGER), b.account(b.COUNTY_MANAGER)
    ages = {JobState.QUEUED: None, JobState.RUNNING: None, JobState.DONE: 1, JobState.FAILED: 2}
    for account in (mine, other):
        owner = Owner(account.uuid, account.first_name, account.path)
        for state, hours in [*ages.items(), (JobState.DONE, 30)]:
            job = enqueue("stats.snapshot", {}, owner=owner)
            job.state = state
            job.finished = now() - dt.timedelta(hours=hours) if hours else None
    db.session.commit()
    found = jobs_of(b.actor_of(mine))
    assert (found.running, found.ended, found.failed) == (2, 2, 1)
    assert db.session.query(Job).count() == 10


def test_the_figures_of_single_states_are_known(lookback):
    expected = {state: state.value for state in State if state != State.CHECKING} | {
        State.RETURNED: "returned_county"
    }
    assert lookback.state_figures == expected
