"""One household over all registers: its page, the line of what happened, its paper."""

from __future__ import annotations

import datetime as dt
import io
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
import segno
from flask import Flask
from sqlalchemy import select

from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import today
from app.core.db import db
from app.core.files.storage import storage
from app.kernel.declare.flow import State
from app.kernel.households import lists as households
from app.kernel.kinds.formats import mask_id
from app.kernel.records import steps
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import get_household
from app.kernel.rows.member import Member
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import Grade
from app.modules.low_income.model import LowIncome
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.builders import CONTACT, COUNTY_MANAGER, COUNTY_READER, COUNTY_REVIEWER, TOWN_CLERK
from tests.clicks import click
from tests.hands import Hands
from tests.modules import samples
from tests.pictures import picture

AsAccount = Callable[..., Hands]
WORKER = "19910180002"


@pytest.fixture
def surveyed(app: Flask) -> tuple[Any, Any]:
    """A household whose survey was returned, mended and approved."""
    with app.app_context():
        home, row = builders.household(name="张建国")
        builders.complete(row, builders.own_house(Grade.A), builders.FILES_OWN)
        clerk, reviewer = builders.actor(TOWN_CLERK), builders.actor(COUNTY_REVIEWER)
        step(clerk, row, "submit")
        step(reviewer, row, "return", opinion=f"电话 {WORKER} 不对", reasons=("信息有误",))
        with unscoped("tests mend the form") as session:
            kept = session.get_one(Lookback, row.id)
            kept.storeys, kept.phone = 3, WORKER
            session.commit()
        step(clerk, row, "submit")
        step(reviewer, row, "approve")
    return home, row


def step(actor: Any, row: Any, name: str, **said: Any) -> None:
    with builders.acting_as(actor):
        click(steps.transition, LOOKBACK, row.id, name, None, CONTACT, **said)


def titles(page: str) -> list[str]:
    """What happened, in the page's order."""
    return re.findall(r'<div class="timeline-head"><b>([^<]+)</b>', page)


def paper_text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        return "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def test_the_page_tells_what_happened_newest_first(
    surveyed: tuple[Any, Any], as_account: AsAccount
) -> None:
    home, _row = surveyed
    hands = as_account(COUNTY_READER)
    page = hands.get(f"/household/{home.id}").text
    told = titles(page)
    assert told[:5] == ["审核通过", "上报", "退回补正", "上报", "列入名单"]
    assert {"入户排查", "鉴定或评估"} <= set(told[5:])
    assert "信息有误" in page
    assert WORKER not in page  # neither where it was typed into an opinion nor where it changed
    assert "199****0002" in page
    assert "改动 2 项" in page
    assert page.count("/thumb?v=") == len(builders.FILES_OWN)
    assert "房屋正立面全景照片" in page
    own = hands.get(f"/household/{home.id}?register=household").text
    assert titles(own) == ["列入名单"]
    theirs = titles(hands.get(f"/household/{home.id}?register=lookback").text)
    assert theirs == [t for t in told if t != "列入名单"]


def test_a_corrected_number_is_told_masked(app: Flask, as_account: AsAccount) -> None:
    number = builders.id_number()
    with app.app_context():
        home = builders.household(name="周更正")[0]
        with builders.acting(COUNTY_MANAGER):
            kept = get_household(home.id)
            households.correct_id(db.session(), kept, number)
            db.session.commit()
    page = as_account(COUNTY_READER).get(f"/household/{home.id}?register=household").text
    assert titles(page)[0] == "修改"
    assert f"更正身份证号：— → {mask_id(number)}" in page
    assert number not in page


def test_what_held_on_a_day(app: Flask, surveyed: tuple[Any, Any], as_account: AsAccount) -> None:
    home, _row = surveyed
    hands = as_account(COUNTY_READER)
    now_held = hands.get(f"/household/{home.id}?on={today()}").text
    assert f"依据 {today()} 审核通过的记录" in now_held
    before = hands.get(f"/household/{home.id}?on={today() - dt.timedelta(days=1)}").text
    assert "还没有审核通过的记录" in before


