"""The pages that FAB makes of docs/examples/contractors.py, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.web.crud.conftest import Person, Rows, problems

Firm = Callable[..., dict[str, Any]]
Added = Callable[..., str]


def test_what_is_missing_is_said_at_its_field(manager: Person) -> None:
    answer = manager.post("/contractors/add", {"name": "甲公司", "code": "9" * 19, "grade": "x"})
    assert answer.status_code == 422
    assert problems(answer) == {
        "region_id": "所在地区：请填写“所在地区”。",
        "code": "统一社会信用代码：字段长度不能超过 18 个字符。",
        "grade": "资质等级：请从列表中选择。",
        "active": "在用：请填写“在用”。",
    }
    assert 'value="甲公司"' in answer.text


def test_a_firm_is_added_changed_and_deleted(
    manager: Person, added: Added, firm: Firm, rows: Rows
) -> None:
    key = added(name="老名字")
    said = firm(name="新名字", phone="139****4567")
    assert manager.change(f"/contractors/edit/{key}", said).status_code == 302
    assert rows("SELECT name, phone FROM contractor WHERE code = :code", code=said["code"]) == [
        ("新名字", "13991234567")
    ]
    assert manager.post(f"/contractors/delete/{key}").status_code == 302
    assert not rows("SELECT 1 FROM contractor WHERE code = :code", code=said["code"])
    acts = rows(
        "SELECT act FROM audit_entry WHERE register = 'contractor' ORDER BY at DESC LIMIT 3"
    )
    assert [act for (act,) in acts] == ["delete", "update", "create"]


def test_of_two_who_change_a_firm_the_second_is_told(
    manager: Person, added: Added, firm: Firm
) -> None:
    url = f"/contractors/edit/{added()}"
    stale = {"seen": manager.get(url).text.partition('name="seen" value="')[2].partition('"')[0]}
    assert manager.change(url, firm(name="甲")).status_code == 302
    answer = manager.post(url, stale | firm(name="乙"))
    assert answer.status_code == 409
    assert "他人修改了这条记录" in problems(answer)[""]
    assert 'value="乙"' in answer.text
