"""批量更正 on its pages: from the found list to the preview, to what became of it, and back."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.core.jobs.worker import work
from app.core.transactions import transaction
from app.kernel.records import creations
from app.modules.archives.choices import ArchiveWay
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.hands import Hands
from tests.web.lists.listed import AsAccount

QUERY = "/archive/query"


@pytest.fixture
def rows(app: Flask) -> None:
    """Two repaired households and one that says nothing."""
    with app.app_context():
        who = builders.account(builders.COUNTY_MANAGER)
        place = builders.seat(Level.VILLAGE)
        for n, way in enumerate((ArchiveWay.REPAIR, ArchiveWay.REPAIR, None), 1):
            values = {"head_name": f"户{n}", "head_id": builders.id_number(n), "plan_year": 2012}
            db.session.rollback()
            with acting_as(builders.actor_of(who)), transaction():
                creations.new(ARCHIVE, uuid7(), place.id, values | {"way": way})


def form_of(page: str) -> dict[str, Any]:
    """The hidden inputs of the page's form that begins the correction."""
    form = page[page.index('name="seen"') - 20 :]
    found = re.findall(r'type="hidden" name="((?:old|seen)[^"]*)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def line_of(form: dict[str, Any], old: str) -> int:
    """The number of the line of an old value."""
    return next(int(n.partition("-")[2]) for n, value in form.items() if value == old)


def ways(app: Flask) -> list[str | None]:
    with app.app_context(), unscoped("tests look") as session:
        return [row.way for row in session.query(Archive).order_by(Archive.head_name)]


def done(app: Flask, hands: Hands, url: str) -> str:
    with app.app_context():
        work(app, once=True)
    return hands.get(url).text


@pytest.mark.usefixtures("rows")
def test_a_found_list_is_corrected_and_that_undone(app: Flask, as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    asked = "where=way:any:repair"
    listed = manager.get(f"{QUERY}?{asked}").text
    assert f'href="{QUERY}/correct?where=way%3Aany%3Arepair"' in listed
    chosen = manager.get(f"{QUERY}/correct?{asked}").text
    assert "综合查询：改造方式是“修缮加固”" in chosen
    assert re.search(r'<option value="phone" disabled title="[^"]*请逐户核对', chosen)
    page = manager.get(f"{QUERY}/correct?{asked}&field=way").text
    assert "改造方式：共 2 户" in page
    form = form_of(page)
    n = line_of(form, '"repair"')
    wrong = manager.post(f"{QUERY}/correct?{asked}&field=way", form | {f"new-{n}": "rebuild"})
    assert wrong.status_code == 422
    assert "请填写更正的原因" in wrong.text
    assert '<option value="rebuild" selected>' in wrong.text
    form |= {f"new-{n}": "rebuild", "reason": "核对台账", "keep": "on"}
    answer = manager.post(f"{QUERY}/correct?{asked}&field=way", form)
    assert answer.status_code == 302
    told = done(app, manager, answer.location)
    assert ways(app) == ["rebuild", "rebuild", None]
    assert "“修缮加固”改为“原址翻建”" in told
    undo = f"{answer.location}/undo"
    assert f'action="{undo}"' in told
    assert manager.post(undo).status_code == 302
    told = done(app, manager, answer.location)
    assert ways(app) == ["repair", "repair", None]
    assert "撤销" in told
    assert "更正规则仍在使用" in told, "what was kept for later is not undone with it"
    assert f'action="{undo}"' not in told
    assert manager.post(undo).status_code == 409
    assert "改造方式" in manager.get("/archive/corrections").text
    rules = manager.get("/archive/standing").text
    off = re.search(r'action="(/archive/standing/[^"]+/off)"', rules)
    assert off is not None
    assert "停用" in manager.post(off[1], follow_redirects=True).text
    assert '/off"' not in manager.get("/archive/standing").text
    assert "更正规则仍在使用" not in manager.get(answer.location).text


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("field", "new", "why"),
    [
        ("area", "99999", "不能大于 9999。"),
        ("population", "-3", "不能小于 1。"),
        ("income", "-1", "不能小于 0。"),
        ("approved_on", "2099-01-01", "不能晚于今天。"),
    ],
)
def test_what_is_an_error_for_everybody_is_corrected_to_for_nobody(
    as_account: AsAccount, field: str, new: str, why: str
) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    url = f"{QUERY}/correct?field={field}"
    said = form_of(manager.get(url).text) | {"reason": "核对台账"}
    answer = manager.post(url, said | {"new-1": new})
    assert answer.status_code == 422
    assert f'id="new-1-error">{why}' in answer.text
    assert f'value="{new}"' in answer.text
    assert (
        manager.post(url, said | {"new-1": "2012-06-01" if "_on" in field else "50"}).status_code
        == 302
    )


@pytest.mark.usefixtures("rows")
def test_without_conditions_that_is_said_and_what_is_empty_is_not_emptied(
    as_account: AsAccount,
) -> None:
    page = as_account(builders.COUNTY_MANAGER).get(f"{QUERY}/correct?field=way").text
    assert "没有设条件，列表中的全部" in page
    form = form_of(page)
    assert f'name="clear-{line_of(form, chr(34) + "repair" + chr(34))}"' in page
    assert f'name="clear-{line_of(form, "null")}"' not in page


@pytest.mark.usefixtures("rows")
def test_what_was_asked_is_told_to_others_without_numbers(as_account: AsAccount) -> None:
    number = builders.id_number(1)
    manager = as_account(builders.COUNTY_MANAGER)
    url = f"{QUERY}/correct?head_id={number}&field=way"
    form = form_of(manager.get(url).text)
    n = line_of(form, '"repair"')
    form |= {f"new-{n}": "rebuild", "reason": "核对台账"}
    told = manager.get(manager.post(url, form).location).text
    assert "身份证号：" in told
    assert number not in told


@pytest.mark.usefixtures("rows")
def test_one_or_the_other_is_asked(as_account: AsAccount) -> None:
    manager = as_account(builders.COUNTY_MANAGER)
    url = f"{QUERY}/correct?field=way"
    form = form_of(manager.get(url).text)
    n = line_of(form, '"repair"')
    both = form | {"new-0": "exchange", f"new-{n}": "rebuild", "reason": "核对"}
    answer = manager.post(url, both)
    assert answer.status_code == 422
    assert "只能选一种" in answer.text
    assert "至少给出一个新值" in manager.post(url, form | {"reason": "核对"}).text
    either = form | {f"new-{n}": "rebuild", f"clear-{n}": "on", "reason": "核对"}
    answer = manager.post(url, either)
    assert answer.status_code == 422
    assert f'id="new-{n}-error">填写新值和“清空”只能选一种。' in answer.text
    kept = manager.post(url, form | {"new-0": "exchange", "reason": "核对", "keep": "on"})
    assert 'id="correct-keep-errors">只有按原值逐个更正的' in kept.text
    for seen in ("yesterday", "2999-01-01T00:00:00+00:00"):
        one = form | {"new-0": "exchange", "reason": "核对", "seen": seen}
        assert manager.post(url, one).status_code == 400
    for old in ("1", '{"way": "repair"}', "[1]", "repair"):  # no form has such a value
        one = form | {f"old-{n}": old, f"new-{n}": "rebuild", "reason": "核对"}
        assert manager.post(url, one).status_code == 400


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{QUERY}/correct?field=phone", 400),
        (f"{QUERY}/correct?field=nothing", 400),
        (f"{QUERY}/correct?where=nothing:is:1", 400),
        (f"{QUERY}/correct?fields=way", 400),
        ("/archive/nowhere/correct", 404),
        ("/archive/corrections/01a22e68-04bc-7cf4-8f49-ee6a43690391", 404),
        ("/unsafe_home/query/correct", 404),  # nobody enters its rows
    ],
)
def test_what_cannot_be_asked_is_refused(as_account: AsAccount, url: str, status: int) -> None:
    assert as_account(builders.COUNTY_MANAGER).get(url).status_code == status


def test_only_who_enters_sees_it(as_account: AsAccount) -> None:
    reader = as_account(builders.COUNTY_READER)
    for url in (f"{QUERY}/correct", "/archive/corrections", "/archive/standing"):
        assert reader.get(url).status_code == 403
    assert "批量更正" not in reader.get(QUERY).text
