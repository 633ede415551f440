"""Lists of choices: the ministry's texts and items in forms, lists, files; old records keep theirs."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from app.access.audit.log import Act, AuditEntry
from app.access.scope import acting_as, unscoped
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import Invalid
from app.kernel.declare import choice_lists
from app.kernel.declare.flow import State
from app.kernel.exchange import templates
from app.kernel.records import save as records
from app.modules.homes.choices import Grade
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    COUNTY_MANAGER,
    FILES_OWN,
    MINISTRY,
    PROVINCE,
    TOWN_CLERK,
    actor,
    complete,
    household,
    own_house,
)
from tests.clicks import click
from tests.kernel.exchange.test_ledger_export import sheet_of

LISTS = "/settings/choices"


@pytest.fixture(autouse=True)
def fresh(app: Flask) -> None:
    choice_lists.forget()  # the database was made anew below a process that goes on


@pytest.fixture
def survey(app: Flask) -> Lookback:
    """An approved survey of some days ago: 砖石结构, A级."""
    with app.app_context():
        _, made = household(name="甲户")
        complete(made, own_house(Grade.A), FILES_OWN)
        db.session.rollback()
        with unscoped("tests arrange") as session:
            row = session.get_one(Lookback, made.id)
            row.state = State.APPROVED
            row.submitted_at = now() - dt.timedelta(days=3)
            session.commit()
        return made


def new_survey(app: Flask, **columns: Any) -> Lookback:
    with app.app_context():
        _, made = household(name="乙户")
        complete(made, own_house(Grade.A) | columns, FILES_OWN)
        return made


def rename(hands: Any, name: str, code: str, text: str, **more: str) -> Any:
    page = hands.get(f"{LISTS}/{name}/{code}").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    sort = re.search(r'name="sort"[^>]*value="(\d*)"', page)
    typed = {"text": text, "seen": seen[1] if seen else "", "sort": sort[1] if sort else ""}
    return hands.post(f"{LISTS}/{name}/{code}", typed | more)


def shown(page: str, label: str) -> str:
    """What a record's page says of a field."""
    found = re.search(rf"<dt>{label}</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""


# ---- texts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "old", "new", "label"),
    [
        ("structure", "01", "砖石结构", "砖混和石结构", "结构类型"),
        ("Grade", "A", "A级", "A级（安全）", "鉴定或评估结果"),
    ],
)
def test_a_new_text_leaves_old_records_as_they_were(
    app: Flask, as_account: Callable[..., Any], survey: Lookback,
    name: str, code: str, old: str, new: str, label: str,
) -> None:  # fmt: skip
    label = LOOKBACK.fields["structure" if name == "structure" else "grade"].label
    ministry, manager = as_account(MINISTRY), as_account(COUNTY_MANAGER)
    assert rename(ministry, name, code, new).status_code == 302
    assert shown(manager.get(f"/lookback/{survey.id}").text, label) == old
    later = new_survey(app)
    assert shown(manager.get(f"/lookback/{later.id}").text, label) == new
    form = manager.get(f"/lookback/{later.id}/edit").text  # at once, on the next request
    assert new in form
    assert f">{old}<" not in form
    with app.app_context(), unscoped("tests look") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.SETTING)).one()
        assert (entry.detail or {})["changes"] == {"text": [old, new]}
    assert old in ministry.get(f"{LISTS}/{name}/{code}").text  # among the texts of all times


def test_a_list_and_an_export_show_each_its_own(
    app: Flask, as_account: Callable[..., Any], survey: Lookback
) -> None:
    manager = as_account(COUNTY_MANAGER)
    assert "A级（安全）" not in manager.get("/lookback/query").text
    rename(as_account(MINISTRY), "Grade", "A", "A级（安全）")
    new_survey(app)
    page = manager.get("/lookback/query").text
    assert "A级（安全）" in page[: page.index("<tbody")], "the bar of filters is made anew"
    cells = re.findall(r"A级（安全）|A级", page[page.index("<tbody") : page.index("</tbody")])
    assert sorted(cells) == ["A级", "A级（安全）"]
    manager.post("/exchange/export/lookback", {"reason": "工作调度"})
    texts = {cell for row in sheet_of(app) for cell in row}
    assert {"A级", "A级（安全）"} <= texts


def test_a_text_for_a_later_day(app: Flask, as_account: Callable[..., Any]) -> None:
    ministry = as_account(MINISTRY)
    soon = today() + dt.timedelta(days=3)
    rename(ministry, "structure", "01", "将来的文字", since=str(soon))
    with app.app_context():
        assert choice_lists.label("structure", "01") == "砖石结构"
        later = now() + dt.timedelta(days=4)
        assert choice_lists.label("structure", "01", later) == "将来的文字"
        db.session.rollback()
    yesterday = today() - dt.timedelta(days=1)
    answer = rename(ministry, "structure", "02", "以前的文字", since=str(yesterday))
    assert answer.status_code == 422
    assert "不能早于今天" in answer.text


