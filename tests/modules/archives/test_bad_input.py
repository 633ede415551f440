"""What people get wrong in archives, by form, import and interface: it is refused or kept and told, in clear words."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import today, uuid7
from app.core.db import db
from app.kernel.exchange.imports.notes import ImportNote
from app.modules.archives.model import Archive
from tests import builders as b
from tests.hands import Hands
from tests.modules.archives.test_archives import PLACE, book, take

TOMORROW = (today() + dt.timedelta(days=1)).isoformat()
#: Field, its column, what somebody gives (in a sheet maybe otherwise), what is said. Nothing of it goes in.
REFUSED = [
    ("invested", "总投资", "123456789012.00", "数字过大，请核对。"),
    ("ethnicity", "民族", "第六十一族", "“第六十一族”不在选项中，请从列表中选择。"),
    ("structure", "改造后房屋结构类型", "纸板房", "“纸板房”不在选项中，请从列表中选择。"),
    ("structure", "改造后房屋结构类型", "其它结构", "“其它结构”不在选项中，请从列表中选择。"),
    ("approved_on", "批准日期", "2015-13-01", "日期"),
    ("poverty_kind", "农户贫困类型", "general", "这一选项不适用，请重新选择。"),
]
#: The same of what goes in, with its finding.
TOLD = [
    ("approved_on", "批准日期", TOMORROW, "approved_on.late", "不能晚于今天。"),
    ("approved_on", "批准日期", "2016-01-01", "approved_on.other_year", "批准日期不在列入计划的年度内。"),
    ("started_on", "开工日期", "2015-01-01", "started_on.early", "不能早于批准日期。"),
    ("completed_on", "竣工日期", "2015-02-01", "completed_on.before_approval", "竣工日期早于批准日期。"),
    ("old_area", "旧住房建筑面积", "-5.00", "old_area.low", "不能小于 0。"),
    ("subsidy", "各级政府补助资金", "-1.00", "subsidy.low", "不能小于 0。"),
    ("xinjiang_aid", "对口援疆补助资金", "100.00", "xinjiang_aid.elsewhere", "本地区不需要填写这一项。"),
]  # fmt: skip
#: What the interface says, where it has a form of its own, and what sheets hold for a code.
INTERFACE = {"invested": "应为加引号"}
CELLS = {"general": "一般农户", "1970s": "70年代"}
BASE = {
    "head_name": "张建国", "head_id": b.id_number(901), "plan_year": "2015", "approved_on": "2015-04-01",
    "old_decade": "1970s",
}  # fmt: skip
COLUMNS = {
    "head_name": "户主姓名", "head_id": "身份证号", "plan_year": "列入计划的年度",
    "approved_on": "批准日期", "old_decade": "旧住房建造年代",
}  # fmt: skip


def counted() -> int:
    with unscoped("tests look") as session:
        return session.scalar(select(func.count()).select_from(Archive)) or 0


def by_form(app: Flask, said: dict[str, str]) -> tuple[int, str]:
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    with app.app_context():
        place = b.seat(Level.VILLAGE).id
    answer = hands.post("/archive/new", {"key": str(uuid7()), "region": str(place)} | said)
    return answer.status_code, html.unescape(answer.text)


def by_interface(app: Flask, said: dict[str, str]) -> Any:
    who = b.account(b.COUNTY_MANAGER)
    _token, secret = b.api_token(who, archive="enter")
    body = {"region": b.seat(Level.VILLAGE).id, "values": said | {"plan_year": 2015}}
    db.session.rollback()
    headers = {"Authorization": f"Bearer {secret}"}
    return app.test_client().post("/api/v1/archive", json=body, headers=headers), headers


def by_import(app: Flask, said: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    heads = " ".join(COLUMNS.get(name, name) for name in said)
    who = b.account(b.COUNTY_MANAGER)
    texts = [CELLS.get(text, text) for text in said.values()]
    file = book((*PLACE, *texts), heads=f"省 市 县 乡镇 村 {heads}")
    done = take(app, who, file)
    with unscoped("tests look") as session:
        notes = session.scalars(select(ImportNote.notes)).all()
    return done, [text for of_row in notes for _column, text in of_row]


@pytest.mark.parametrize(("field", "column", "text", "words"), REFUSED)
def test_what_is_refused(
    app: Flask, session: Any, field: str, column: str, text: str, words: str
) -> None:
    said = BASE | {field: text}
    status, page = by_form(app, said)
    assert status == 422
    assert words in page
    answer, _headers = by_interface(app, said)
    assert answer.status_code == 422, answer.json
    assert INTERFACE.get(field, words) in str(answer.json)
    in_sheet = {name: value for name, value in said.items() if name != field} | {column: text}
    done, notes = by_import(app, in_sheet)
    assert (done["created"], done["rejected"]) == (0, 1)
    assert any(words in note for note in notes), notes
    assert counted() == 0, "nothing half-done"


@pytest.mark.parametrize(("field", "column", "text", "code", "words"), TOLD)
def test_what_is_kept_and_told(
    app: Flask, session: Any, field: str, column: str, text: str, code: str, words: str
) -> None:
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    said = BASE | {field: text}
    answer, headers = by_interface(app, said)
    assert answer.status_code == 201, answer.json
    key = answer.json["id"]
    check = app.test_client().get(f"/api/v1/archive/{key}/check", headers=headers).json
    found = {p["id"]: p["message"] for p in check["problems"] + check["warnings"]}
    assert words in found[code]
    assert words in html.unescape(hands.get(f"/archive/{key}").text)
    in_sheet = {name: value for name, value in said.items() if name != field} | {column: text}
    done, _notes = by_import(app, in_sheet | {"head_id": b.id_number(902)})
    assert done["created"] == 1
    with unscoped("tests look") as rows:
        number = Archive.head_id == b.id_number(902)
        assert code in rows.scalars(select(Archive).where(number)).one().broken
