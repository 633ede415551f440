"""An application through its pages: entry, town check, review, ledger, the six-step line."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.kinds.values import to_json
from app.kernel.rows.file import Attachment
from app.modules.renovation.application.register import APPLICATION
from app.modules.renovation.dossier.model import Dossier
from tests.builders import COUNTY_MANAGER, TOWN_MANAGER, VILLAGE_CLERK, sign_in
from tests.contracts.conftest import counted, statements
from tests.hands import Hands
from tests.modules.renovation.test_openings import FORM, Case

__all__ = ["counted"]


def typed(**answers: Any) -> dict[str, Any]:
    """The form as a browser posts it."""
    said = {name: to_json(value) for name, value in (FORM | answers).items()}
    return {name: value for name, value in said.items() if value is not None} | {
        "contact_name": "赵村", "contact_phone": "13909180001",
    }  # fmt: skip


def now(app: Flask, case: Case) -> Any:
    """The application as it is stored."""
    with app.app_context():
        return case.row


@pytest.fixture
def hands(app: Flask) -> dict[str, Hands]:
    kinds = {"village": VILLAGE_CLERK, "town": TOWN_MANAGER, "county": COUNTY_MANAGER}
    return {name: Hands(app, sign_in(app, who)) for name, who in kinds.items()}


@pytest.mark.one_database(turn=0)
def test_from_the_village_to_the_county(app: Flask, hands: dict[str, Hands]) -> None:
    with app.app_context():
        case = Case().surveyed()
    row, name = now(app, case), case.home.head_name
    village, town, county = hands["village"], hands["town"], hands["county"]
    listed = village.get("/application/entry").text
    assert name in listed
    assert 'value="checking"' in listed, "towns check applications"
    page = village.get(f"/application/{row.id}/edit").text
    assert "申请信息录入" in page
    assert "住房安全信息审核" in page
    assert "档案信息审核" in page
    assert 'name="no_house"' not in page
    wrong = village.post(
        f"/application/{row.id}/edit", typed(way="strengthen") | {"version": row.version}
    )
    assert wrong.status_code == 422
    assert "只适用于抗震改造" in wrong.text
    with app.app_context():
        case.fill(way=FORM["way"])
        version = case.row.version
    done = village.post(
        f"/application/{row.id}/edit",
        typed() | {"version": version, "intent": "submit", **_files(app, case)},
    )
    assert done.status_code == 302, done.text
    assert now(app, case).state == State.CHECKING
    assert county.get(f"/application/{row.id}/review").status_code == 302, "the town comes first"
    queue = town.get("/application/check")
    assert queue.headers["Location"].endswith(f"/application/{row.id}/review")
    checking = town.get(f"/application/{row.id}/review").text
    assert "复核通过" in checking
    assert "待审核（乡镇复核）" in checking
    told = {"contact_name": "钱镇", "contact_phone": "13909180002"}
    answer = town.post(
        f"/application/{row.id}/decide",
        told | {"action": "approve", "version": now(app, case).version},
    )
    assert answer.status_code == 302
    assert (now(app, case).state, now(app, case).checker) == (State.SUBMITTED, "钱镇")
    assert name in county.get("/application/review?list=1").text
    answer = county.post(
        f"/application/{row.id}/decide",
        {"action": "approve", "version": now(app, case).version, "contact_name": "孙县"},
    )
    assert now(app, case).state == State.APPROVED, answer.text
    record = county.get(f"/application/{row.id}").text
    assert "孙县" in record
    assert "赵村" in record
    for url in (f"/lookback/{case.survey.id}", f"/household/{case.home.id}"):
        assert "档案信息录入" in county.get(url).text, url
    assert "钱镇" in record, "乡镇复核人"
    with app.app_context():
        case.sent_back()
        with unscoped("tests look") as session:
            dossier = session.scalars(select(Dossier).where(Dossier.source_id == row.id)).one()
    doubted = "该申请待核实：该户的住房安全信息已退回"
    assert doubted in county.get(f"/application/{row.id}").text
    assert doubted in village.get(f"/dossier/{dossier.id}/edit").text
    ledger = county.get("/application/ledger").text
    assert name in ledger
    table = county.get("/application/statistics/summary?year=2024").text
    assert "申请总户数" in table


def _files(app: Flask, case: Case) -> dict[str, Any]:
    with app.app_context(), unscoped("tests look") as session:
        found = session.scalars(select(Attachment).where(Attachment.record_id == case.row.id))
        return {file.field: str(file.id) for file in found}


@pytest.mark.one_database(turn=1)
def test_pages_ask_a_constant_number_of_statements(
    app: Flask, hands: dict[str, Hands], counted: Any
) -> None:
    with app.app_context():
        cases = [Case().surveyed()]
    county, figures = hands["county"], []
    for _round in range(2):
        row = now(app, cases[0])
        urls = ("/application/entry", "/application/ledger?state=missing",
                f"/application/{row.id}/edit", f"/application/{row.id}",
                "/application/statistics/summary", f"/household/{cases[0].home.id}")  # fmt: skip
        for url in urls:
            county.get(url)
        figures.append([statements(county.get(url)) for url in urls])
        with app.app_context():
            cases += [Case().surveyed() for _ in range(3)]
    assert figures[0] == figures[1]
    lists, form = figures[0][:2], figures[0][2]
    assert max(lists) <= 12, figures
    assert form <= 20, figures
    assert APPLICATION.name == "application"