@pytest.mark.parametrize(
    "args",
    ["register=nothing", "page=0", "page=x", "page=999", "on=2025-13-01", "on=2999-01-01", "on=x"],
)
def test_what_the_address_cannot_mean_is_said(app: Flask, as_account: AsAccount, args: str) -> None:
    with app.app_context():
        home = builders.household()[0]
    assert as_account(COUNTY_READER).get(f"/household/{home.id}?{args}").status_code == 400


def test_nobody_sees_registers_that_are_not_his(
    app: Flask, surveyed: tuple[Any, Any], as_account: AsAccount
) -> None:
    home, row = surveyed
    with app.app_context():
        limited = builders.account(COUNTY_READER, registers={"household": "read"})
    hands = Hands(app, builders.sign_in(app, limited))
    for url in (f"/household/{home.id}", f"/household/{home.id}/paper"):
        answer = hands.get(url)
        text = paper_text(answer.data) if url.endswith("paper") else answer.text
        assert "张建国" in text
        assert "审核通过" not in text
    assert str(row.id) not in hands.get(f"/household/{home.id}").text
    assert hands.get(f"/household/{home.id}?register=lookback").status_code == 400
    with app.app_context():
        far = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    stranger = as_account(COUNTY_MANAGER, far)
    for url in ("paper", "print"):
        assert stranger.get(f"/household/{home.id}/{url}").status_code == 404


def test_the_list_of_low_income_households_says_since_when_and_who(
    app: Flask, as_account: AsAccount
) -> None:
    with app.app_context():
        home = builders.home(name="王低收", lists=("low_income",))
        number = builders.id_number()
        with unscoped("tests list a household") as session:
            session.add_all(
                [
                    LowIncome(
                        region_id=home.region_id, household_id=home.id, head_name="王低收",
                        head_id=home.head_id, groups=("allowance",), low_income=True,
                        added_on=dt.date(2025, 3, 4), left_on=dt.date(2026, 1, 2),
                    ),
                    Member(
                        region_id=home.region_id, household_id=home.id, name="王小妹",
                        id_number=number, relation="02",
                    ),
                ]
            )  # fmt: skip
            session.commit()
    hands = as_account(COUNTY_MANAGER)
    page = hands.get(f"/household/{home.id}").text
    assert "低收入群体名单" in page
    assert "2025-03-04列入" in page
    assert "2026-01-02退出" in page
    assert titles(page)[:3] == ["列入名单", "退出对象", "新增对象"]
    assert "王小妹" in page
    assert number not in page
    paper = paper_text(hands.get(f"/household/{home.id}/paper").data)
    assert "王小妹" in paper
    assert number not in paper


def test_the_days_of_a_renovation_stand_in_its_household(app: Flask, as_account: AsAccount) -> None:
    day = dt.date(2026, 3, 1)
    paid = [{"date": day + dt.timedelta(days=60 + n), "amount": Decimal(9000 + n)} for n in (0, 1)]
    with app.app_context():
        made = samples.dossier(
            started_on=day, completed_on=day + dt.timedelta(days=30), structure="01", payments=paid
        )
    page = as_account(COUNTY_MANAGER).get(f"/household/{made.household_id}").text
    told = titles(page)
    assert [t for t in told if t in {"开工", "竣工", "拨付"}] == ["拨付", "拨付", "竣工", "开工"]
    assert "9,001.00 元" in page
    assert f"/dossier/{made.id}" in page


