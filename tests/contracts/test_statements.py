"""The number of SQL statements of a page does not grow with rows (spec 09: 12 a list, 20 a form)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.kernel.declare.flow import State
from app.kernel.rows.household import Household, SearchKey, Source, match_key
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from app.web.crud.gate import Gated
from tests.builders import (
    COUNTY,
    COUNTY_MANAGER,
    FILES_UNSAFE,
    MINISTRY,
    VILLAGE_CLERK,
    attach,
    below,
    complete,
    full_house,
    household,
    id_number,
    region,
    sign_in,
)
from tests.contracts.conftest import grown, statements

LIST, FORM = 12, 20
GENERATED = 6  # a list or form that FAB generates
UNSAFE = (Grade.C, Grade.D)
STATES = (State.MISSING, State.DRAFT, State.SUBMITTED, State.APPROVED, State.RETURNED)


def fill(count: int, first: int) -> None:
    """Households in several villages, in every state."""
    villages = [below(region(COUNTY), Level.VILLAGE, nth) for nth in range(5)]
    rows: list[Any] = []
    for n in range(first, first + count):
        place, number, key = villages[n % 5], id_number(10_000 + n), uuid7()
        name = f"户{n:04}"
        rows += [
            Household(
                id=key, region_id=place.id, issued_name=name, issued_id=number, head_name=name,
                head_id=number, source=Source.ISSUED, match_key=match_key(number),
            ),
            Lookback(
                region_id=place.id, household_id=key, head_name=name, head_id=number,
                state=STATES[n % 5], died=False, living="own", grade=list(Grade)[n % 4],
            ),
            SearchKey(region_id=place.id, household_id=key, value=name),
        ]  # fmt: skip
    with unscoped("tests fill lists") as session:
        session.add_all(rows)
        session.commit()


#: Page, by whom, at most how many statements.
PAGES = [
    ("/lookback/entry", VILLAGE_CLERK, LIST),
    ("/lookback/query", COUNTY_MANAGER, LIST),
    ("/lookback/query", MINISTRY, LIST),
    ("/lookback/query?size=100", COUNTY_MANAGER, LIST),
    ("/lookback/query?figure=total&page=2", MINISTRY, LIST),
    ("/lookback/query?state=draft&state=returned", COUNTY_MANAGER, LIST),
    ("/lookback/query?head_name=户", COUNTY_MANAGER, LIST),
    ("/lookback/query?grade=C", COUNTY_MANAGER, LIST),
    ("/lookback/review?list=1", COUNTY_MANAGER, LIST),
    ("/lookback/query?town_name=镇&village_name=村", COUNTY_MANAGER, LIST),
    ("/household/list", COUNTY_MANAGER, LIST),
    ("/household/list", MINISTRY, LIST),
    ("/household/list?findings=id_wrong&head_name=户", VILLAGE_CLERK, LIST),
    ("/lookback/statistics/progress", COUNTY_MANAGER, LIST),
    ("/lookback/statistics/summary", MINISTRY, LIST),
    ("/lookback/statistics/week", COUNTY_MANAGER, LIST),
    ("/lookback/statistics/trend?days=90", COUNTY_MANAGER, LIST),
    ("/lookback/query/filters?grade=C", COUNTY_MANAGER, LIST),
    ("/lookback/query/columns", COUNTY_MANAGER, LIST),
    ("/lookback/query/walk?state=draft&walk_from={survey}&walk_at=1", COUNTY_MANAGER, LIST),
    ("/search/?q=户", COUNTY_MANAGER, LIST),
    ("/divisions/", COUNTY_MANAGER, LIST),
    ("/divisions/", MINISTRY, LIST),
    ("/divisions/?q=秦", COUNTY_MANAGER, LIST),
    ("/divisions/changes", COUNTY_MANAGER, LIST),
    ("/", COUNTY_MANAGER, FORM),
    ("/", MINISTRY, FORM),
    ("/lookback/{survey}/edit", COUNTY_MANAGER, FORM),
    ("/lookback/{survey}", COUNTY_MANAGER, FORM),
    ("/household/{household}", COUNTY_MANAGER, LIST),
    ("/household/{household}?register=household&page=2", COUNTY_MANAGER, LIST),
    ("/household/{household}/paper", COUNTY_MANAGER, LIST),
    ("/api/v1/lookback?head_name=户&fields=storeys,grade", COUNTY_MANAGER, LIST),
    ("/api/v1/lookback/changes?since=2026-01-01", MINISTRY, LIST),
    ("/api/v1/lookback/{survey}", COUNTY_MANAGER, LIST),
    ("/api/v1/lookback/{survey}/check", COUNTY_MANAGER, LIST),
    ("/api/v1/household/{household}/records", COUNTY_MANAGER, LIST),
    ("/tokens/", COUNTY_MANAGER, LIST),
    ("/help/api", COUNTY_MANAGER, LIST),
    ("/audit/", COUNTY_MANAGER, LIST),
    ("/roles/matrix/", COUNTY_MANAGER, LIST),
    ("/roles/list/", MINISTRY, GENERATED),
    ("/roles/show/1", MINISTRY, LIST),
    ("/roles/edit/1", MINISTRY, GENERATED),
    ("/rights/list/", MINISTRY, GENERATED),
    ("/users/list/", COUNTY_MANAGER, GENERATED),
    ("/officers/", COUNTY_MANAGER, GENERATED),
    ("/officers/edit/{county}", COUNTY_MANAGER, GENERATED),
    ("/audit/?size=100", MINISTRY, LIST),
    ("/audit/?account=账号&act=update&register=lookback", COUNTY_MANAGER, LIST),
    ("/audit/?head_id=610122197001010013", COUNTY_MANAGER, LIST),
    ("/audit/of/lookback/{survey}", COUNTY_MANAGER, LIST),
    ("/settings/", COUNTY_MANAGER, LIST),
    ("/settings/lookback.deadline", COUNTY_MANAGER, LIST),
    ("/settings/choices/", MINISTRY, LIST),
    ("/settings/choices/structure/01", MINISTRY, LIST),
]


def test_every_generated_list_and_form_is_counted(app: Flask) -> None:
    """Those that FAB adds are asked for here, whoever writes one more."""
    views = [v for v in app.extensions["appbuilder"].baseviews if isinstance(v, Gated)]
    costly = {"list", "add", "edit", "get_list"}
    generated = {f"{view.endpoint}.{name}" for view in views for name in costly & {*view.routes()}}
    assert {"RolesView.edit", "UsersView.list"} <= generated
    addresses = app.url_map.bind("localhost")
    counted = {
        addresses.match(page.format(county=1))[0] for page, _who, most in PAGES if most == GENERATED
    }
    assert generated - counted == set()


@pytest.mark.usefixtures("counted")
def test_statements_do_not_grow_with_rows(app: Flask) -> None:
    clients = {who: sign_in(app, who) for who in {who for _, who, _ in PAGES}}
    with app.app_context():
        county = region(COUNTY).id
        home, survey = household()
        complete(survey, full_house(), FILES_UNSAFE)
        fill(25, 0)

    def ask() -> list[int]:
        counts = []
        for page, who, _ in PAGES:
            url = page.format(survey=survey.id, household=home.id, county=county)
            response = clients[who].get(url)
            assert response.status_code in (200, 302), url
            counts.append(statements(response))
        return counts

    ask()  # lists of choices and such are read once
    few = ask()
    with app.app_context():
        fill(475, 25)
        attach(survey, *["front_photos"] * 2, "risky_photos", "judged_paper")
    many = ask()
    assert grown(PAGES, few, many) == []


@pytest.mark.usefixtures("counted", "no_csrf")
def test_a_decision_costs_few_statements_however_much_waits(app: Flask) -> None:
    """Spec 09 "For people": hundreds of decisions a day, each from a page and a click."""
    client = sign_in(app, COUNTY_MANAGER)
    script = {"Accept": "application/json"}
    costs: list[dict[str, int]] = []
    for count, first in ((25, 0), (475, 25)):
        with app.app_context():
            fill(count, first)
            with unscoped("tests look") as session:
                waiting = select(Lookback).where(Lookback.state == State.SUBMITTED)
                waiting = waiting.where(Lookback.grade.in_(UNSAFE))  # whose pages tell of a dossier
                one, two, three = session.scalars(waiting.limit(3)).all()
        cost = {}
        for _again in range(2):  # lists of choices and such are read once
            cost["page"] = statements(client.get(f"/lookback/{three.id}/review"))
            cost["part"] = statements(client.get(f"/lookback/{three.id}/review", headers=script))
            many = {"id": [str(row.id) for row in (one, two, three)]}
            cost["look"] = statements(client.post("/lookback/batch/approve", data=many))
        form = {"version": one.version, "contact_name": "王审核"}
        url = f"/lookback/{one.id}"
        done = client.post(f"{url}/decide", data=form | {"action": "approve"}, headers=script)
        form["version"] = done.get_json()["undo"]["version"]
        undone = client.post(f"{url}/undo", data=form, headers=script)
        said = {"version": two.version, "action": "return", "reason": "信息有误"}
        back = client.post(f"/lookback/{two.id}/decide", data=form | said, headers=script)
        assert {a.status_code for a in (done, undone, back)} == {200}
        cost |= {
            "approve": statements(done),
            "undo": statements(undone),
            "return": statements(back),
        }
        costs.append(cost)
    few, many_wait = costs
    assert all(n <= min(FORM, few[step]) for step, n in many_wait.items()), costs