def test_english_of_a_new_text(app: Flask, as_account: Callable[..., Any]) -> None:
    ministry = as_account(MINISTRY)
    rename(ministry, "structure", "01", "砖混和石结构", english="Brick-concrete or stone")
    survey = new_survey(app)
    manager = as_account(COUNTY_MANAGER)
    manager.post("/language/en")
    page = manager.get(f"/lookback/{survey.id}").text
    assert "Brick-concrete or stone" in page
    assert "砖混和石结构" not in page


def test_another_process_shows_it_on_its_next_request(
    app: Flask, as_account: Callable[..., Any]
) -> None:
    """A change that this process was told nothing of: the account's statement brings the version."""
    manager = as_account(COUNTY_MANAGER)
    survey = new_survey(app)
    assert "砖石结构" in manager.get(f"/lookback/{survey.id}").text
    with app.app_context(), unscoped("another process") as session:
        session.add(
            choice_lists.ListText(
                list="structure", code="01", text="别处改的", since=now() - dt.timedelta(hours=1)
            )
        )
        choice_lists.touch(session)
        session.commit()
    assert "别处改的" in manager.get(f"/lookback/{survey.id}/edit").text


# ---- items --------------------------------------------------------------------------------


def test_an_added_item_works_everywhere(app: Flask, as_account: Callable[..., Any]) -> None:
    ministry = as_account(MINISTRY)
    page = ministry.get(f"{LISTS}/structure/new").text
    assert 'name="sort"' in page
    typed = {"text": "轻钢结构", "english": "Light steel", "sort": "7"}
    assert ministry.post(f"{LISTS}/structure/new", typed).status_code == 302
    survey = new_survey(app)
    manager = as_account(COUNTY_MANAGER)
    form = manager.get(f"/lookback/{survey.id}/edit").text
    assert form.index("轻钢结构") < form.index("砖石结构") or "轻钢结构" in form
    with app.app_context():
        code = choice_lists.code_of("structure", "轻钢结构")
        assert code == "07"
        made = LOOKBACK.fields["structure"]
        assert made.parse("轻钢结构") == "07"
        with acting_as(actor(TOWN_CLERK)):
            db.session.rollback()
            row = db.session.get_one(Lookback, survey.id)
            version = row.version
            db.session.rollback()
            saved = click(
                records.save, LOOKBACK, survey.id, own_house(Grade.A) | {"structure": "07"}, version
            )
            assert saved.structure == "07"
        book = io.BytesIO()
        templates.write_register(book, LOOKBACK)
        assert "轻钢结构" in str(all_texts(book))
        db.session.rollback()
    assert shown(manager.get(f"/lookback/{survey.id}").text, made.label) == "轻钢结构"


def all_texts(book: io.BytesIO) -> set[Any]:
    sheets = openpyxl.load_workbook(book).worksheets
    cells = {c for sheet in sheets for row in sheet.iter_rows(values_only=True) for c in row}
    rules = {v.formula1 for sheet in sheets for v in sheet.data_validations.dataValidation}
    return cells | rules


def test_an_expired_item_stays_where_it_is(app: Flask, as_account: Callable[..., Any]) -> None:
    survey = new_survey(app)
    with app.app_context():
        _, other = household(name="丙户")
    ministry = as_account(MINISTRY)
    gone = str(today() - dt.timedelta(days=1))
    assert rename(ministry, "structure", "01", "砖石结构", valid_to=gone).status_code == 302
    manager = as_account(COUNTY_MANAGER)
    assert "砖石结构（已停用）" in manager.get(f"/lookback/{survey.id}/edit").text
    assert "砖石结构" not in manager.get(f"/lookback/{other.id}/edit").text
    assert "砖石结构" not in str(book_of_template(app))
    with app.app_context(), acting_as(actor(COUNTY_MANAGER)):
        db.session.rollback()
        held = own_house(Grade.A) | {"storeys": 3}
        click(
            records.save, LOOKBACK, survey.id, held, db.session.get_one(Lookback, survey.id).version
        )
        with pytest.raises(Invalid) as refused:
            click(
                records.save,
                LOOKBACK,
                other.id,
                held,
                db.session.get_one(Lookback, other.id).version,
            )
        assert [p.code for p in refused.value.problems] == ["structure.expired"]
        assert "“砖石结构”已停用" in refused.value.problems[0].message
        db.session.rollback()


def book_of_template(app: Flask) -> set[Any]:
    with app.app_context():
        book = io.BytesIO()
        templates.write_register(book, LOOKBACK)
        db.session.rollback()
    return all_texts(book)


