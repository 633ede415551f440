"""Filters of a list that are kept under a name."""

from __future__ import annotations

import html

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.lists import saved as saved_filters
from app.kernel.lists.saved_rows import SavedFilter
from tests import builders
from tests.web.lists.listed import QUERY, AsAccount, households, kept, names

#: Filters, order and paging are SQL.
pytestmark = pytest.mark.both_databases


def test_a_filter_is_kept_opened_renamed_and_deleted(app: Flask, as_account: AsAccount):
    households(app, "甲户", state=State.DRAFT)
    households(app, "乙户")
    reader = as_account(builders.COUNTY_READER)
    answer = reader.post(f"{QUERY}/filters?state=draft&size=50", {"name": " 已录入的 "})
    assert (answer.status_code, answer.location) == (302, f"{QUERY}?state=draft")
    row = kept(app)[0]
    assert (row.name, row.asked, row.path) == ("已录入的", [["state", "draft"]], None)
    part = reader.get(f"{QUERY}/filters", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert f"{QUERY}/filters/{row.id}" in part
    opened = reader.get(f"{QUERY}/filters/{row.id}", follow_redirects=True)
    assert names(opened.text) == ["甲户"]
    reader.post(f"{QUERY}/filters/{row.id}", {"name": "草稿"})
    assert [r.name for r in kept(app)] == ["草稿"]
    assert (
        "草稿"
        in reader.post(
            f"{QUERY}/filters/{row.id}", {"action": "delete"}, follow_redirects=True
        ).text
    )
    assert kept(app) == []


@pytest.mark.parametrize(
    ("query", "form", "field", "message"),
    [
        ("state=draft", {"name": "  "}, "filter-name", "请填写名称"),
        ("state=draft", {"name": "长" * 31}, "filter-name", "最多 30 个字"),
        ("state=draft", {"name": "有了"}, "filter-name", "已有名为“有了”的筛选"),
        ("", {"name": "空"}, None, "请先在列表中选好条件"),
        ("head_name=张", {"name": "张家", "shared": "on"}, "filter-shared", "不能共享"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field(
    as_account: AsAccount, query: str, form: dict[str, str], field: str | None, message: str
):
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(f"{QUERY}/filters?state=draft", {"name": "有了"})
    answer = manager.post(f"{QUERY}/filters?{query}", form)
    assert answer.status_code == 422
    assert message in answer.text
    if field:
        assert f'id="{field}-errors"' in answer.text
        assert html.escape(form["name"]) in answer.text


def test_a_name_that_is_taken_is_refused_at_renaming_too(app: Flask, as_account: AsAccount):
    reader = as_account(builders.COUNTY_READER)
    for name in ("一", "二"):
        reader.post(f"{QUERY}/filters?state=draft", {"name": name})
    row = kept(app)[0]
    answer = reader.post(f"{QUERY}/filters/{row.id}", {"name": "二"})
    assert answer.status_code == 422
    assert f'id="rename-{row.id}-errors"' in answer.text


def test_only_so_many_are_kept(app: Flask, as_account: AsAccount, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saved_filters, "MOST", 1)
    reader = as_account(builders.COUNTY_READER)
    reader.post(f"{QUERY}/filters?state=draft", {"name": "一"})
    answer = reader.post(f"{QUERY}/filters?state=draft", {"name": "二"})
    assert answer.status_code == 422
    assert "最多保存 1 个" in answer.text
    assert len(kept(app)) == 1


def test_a_managers_shared_filter_is_seen_below_and_nowhere_else(app: Flask, as_account: AsAccount):
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(f"{QUERY}/filters?grade=D", {"name": "D级", "shared": "on"})
    row = kept(app)[0]
    url = f"{QUERY}/filters/{row.id}"
    clerk = as_account(builders.TOWN_CLERK)
    assert clerk.get(url).location == f"{QUERY}?grade=D"
    assert clerk.post(url, {"name": "我的"}).status_code == 403
    with app.app_context():
        beside = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    assert as_account(builders.COUNTY_MANAGER, beside).get(url).status_code == 404
    assert as_account(builders.PROVINCE).get(url).status_code == 404
    successor = as_account(builders.COUNTY_MANAGER)
    assert successor.post(url, {"action": "delete"}).status_code == 302
    with app.app_context(), unscoped("tests look") as session:
        acts = list(
            session.scalars(select(AuditEntry.act).where(AuditEntry.register == "lookback"))
        )
    assert acts == [Act.CREATE, Act.DELETE]


def test_only_managers_share(as_account: AsAccount):
    answer = as_account(builders.COUNTY_REVIEWER).post(
        f"{QUERY}/filters?grade=D", {"name": "D级", "shared": "on"}
    )
    assert answer.status_code == 403


def test_opening_never_widens_and_says_what_is_gone(app: Flask, as_account: AsAccount):
    """A choice, a field, a division that went; a division that is not the account's."""
    with app.app_context():
        county = builders.region(builders.COUNTY, Level.COUNTY)
        towns = [builders.below(county, Level.TOWN, nth) for nth in (0, 1)]
    manager = as_account(builders.COUNTY_MANAGER)
    manager.post(
        f"{QUERY}/filters?state=draft&region={towns[1].id}", {"name": "镇", "shared": "on"}
    )
    manager.post(f"{QUERY}/filters?state=draft&region={county.id}", {"name": "县", "shared": "on"})
    manager.post(f"{QUERY}/filters?state=draft&grade=D", {"name": "旧", "shared": "on"})
    by_name = {row.name: row for row in kept(app)}
    clerk = as_account(builders.TOWN_CLERK, towns[0])
    other = clerk.get(f"{QUERY}/filters/{by_name['镇'].id}", follow_redirects=True)
    assert other.status_code == 200
    assert "不在您的管辖范围内，改为您的管辖范围" in other.text
    assert clerk.get(f"{QUERY}/filters/{by_name['县'].id}").location == f"{QUERY}?state=draft"
    assert f"region={towns[1].id}" in manager.get(f"{QUERY}/filters/{by_name['镇'].id}").location
    with app.app_context(), unscoped("tests let choices go") as session:
        gone = [["state", "draft"], ["grade", "Z"], ["colour", "red"], ["region", "9" * 25]]
        session.execute(update(SavedFilter).where(SavedFilter.name == "旧").values(asked=gone))
        session.commit()
    answer = manager.get(f"{QUERY}/filters/{by_name['旧'].id}", follow_redirects=True)
    assert answer.request.query_string.decode() == "state=draft"
    for text in ("的选项“Z”已不存在", "“colour”已不再是筛选条件", "限定的行政区划已不存在"):
        assert text in html.unescape(answer.text)
