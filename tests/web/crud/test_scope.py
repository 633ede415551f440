"""Generated views see, count and change what lies in the account's own area, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.accounts.notices import Notice, NoticeKind
from app.access.actor import SYSTEM, Capability
from app.core.errors import Invalid
from app.core.transactions import transaction
from app.web.crud import SQLAInterface
from tests import builders
from tests.builders import Who
from tests.web.crud.conftest import Person, Rows, SignIn, at_fields, key_of, listed, names

#: The key of whatever lies far from the county of the tests (program.py).
FAR = 9001


@pytest.fixture
def foreign(rows: Rows) -> dict[str, Any]:
    """View -> the key of a row of another province."""
    return {
        "contractors": key_of(rows, "contractor", "远方公司"),
        "contracts": key_of(rows, "contract", "远方合同"),
        "crews": FAR, "tools": FAR, "shifts": FAR,
    }  # fmt: skip


@pytest.mark.parametrize("who", builders.EVERYBODY, ids=str)
def test_every_kind_of_account_sees_and_counts_its_own(who: Who, person: SignIn) -> None:
    national = who.level is builders.Level.NATION
    there = person(who)
    far = names(there.get("/contractors/list/?_flt_3_code=TEST00000000009001"))
    assert far == (["远方公司"] if national else [])
    for url in ("/tools/list/?_flt_2_name=锤子", "/shifts/list/"):
        answer = there.get(url)
        assert len(listed(answer)) == (2 if national else 1)
        assert f"共 {2 if national else 1} 条" in answer.text
    answer = there.api("GET", "/contractor/?q=(filters:!((col:code,opr:sw,value:TEST)))")
    assert answer.json()["count"] == (216 if national else 215)
    assert there.api("GET", "/shift/").json()["count"] == (2 if national else 1)
    assert there.get("/skills/list/").status_code == 200


def test_an_account_of_another_place_sees_what_lies_there(person: SignIn, program: Any) -> None:
    with program.app.app_context():
        far = builders.region(builders.FAR_COUNTY, builders.Level.COUNTY)
        next_one = builders.region(builders.NEXT_COUNTY, builders.Level.COUNTY)
    there = person(builders.COUNTY_MANAGER, far)
    assert names(there.get("/crews/list/")) == ["远方班组"]
    assert names(there.get("/shifts/list/")) == ["远方班组"]
    assert names(there.get("/contracts/list/")) == ["远方合同"]
    assert names(person(builders.COUNTY_MANAGER, next_one).get("/crews/list/")) == []


def test_what_lies_outside_is_as_if_it_were_not(
    manager: Person, foreign: dict[str, Any], rows: Rows
) -> None:
    missing = {view: 777777 if isinstance(key, int) else "01234567-89ab-7def-8123-456789abcdef"
               for view, key in foreign.items()}  # fmt: skip
    before = rows("SELECT count(*) FROM crew"), rows("SELECT name FROM contractor ORDER BY id")
    for view, key in foreign.items():
        for method, way in (("get", "show"), ("get", "edit"), ("post", "edit"), ("post", "delete")):
            junk = ("x", "-1", "9" * 40, "%00") if way == "show" else ("x", "%00")
            said = [
                getattr(manager, method)(f"/{view}/{way}/{one}")
                for one in (key, missing[view], *junk)
            ]
            assert {answer.status_code for answer in said[:-1]} == {404}, (view, way)
            assert said[-1].status_code in (400, 404)
            assert _plain(said[0], key) == _plain(said[1], missing[view])
    for url in (f"/crews/action/rest/{FAR}", f"/crews/action/purge/{FAR}", f"/crews/action/rest/{FAR + 1}",
                f"/contractors/action/retire/{foreign['contractors']}",
                f"/contractors/reveal/{foreign['contractors']}?field=phone"):  # fmt: skip
        assert manager.post(url).status_code == 404
    assert (
        rows("SELECT count(*) FROM crew"),
        rows("SELECT name FROM contractor ORDER BY id"),
    ) == before


def _plain(answer: Any, key: Any) -> str:
    """A page without what differs each time."""
    text = re.sub(r'(value|content)="[^"]*"|<script.*?</script>', "", answer.text, flags=re.DOTALL)
    return text.replace(f"/{key}", "/KEY")


def test_base_filters_hide_a_row_from_every_way(manager: Person) -> None:
    for url in ("/crews/show/9002", "/crews/edit/9002"):
        assert manager.get(url).status_code == 404


def test_a_foreign_division_or_row_is_refused_at_its_field(
    manager: Person, foreign: dict[str, Any], far: int, village: int, rows: Rows
) -> None:
    answer = manager.change("/crews/add", {"name": "在远方", "region_id": far})
    assert answer.status_code == 422
    assert "不在您的管辖范围内" in at_fields(answer)["region_id"]
    assert full_name(rows, far) not in answer.text
    for view, field, key in (("contracts", "contractor", foreign["contractors"]), ("tools", "crew", FAR),
                             ("shifts", "crew", FAR)):  # fmt: skip
        said = {field: key, "title": "x", "name": "x", "signed_on": "2026-01-01",
                "works_on": "2026-01-01", "region_id": village}  # fmt: skip
        answer = manager.post(f"/{view}/add", said)
        assert answer.status_code == 422, view
        assert at_fields(answer) == {field: "没有找到所选的内容，它可能已被删除，请重新选择。"}
        assert "远方" not in answer.text


def full_name(rows: Rows, region: int) -> str:
    return rows("SELECT full_name FROM region WHERE id = :id", id=region)[0][0]


def test_a_row_may_move_within_the_area_and_is_gone_from_who_may_not_see_it(
    manager: Person, person: SignIn, rows: Rows, village: int, program: Any
) -> None:
    with program.app.app_context():
        county = builders.region(builders.COUNTY, builders.Level.COUNTY)
        town = builders.below(county, builders.Level.TOWN, 1)
    assert manager.change("/crews/add", {"name": "搬家", "region_id": village}).status_code == 302
    [(key,)] = rows("SELECT id FROM crew WHERE name = '搬家'")
    clerk = person(builders.VILLAGE_CLERK)
    assert clerk.get(f"/crews/show/{key}").status_code == 200
    said = {"name": "搬家", "region_id": town.id}
    assert clerk.change(f"/crews/edit/{key}", said).status_code == 422
    assert manager.change(f"/crews/edit/{key}", said).status_code == 302
    assert clerk.get(f"/crews/show/{key}").status_code == 404


def test_a_writer_of_what_is_everybodys_needs_the_right_alone(
    manager: Person, person: SignIn, rows: Rows
) -> None:
    assert manager.change("/skills/add", {"name": "新技能"}).status_code == 302
    for who in (builders.MINISTRY, builders.COUNTY_READER):
        assert person(who).get("/skills/add").status_code == 403
        assert person(who).post("/skills/add", {"name": "x"}).status_code == 403
    [(key,)] = rows("SELECT id FROM skill WHERE name = '新技能'")
    assert manager.post(f"/skills/delete/{key}").status_code == 302


def test_no_answer_tells_sql(manager: Person, far: int) -> None:
    for url in (
        "/crews/show/'",
        "/crews/list/?_flt_2_name=' OR 1=1 --",
        "/crews/show/1;DROP TABLE crew",
    ):
        answer = manager.get(url)
        assert answer.status_code in (200, 404)
        assert not re.search(r"SELECT |sqlite3|psycopg|Traceback", answer.text)
    assert names(manager.get("/crews/list/?_flt_2_name=' OR 1=1 --")) == []


@pytest.mark.both_databases
def test_a_row_is_not_put_where_the_account_does_not_see_it(session: Session) -> None:
    """``within`` says where the rows of a model lie that has no division of its own."""
    notices = SQLAInterface(Notice, within=lambda actor: Notice.region_id == actor.region_id)
    notices.serve(SYSTEM, Capability.MANAGE_USERS, {})
    nation = builders.seat(builders.Level.NATION).id
    with builders.acting(builders.COUNTY_MANAGER) as actor:
        with transaction():
            notices.add(Notice(region_id=actor.region_id, kind=NoticeKind.OFFICERS, values={}))
        with pytest.raises(Invalid), transaction():
            notices.add(Notice(region_id=nation, kind=NoticeKind.OFFICERS, values={}))
        mine = session.scalars(select(Notice)).one()

        @transaction()
        def move() -> None:
            mine.region_id = nation
            notices.edit(mine)

        with pytest.raises(Invalid):
            move()
    assert [one.region_id for one in session.scalars(select(Notice))] == [actor.region_id]
