"""What FAB generates over a register: its rules, flow, owners, masks, history and audit hold there too."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, func, select, text

from app.access.account import Account
from app.access.actor import RegisterAccess
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.scope import unscoped
from app.core.db import db
from app.core.types import UuidType
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, get_register
from app.kernel.kinds.values import to_json
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.modules.craftsmen.model import Craftsman
from app.modules.surveys.lookback.model import Lookback
from app.web.crud import RegisterInterface
from app.web.crud.interface import Unplaced
from tests import builders, specimens
from tests.running.servers import Server
from tests.web.crud.conftest import Person, problems

_ONES, _OTHERS = "/plain_craftsmen", "/plain_lookbacks"
_SYSTEM = "这些内容由系统维护，不能直接修改。"


def register(name: str) -> Register:
    found = get_register(name)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def village(program: Server) -> Region:
    with program.app.app_context():
        return builders.seat(Level.VILLAGE)


@pytest.fixture(scope="module")
def account(program: Server, village: Region) -> Account:
    with program.app.app_context():
        return builders.account(builders.VILLAGE_CLERK, village)


@pytest.fixture(scope="module")
def clerk(person: Callable[..., Person], account: Account) -> Person:
    return person(account)


def said(village: Region, **values: Any) -> dict[str, Any]:
    """What the form of a craftsman without certificates says."""
    usual = {"name": "王建军", "id_number": builders.id_number(), "phone": "13909180000"}
    usual |= {"region_id": village.id, "lead": "yes", "qualified": "no"}
    return usual | {"trades": ["01", "99"], "person_kinds": ["04"]} | values


def craftsman(program: Server, village: Region, owner: uuid.UUID | None) -> Any:
    """One with everything that a record can have."""
    with program.app.app_context():
        values = specimens.fullest(register("craftsman"), village)
        return specimens.record(register("craftsman"), village, values=values, entered_by=owner)


def lookback(program: Server, village: Region, state: State, **values: Any) -> Any:
    with program.app.app_context():
        made = specimens.valid(register("lookback"), village)
        return specimens.record(
            register("lookback"), village, name="李四", state=state, values=made | values
        )


def now(program: Server, model: Any, key: uuid.UUID) -> Any:
    """The row as it stands."""
    with program.app.app_context(), unscoped("tests look") as session:
        return session.get(model, key)


def acts(program: Server, key: uuid.UUID) -> list[str]:
    with program.app.app_context(), unscoped("tests look") as session:
        asked = select(AuditEntry.act).where(AuditEntry.record_id == key)
        return [act.value for act in session.scalars(asked.order_by(AuditEntry.at, AuditEntry.id))]


def shown(answer: Any) -> dict[str, str]:
    """The texts of a page's form, as a browser would send them."""
    return dict(
        re.findall(r'<(?:input|textarea)[^>]* name="(\w+)"[^>]* value="([^"]*)"', answer.text)
    )