# ---- the paper ---------------------------------------------------------------------------------


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the codes of papers say."""
    said: list[str] = []
    make = segno.make
    monkeypatch.setattr(segno, "make", lambda text, **how: said.append(text) or make(text, **how))
    return said


def test_the_paper_masks_and_leads_back(
    app: Flask, surveyed: tuple[Any, Any], as_account: AsAccount, coded: list[str]
) -> None:
    home, _row = surveyed
    hands = as_account(TOWN_CLERK)
    assert f"/household/{home.id}/paper" in hands.get(f"/household/{home.id}").text
    answer = hands.get(f"/household/{home.id}/paper")
    assert answer.mimetype == "application/pdf"
    text = paper_text(answer.data)
    for said in ("农户住房安全一户一档", "张建国", "审核通过", "退回补正", "已部分隐藏"):
        assert said in text
    assert home.head_id not in text
    assert WORKER not in text
    assert "照片无法读取" in text  # the rows of these photos have no bytes in the store
    app.config["PUBLIC_URL"] = "https://anju.example.gov.cn"
    try:
        hands.get(f"/household/{home.id}/paper")
    finally:
        app.config["PUBLIC_URL"] = ""
    assert coded == [
        f"http://localhost/household/{home.id}",
        f"https://anju.example.gov.cn/household/{home.id}",
    ]


def test_whole_numbers_take_a_right_and_a_reason(
    app: Flask, surveyed: tuple[Any, Any], as_account: AsAccount
) -> None:
    home, _row = surveyed
    url = f"/household/{home.id}/print"
    clerk = as_account(TOWN_CLERK)
    assert url not in clerk.get(f"/household/{home.id}").text
    assert clerk.get(url).status_code == 403
    assert clerk.post(url, {"reason": "入户核实"}).status_code == 403
    manager = as_account(COUNTY_MANAGER)
    assert url in manager.get(f"/household/{home.id}").text
    assert "张建国" in manager.get(url).text
    short = manager.post(url, {"other_reason": "看"})
    assert short.status_code == 422
    assert "至少" in short.text
    assert 'value="看"' in short.text
    answer = manager.post(url, {"reason": "入户核实"})
    assert answer.status_code == 200
    assert home.head_id in paper_text(answer.data)
    with app.app_context(), unscoped("tests read the log") as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)).all()
        assert [(e.record_id, (e.detail or {})["reason"]) for e in noted] == [(home.id, "入户核实")]


def test_a_long_story_is_cut_and_broken_pictures_are_told(
    app: Flask, as_account: AsAccount
) -> None:
    with app.app_context():
        home, row = builders.household(name="李久远")
        builders.complete(row, builders.own_house(Grade.A))
        files = builders.attach(row, *["front_photos"] * 30)
        begun = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        with unscoped("tests write a long history") as session:
            good, junk = (storage().put(io.BytesIO(c), "jpg") for c in (picture(), b"no picture"))
            for number, key in enumerate((good, junk)):
                kept = session.get_one(Attachment, files[number].id)
                kept.thumb_key, kept.added_at = key, begun + dt.timedelta(days=9999)
            session.add_all(
                HistoryEntry(
                    register="lookback", record_id=row.id, region_id=row.region_id,
                    at=begun + dt.timedelta(hours=n), step="submit", label="上报",
                    source=State.DRAFT, target=State.SUBMITTED, account_id=uuid.uuid4(),
                    account_name=f"录入人{n}", snapshot={"storeys": str(n)},
                )
                for n in range(100)
            )  # fmt: skip
            session.commit()
    hands = as_account(COUNTY_MANAGER)
    page = hands.get(f"/household/{home.id}").text
    assert len(titles(page)) == 40
    more = re.search(r'href="([^"#]+)#history-title">显示更早的记录', page)
    assert more
    page = hands.get(more[1].replace("&amp;", "&")).text
    assert len(titles(page)) == 80
    answer = hands.get(f"/household/{home.id}/paper")
    text = paper_text(answer.data)
    assert "只印最近的 80 条记录" in text
    assert "只印最近的 24 张照片" in text
    assert text.count("照片无法读取") == 23