def test_imports_know_old_texts(app: Flask, as_account: Callable[..., Any]) -> None:
    ministry = as_account(MINISTRY)
    rename(ministry, "structure", "01", "砖混和石结构")
    rename(ministry, "structure", "02", "砖石结构")  # now another code's
    with app.app_context():
        assert choice_lists.code_of("structure", "砖混和石结构") == "01"
        assert (
            choice_lists.code_of("structure", "砖石结构") == "02"
        )  # today's text goes before an old one
        assert choice_lists.code_of("structure", "土木结构") == "02"
        assert choice_lists.code_of("structure", "01") == "01"
        assert choice_lists.code_of("structure", "没有的") is None
        db.session.rollback()


# ---- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"text": ""}, "text", "请填写选项文字"),
        ({"text": "长" * 101}, "text", "最多 100 个字"),
        ({"text": "土木结构"}, "text", "与另一个选项相同"),
        ({"text": "新", "english": "x" * 201}, "english", "最多 200 个字"),
        ({"text": "新", "sort": "abc"}, "sort", "顺序号应为"),
        ({"text": "新", "sort": "10000"}, "sort", "顺序号应为"),
        ({"text": "新", "sort": "1", "valid_from": "2024-02-30"}, "valid_from", "请填写日期"),
        ({"text": "新", "sort": "1", "valid_from": "2024-02-02", "valid_to": "2024-02-01"}, "valid_to",
         "停用日期不能早于启用日期"),
        ({"text": "新", "sort": "1", "code": "01"}, "code", "已有"),
        ({"text": "新", "sort": "1", "code": "代码"}, "code", "字母或数字"),
        ({"text": "新", "sort": "1", "code": "a,b"}, "code", "字母或数字"),
        ({"text": "新", "sort": "1", "code": "x" * 9}, "code", "字母或数字"),
    ],
)  # fmt: skip
def test_wrong_items_stand_beside_their_field(
    app: Flask, as_account: Callable[..., Any], typed: dict[str, str], field: str, message: str
) -> None:
    answer = as_account(MINISTRY).post(f"{LISTS}/structure/new", {"sort": "7"} | typed)
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-errors">[^<]*{message}', answer.text), answer.text[-3000:]
    if len(typed["text"]) < 20:
        assert f'value="{typed["text"]}"' in answer.text
    with app.app_context():
        assert len(choice_lists.known("structure")) == len(choice_lists.DEFAULTS["structure"])
        db.session.rollback()


def test_marks_that_part_several_in_a_cell(app: Flask, as_account: Callable[..., Any]) -> None:
    """Only where a cell of Excel may hold several of the list."""
    ministry = as_account(MINISTRY)
    answer = ministry.post(f"{LISTS}/risky_part/new", {"text": "门、窗", "sort": "7"})
    assert answer.status_code == 422
    assert "不能有顿号" in answer.text
    assert (
        ministry.post(f"{LISTS}/structure/new", {"text": "砖、石", "sort": "7"}).status_code == 302
    )


def test_lists_of_rules_keep_their_codes(app: Flask, as_account: Callable[..., Any]) -> None:
    ministry = as_account(MINISTRY)
    assert "只能修改文字" in ministry.get(f"{LISTS}/Grade/").text
    assert ministry.post(f"{LISTS}/Grade/new", {"text": "E级", "sort": "5"}).status_code == 403
    rename(ministry, "Grade", "A", "A级", valid_to=str(today() - dt.timedelta(days=1)), sort="9")
    with app.app_context():
        assert list(choice_lists.options(Grade)) == ["A", "B", "C", "D"]
        db.session.rollback()


def test_two_at_once(app: Flask, as_account: Callable[..., Any]) -> None:
    first, second = as_account(MINISTRY), as_account(MINISTRY)
    rename(first, "structure", "01", "第一个")
    late = {"text": "第二个", "seen": "砖石结构", "sort": "1"}
    answer = second.post(f"{LISTS}/structure/01", late)
    assert answer.status_code == 409
    assert "刚被他人改为“第一个”" in answer.text
    assert 'value="第二个"' in answer.text


def test_only_the_ministry(app: Flask, as_account: Callable[..., Any]) -> None:
    for who in (PROVINCE, COUNTY_MANAGER, TOWN_CLERK):
        hands = as_account(who)
        for url in ("/", "/structure/", "/structure/01", "/structure/new"):
            assert hands.get(LISTS + url).status_code == 403
        assert hands.post(f"{LISTS}/structure/01", {"text": "改", "sort": "1"}).status_code == 403
    ministry = as_account(MINISTRY)
    assert ministry.get(f"{LISTS}/nothing/").status_code == 404
    assert ministry.get(f"{LISTS}/structure/77").status_code == 404
    assert ministry.get(f"{LISTS}/State/").status_code == 404  # the flow's, not a choice of forms


def test_every_list_of_a_form_is_there(app: Flask, as_account: Callable[..., Any]) -> None:
    page = as_account(MINISTRY).get(f"{LISTS}/").text
    for made in LOOKBACK.fields.values():
        if made.source_list:
            assert f"{LISTS}/{choice_lists.name_of(made.source_list)}/" in page