def test_a_craftsman_is_entered_changed_and_deleted_as_by_the_registers_form(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    form = said(village)
    answer = clerk.post(f"{_ONES}/add", form)
    assert answer.status_code == 302, problems(answer)
    with program.app.app_context(), unscoped("tests look") as session:
        row = session.scalars(
            select(Craftsman).where(Craftsman.id_number == form["id_number"])
        ).one()
    assert (row.entered_by, row.trades, row.certified, row.version) == (
        account.uuid, ("01", "99"), False, 1,
    )  # fmt: skip
    url = f"{_ONES}/edit/{row.id}"
    assert clerk.change(url, form | {"name": "王建国"}).status_code == 302
    changed = now(program, Craftsman, row.id)
    assert (changed.name, changed.version) == ("王建国", 2)
    assert clerk.post(f"{_ONES}/delete/{row.id}").status_code == 302
    assert now(program, Craftsman, row.id) is None
    assert acts(program, row.id) == ["create", "update", "delete"]


def test_what_is_wrong_is_said_at_its_field_in_the_registers_words(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    there = craftsman(program, village, account.uuid)
    wrong = said(village, phone="12", region_id="", id_number="610122198001011111")
    answer = clerk.post(f"{_ONES}/add", wrong)
    assert answer.status_code == 422
    found = problems(answer)
    assert set(found) == {"phone", "region_id", "id_number"}
    assert found["region_id"].endswith("请选择行政区划。")
    assert 'value="王建军"' in answer.text  # what was typed stays
    twice = clerk.post(f"{_ONES}/add", said(village, id_number=there.id_number))
    assert twice.status_code == 422
    assert "已在工匠名录中" in problems(twice)["id_number"]


def test_what_the_form_does_not_ask_for_stays(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    row = craftsman(program, village, account.uuid)
    with program.app.app_context(), unscoped("tests look") as session:
        files = select(func.count()).select_from(Attachment).where(Attachment.record_id == row.id)
        before = session.scalar(files)
    assert row.certificates
    answer = clerk.post(f"{_ONES}/action/rename/{row.id}")
    assert answer.status_code == 302
    after = now(program, Craftsman, row.id)
    assert (after.notes, after.version) == ("同一次操作", row.version + 1)
    for name in ("name", "id_number", "phone", "certificates", "trainings", "works", "trades"):
        assert to_json(getattr(after, name)) == to_json(getattr(row, name)), name
    with program.app.app_context(), unscoped("tests look") as session:
        assert session.scalar(files) == before


def test_what_another_one_entered_is_not_changed(
    program: Server, clerk: Person, village: Region
) -> None:
    row = craftsman(program, village, uuid.uuid4())
    assert clerk.get(f"{_ONES}/edit/{row.id}").status_code == 403
    answer = clerk.post(f"{_ONES}/edit/{row.id}", said(village))
    assert answer.status_code == 403
    assert "录入" in problems(answer)[""]
    assert clerk.post(f"{_ONES}/delete/{row.id}").status_code == 403
    assert clerk.post(f"{_ONES}/action/rename/{row.id}").status_code == 403
    assert now(program, Craftsman, row.id).version == row.version


def test_of_two_who_change_one_the_second_is_told(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    row = craftsman(program, village, account.uuid)
    url = f"{_ONES}/edit/{row.id}"
    stale = shown(clerk.get(url))["seen"]
    form = said(village, id_number=row.id_number, qualified="yes")
    assert clerk.change(url, form | {"name": "甲"}).status_code == 302
    answer = clerk.post(url, form | {"name": "乙", "seen": stale})
    assert answer.status_code == 409
    assert now(program, Craftsman, row.id).name == "甲"


def test_masked_values_are_masked_and_stay_when_they_come_back(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    row = craftsman(program, village, account.uuid)
    pages = [f"{_ONES}/list/", f"{_ONES}/show/{row.id}", f"{_ONES}/edit/{row.id}"]
    for page in pages:
        assert row.id_number not in clerk.get(page).text, page
    masked = register("craftsman").fields["id_number"].mask(row.id_number)
    form = said(village, id_number=masked, name="新名字", qualified="yes")
    assert clerk.change(pages[2], form).status_code == 302
    after = now(program, Craftsman, row.id)
    assert (after.id_number, after.name) == (row.id_number, "新名字")


def test_a_masked_value_is_found_by_the_whole_of_it_and_sorted_by_never(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    """By its beginning, or by its place among known ones, it could be told digit by digit."""
    row = craftsman(program, village, account.uuid)
    number, found = row.id_number, f"{_ONES}/show/{row.id}"
    asked = f"{_ONES}/list/?_flt_0_id_number="
    assert found in clerk.get(asked + number).text
    assert found not in clerk.get(asked + number[:-1]).text
    for wrong in (f"_flt_1_id_number={number[:9]}", "_oc_Craftsmen=id_number&_od_Craftsmen=asc"):
        assert clerk.get(f"{_ONES}/list/?{wrong}").status_code == 400, wrong
    api = "/plain_craftsmen/?q="
    whole = f"(filters:!((col:id_number,opr:eq,value:'{number}')))"
    assert [one["name"] for one in clerk.api("GET", api + whole).json()["result"]] == [row.name]
    for wrong in (f"(filters:!((col:id_number,opr:sw,value:'{number[:9]}')))",
                  "(order_column:id_number,order_direction:asc)"):  # fmt: skip
        assert clerk.api("GET", api + wrong).status_code == 400, wrong


_VISIT = text(
    "INSERT INTO visit (told, household_id, region_id, path, county_id, province_id)"
    " SELECT '走访', :household, id, path, county_id, province_id FROM region WHERE id = :place RETURNING id"
).bindparams(bindparam("household", type_=UuidType()))


def visit(program: Server, place: Region, household: Any) -> int:
    """By its table: here the class of the model would stand among those of every program."""
    with program.app.app_context(), db.engine.begin() as connection:
        said = {"household": household.id, "place": place.id}
        return int(connection.execute(_VISIT, said).scalar_one())


def test_what_a_relation_tells_of_a_register_is_masked_and_limited_as_there(
    program: Server, person: Callable[..., Person], village: Region
) -> None:
    manager = person(builders.COUNTY_MANAGER)
    with program.app.app_context():
        near = builders.home(village, name="近处户主")
        far = builders.home(builders.seat(Level.VILLAGE, builders.FAR_COUNTY), name="远处户主")
    key, other = visit(program, village, near), visit(program, village, far)
    masked = Household.__fields__["head_id"].mask(near.head_id)
    reason = {"reason": "工作联系"}
    answers = [
        manager.get("/visits/list/"), manager.get(f"/visits/show/{key}"),
        manager.post("/visits/export?format=csv", reason), manager.api("GET", "/visit/"),
        manager.api("GET", f"/visit/{key}"),
        manager.api("GET", "/visit/?q=(columns:!(household.head_id))"),
    ]  # fmt: skip
    for answer in answers:
        assert masked in answer.text, answer.url
        assert near.head_id not in answer.text, answer.url
    for answer in (*answers, manager.api("GET", f"/visit/{other}")):
        assert answer.status_code == 200
        assert far.head_name not in answer.text, answer.url
        assert "/visits/reveal/" not in answer.text
    for wrong in ("/visits/list/?_oc_Visits=household.head_id&_od_Visits=asc",
                  "/api/v1/visit/?q=(order_column:household.head_id,order_direction:asc)"):  # fmt: skip
        assert manager.get(wrong).status_code == 400, wrong


def closed(clerk: Person, key: uuid.UUID) -> str:
    """The page to which the form of a record leads that takes no changes."""
    led = clerk.get(f"{_OTHERS}/edit/{key}")
    assert led.status_code == 302
    assert led.headers["Location"].endswith(f"{_OTHERS}/show/{key}")
    return clerk.get(led.headers["Location"]).text


@pytest.mark.parametrize("state", [State.SUBMITTED, State.APPROVED])
def test_what_waits_or_is_approved_is_not_changed(
    program: Server, clerk: Person, village: Region, state: State
) -> None:
    row = lookback(program, village, state)
    assert "不能修改" in closed(clerk, row.id)
    answer = clerk.post(f"{_OTHERS}/edit/{row.id}", {"village_group": "二组"})
    assert answer.status_code == 409
    assert "不能修改" in problems(answer)[""]
    assert 'value="二组"' in answer.text  # what was typed while somebody submitted it stays
    assert clerk.post(f"{_OTHERS}/delete/{row.id}").status_code == 302
    after = now(program, Lookback, row.id)
    assert (after.version, after.state) == (row.version, state)


def test_while_a_move_is_asked_for_nothing_is_changed(
    program: Server, clerk: Person, village: Region
) -> None:
    row = lookback(program, village, State.DRAFT, moved=True)
    assert "迁户申请正在审批" in closed(clerk, row.id)
    answer = clerk.post(f"{_OTHERS}/edit/{row.id}", {"village_group": "二组"})
    assert answer.status_code == 409
    assert "迁户申请正在审批" in problems(answer)[""]


def test_a_step_of_the_flow_is_no_column_that_one_sets(
    program: Server, clerk: Person, village: Region, account: Account
) -> None:
    row = lookback(program, village, State.DRAFT)
    refused = clerk.change(f"{_OTHERS}/edit/{row.id}", {"village_group": "改去建档"})
    assert refused.status_code == 422
    assert _SYSTEM in refused.text
    acted = clerk.post(f"{_OTHERS}/action/approve/{row.id}")
    assert _SYSTEM in clerk.get(acted.headers["Location"]).text
    assert now(program, Lookback, row.id).state == State.DRAFT
    one = craftsman(program, village, account.uuid)
    clerk.post(f"{_ONES}/action/hand_over/{one.id}")
    assert now(program, Craftsman, one.id).entered_name == one.entered_name
    assert clerk.get(f"{_OTHERS}/add").status_code == 404  # the list of households is issued


def test_a_record_is_changed_and_cleared_as_by_its_own_pages(
    program: Server, clerk: Person, village: Region
) -> None:
    row = lookback(program, village, State.DRAFT)
    form = {n: to_json(getattr(row, n)) for n in ("sex", "population", "phone")}
    form |= {"village_group": "二组"}
    answer = clerk.change(f"{_OTHERS}/edit/{row.id}", form)
    assert answer.status_code == 302, problems(answer)
    after = now(program, Lookback, row.id)
    assert (after.village_group, after.version, after.state) == (
        "二组",
        row.version + 1,
        State.DRAFT,
    )
    assert clerk.post(f"{_OTHERS}/delete/{row.id}").status_code == 302
    gone = now(program, Lookback, row.id)
    assert (gone.state, gone.village_group) == (State.MISSING, None)
    assert acts(program, row.id) == ["update", "delete"]


def test_rows_of_elsewhere_are_not_there(
    program: Server, person: Callable[..., Person], village: Region
) -> None:
    row = craftsman(program, village, None)
    with program.app.app_context():
        far = builders.region(builders.NEXT_COUNTY)
    manager = person(builders.COUNTY_MANAGER, far)
    for url in (f"{_ONES}/show/{row.id}", f"{_ONES}/edit/{row.id}"):
        assert manager.get(url).status_code == 404
    assert manager.post(f"{_ONES}/delete/{row.id}").status_code == 404
    assert row.name not in manager.get(f"{_ONES}/list/").text


def test_a_register_that_is_closed_to_an_account_is_closed_here(
    program: Server, person: Callable[..., Person], village: Region
) -> None:
    """Its rights are the register's, whatever views there are."""
    with program.app.app_context():
        reads, none = (
            builders.account(builders.VILLAGE_CLERK, village, registers=registers)
            for registers in ({"craftsman": RegisterAccess.READ.value}, {})
        )
    reader = person(reads)
    assert reader.get(f"{_ONES}/list/").status_code == 200
    assert reader.post(f"{_ONES}/add", said(village)).status_code == 403
    assert person(none).get(f"{_ONES}/list/").status_code == 403
    assert reader.get("/craftsman/new").status_code == 403


def test_over_rest(program: Server, clerk: Person, village: Region) -> None:
    form = {n: v for n, v in said(village).items() if n not in ("trades", "person_kinds")}
    made = clerk.api("POST", "/plain_craftsmen/", form)
    assert made.status_code == 201, made.text
    key = made.json()["id"]
    url = f"/plain_craftsmen/{key}"
    told = clerk.api("GET", url).json()["result"]
    assert told["name"] == "王建军"
    assert form["id_number"] not in str(told)
    assert clerk.api("PUT", url, {"name": "李建国", "phone": told["phone"]}).status_code == 200
    row = now(program, Craftsman, uuid.UUID(key))
    assert (row.name, row.phone, row.version) == ("李建国", form["phone"], 2)
    twice = clerk.api("POST", "/plain_craftsmen/", form)
    assert twice.status_code == 422
    assert "已在工匠名录中" in twice.text
    assert clerk.api("PUT", url, {"phone": "12"}).status_code == 422
    assert clerk.api("PUT", url, {"entered_name": "别人"}).status_code == 422
    assert now(program, Craftsman, uuid.UUID(key)).version == 2
    assert clerk.api("DELETE", url).status_code == 200
    assert now(program, Craftsman, uuid.UUID(key)) is None
    assert acts(program, uuid.UUID(key)) == ["create", "update", "delete"]


def test_statements(program: Server, clerk: Person, village: Region, account: Account) -> None:
    row = craftsman(program, village, account.uuid)
    for page in (f"{_ONES}/list/", f"{_OTHERS}/list/", f"{_ONES}/edit/{row.id}"):
        clerk.get(page)
        assert int(clerk.get(page).headers["X-Anju-Statements"]) <= 6, page
    form = said(village, id_number=row.id_number, qualified="yes")
    saved = clerk.change(f"{_ONES}/edit/{row.id}", form)
    assert saved.status_code == 302
    added = clerk.change(f"{_ONES}/add", said(village))
    assert added.status_code == 302
    costs = [int(one.headers["X-Anju-Statements"]) for one in (saved, added)]
    assert max(costs) <= 12, costs


def test_rights_in_its_rows_are_those_in_the_register() -> None:
    datamodel = RegisterInterface(Craftsman)
    assert datamodel.subject_of(None) == "craftsman"
    with pytest.raises(Unplaced, match="leave class_permission_name out"):
        datamodel.subject_of("contractor")
