"""The main job in a browser: a clerk fills in and submits, a reviewer decides by key."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.access.account import Account
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.rows.record import Habit
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.browser.conftest import Desk, arrived
from tests.running.servers import Server

SitDown = Callable[..., Desk]


@pytest.fixture
def survey(server: Server) -> Lookback:
    with server.app.app_context():
        return builders.household(name="张建国", population=4)[1]


def stored(server: Server, survey: Lookback) -> Lookback:
    with server.app.app_context(), unscoped("tests look at rows") as session:
        return session.get_one(Lookback, survey.id)


#: What the clerk answers in the common kind of form: own house, grade A, parcel chosen.
ANSWERS = {
    "died": "否", "living": "自有农村住房", "policy_enjoyed": "否", "parcel_state": "选择图斑",
    "parcel_number": "610122100001", "storeys": "２", "floor_area": "96.5",
    "year_built": "2001-2010年", "structure": "砖石结构", "way_built": "自行建造",
    "land_nature": "集体土地", "planning_permit": "否", "homestead_permit": "否",
    "property_certificate": "否", "judged": "评估", "judged_on": "2024-09-10", "grade": "A级",
    "seismic_judged": "否",
}  # fmt: skip
#: … of which the parcel's own facts fill these in, where it is on the map (spec 02 "house").
OF_PARCEL = {"storeys", "floor_area", "year_built", "structure", "way_built", "land_nature"}
#: What hands touch: a field, or a button beside it. Scripts that fill in for them do not count.
COUNT = """() => {
  window.touched = new Set();
  const note = (event) => {
    if (!event.isTrusted || event.target.type === 'file') return;
    const button = event.target.closest('button');
    if (event.type === 'click' && !button && !event.target.closest('.pick')) return;
    window.touched.add(button ? button.textContent.trim() + button.parentElement.dataset.noneOf
      : event.target.closest('[data-field]').dataset.field);
  };
  for (const kind of ['input', 'click']) document.getElementById('record-form').addEventListener(kind, note, true);
}"""


def fill_in(clerk: Desk, photo: Path) -> set[str]:
    """By keyboard from field to field, with one click for each 以上均为否. Gives what was touched
    besides the photos; what is carried over from the last form is not.
    """
    page = clerk.page
    page.evaluate(COUNT)
    page.locator("input[name=died]").first.focus()
    for _stop in range(80):
        field = page.evaluate("document.activeElement.closest('[data-field]')?.dataset.field")
        if field is None:
            break
        none = page.locator(f"[data-none-of~={field}]:visible button")
        if field in ANSWERS:
            answer(page, field, ANSWERS[field])
        elif none.count() and not page.locator(f"input[name={field}]:checked").count():
            none.click()
            page.locator(f"input[name={field}]:checked").focus()
        page.keyboard.press("Enter")
    for field in ("judged_paper", "front_photos"):
        page.locator(f"#field-{field} input[type=file]").last.set_input_files(photo)
        page.wait_for_selector(f"#field-{field} [data-file]")
    return set(page.evaluate("[...window.touched]")) | {"judged_on"}


def answer(page: Any, field: str, text: str) -> None:
    """Into the field that has the focus."""
    kind = page.evaluate("document.activeElement.type")
    if kind == "radio":
        labels = page.locator(f"#field-{field} label.pick span").all_inner_texts()
        page.keyboard.press(str(labels.index(text) + 1))
    elif kind == "date":
        page.fill(f"#f-{field}", text)  # how a date is typed depends on the machine's language
    else:
        page.keyboard.type(text)
        if page.evaluate("document.activeElement.getAttribute('role')") == "combobox":
            page.keyboard.press("Enter")  # before the list has come
            expect(page.locator(f"#f-{field}-list")).to_be_hidden()
            assert page.input_value(f"#f-{field}-text") == text


def test_from_typing_to_approval(
    desk: SitDown, server: Server, survey: Lookback, photo_file: Path, assert_accessible: Any
):
    clerk = desk(builders.TOWN_CLERK)
    with server.app.app_context(), unscoped("what this clerk gave last time") as session:
        account = session.scalars(select(Account).where(Account.username == clerk.login)).one()
        last = {"surveyor": "李明", "surveyed_on": "2024-09-12", "heating": "02", "cooking": "02"}
        session.add(Habit(account_id=account.uuid, register="lookback", fields=last, reasons={}))
        session.commit()
    page = clerk.open(f"/lookback/{survey.id}/edit")
    assert page.locator("#field-floor_area").is_hidden()
    began = time.monotonic()
    inputs = fill_in(clerk, photo_file)
    print(
        f"{len(inputs)} inputs, {len(inputs - OF_PARCEL)} with the parcel's facts, in {time.monotonic() - began:.1f} s"
    )
    assert len(inputs) <= 25, sorted(inputs)
    assert inputs.isdisjoint(last)
    assert page.locator("[data-missing]").inner_text() == "必填项已齐"
    assert page.input_value("#f-storeys") == "2"  # full-width digits were mended
    assert_accessible(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/lookback/entry")
    assert stored(server, survey).state == State.SUBMITTED

    reviewer = desk(builders.COUNTY_REVIEWER).open(f"/lookback/{survey.id}/review")
    reviewer.locator(".file-look").last.click()
    reviewer.wait_for_selector("#photo-dialog[open]")
    reviewer.keyboard.press("Escape")
    reviewer.wait_for_selector("#photo-dialog", state="hidden")
    reviewer.keyboard.press("r")
    assert reviewer.locator("#return-dialog").is_visible()
    assert_accessible(reviewer)
    reviewer.locator("#return-dialog label.pick").first.click()
    reviewer.locator("[data-return-send]").click()
    reviewer.wait_for_selector("[data-undo]")
    assert stored(server, survey).state == State.RETURNED

    page = clerk.open(f"/lookback/{survey.id}/edit")
    assert "资料不全" in page.locator(".notice-warn").inner_text()
    page.fill("#f-floor_area", "120")
    page.get_by_role("button", name="保存并上报").click()
    page.wait_for_url("**/lookback/entry")

    reviewer.goto(f"{server.url}/lookback/{survey.id}/review")
    changed = reviewer.locator(".read .is-changed")
    assert changed.count() == 1
    assert "96.5" in changed.inner_text()
    reviewer.keyboard.press("a")
    reviewer.locator("[data-undo]", has_text="审核通过").wait_for()
    assert stored(server, survey).state == State.APPROVED
    reviewer.locator("[data-undo] button").click()
    reviewer.wait_for_url(f"**/{survey.id}/review*")
    assert stored(server, survey).state == State.SUBMITTED


def test_live_rules_hide_keep_and_check(desk: SitDown, survey: Lookback):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    clerk.pick("living", "自有农村住房")
    page.fill("#f-floor_area", "96.5")
    clerk.pick("living", "其他安全住房")
    assert page.locator("#field-floor_area").is_hidden()
    assert page.locator("#section-s6").is_hidden()
    clerk.pick("living", "自有农村住房")
    assert page.input_value("#f-floor_area") == "96.5"  # nothing typed is lost
    page.fill("#f-phone", "123")
    page.locator("#f-surveyor").focus()
    assert "电话号码不正确" in page.locator("#f-phone-errors").inner_text()
    page.fill("#f-phone", "13909180000")
    assert page.locator("#f-phone-errors").is_hidden()
    clerk.pick("head_changed", "是")
    page.fill("#f-new_head_id", "61012219700101001")
    page.locator("#f-surveyor").focus()
    assert "应为18位，现有 17 位" in page.locator("#f-new_head_id-errors").inner_text()
    clerk.pick("split", "是")
    heads = page.locator("#field-split_heads")
    heads.get_by_role("button", name="添加一行").click()
    number = heads.locator("[data-child-field=id_number]")
    number.locator("input").fill("61012219700101001")
    page.locator("#f-surveyor").focus()
    assert "应为18位，现有 17 位" in number.locator("[data-errors]").inner_text()
    page.get_by_role("button", name="保存并上报").click()
    summary = page.locator("#error-summary")
    summary.wait_for()
    assert summary.get_by_text("第1行 姓名").count() == 1


def test_submitting_too_early_jumps_to_what_is_missing(
    desk: SitDown, survey: Lookback, server: Server
):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    page.get_by_role("button", name="保存并上报").click()
    summary = page.locator("#error-summary")
    summary.wait_for()
    summary.locator("a", has_text="排查人").click()
    assert page.evaluate("document.activeElement.id") == "f-surveyor"
    assert stored(server, survey).state == State.MISSING  # nothing was sent


def test_typing_is_kept_by_itself(desk: SitDown, survey: Lookback, server: Server):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    page.fill("#f-surveyor", "李明")
    page.wait_for_selector("[data-draft-state]:has-text('自动保存')")
    with server.app.app_context():
        builders.complete(survey, {"died": False, "surveyor": "赵六", "village_group": "二组"})
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    assert page.input_value("#f-surveyor") == "李明"
    assert page.input_value("#f-village_group") == "二组"  # a colleague's, and not asked about
    asked = page.locator("#conflict tbody tr")
    assert (asked.count(), asked.locator("th").inner_text()) == (1, "排查人")
    with server.app.app_context(), unscoped("somebody else submits") as session:
        session.get_one(Lookback, survey.id).state = State.SUBMITTED
        session.commit()
    page.fill("#f-surveyor", "李明明")
    page.get_by_role("button", name="保存", exact=True).click()
    arrived(page, "#typed-text")
    assert page.input_value("#typed-text") == "排查人：李明明"
    page.get_by_role("button", name="复制").click()
    assert page.evaluate("getSelection().toString()") == "排查人：李明明"
    page.get_by_role("button", name="放弃草稿").click()
    page.locator("#confirm-dialog [data-confirm-yes]").click()
    arrived(page, ".notice-good")
    assert page.locator("#typed-text, #record-form").count() == 0


def test_a_session_that_ends_loses_nothing(desk: SitDown, survey: Lookback, server: Server):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "是")
    page.context.clear_cookies()
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_selector("#signin-dialog[open]")
    page.fill("#signin-password", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-signin-error]:visible")
    page.fill("#signin-password", builders.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice-good")
    assert stored(server, survey).died is True


def test_a_double_click_saves_once(desk: SitDown, survey: Lookback, server: Server):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "是")
    page.get_by_role("button", name="保存", exact=True).dblclick()
    page.wait_for_selector(".notice-good")
    assert stored(server, survey).version == 2


def test_two_people_choose_line_by_line(desk: SitDown, survey: Lookback, server: Server):
    one, two = desk(builders.TOWN_CLERK), desk(builders.TOWN_MANAGER)
    for clerk in (one, two):
        clerk.open(f"/lookback/{survey.id}/edit")
        clerk.pick("died", "否")
    one.page.fill("#f-village_group", "一组")
    two.page.fill("#f-village_group", "二组")
    two.page.fill("#f-surveyor", "赵六")
    one.page.get_by_role("button", name="保存", exact=True).click()
    one.page.wait_for_selector(".notice-good")
    two.page.get_by_role("button", name="保存", exact=True).click()
    conflict = two.page.locator("#conflict")
    arrived(two.page, "#conflict")
    assert conflict.locator("tbody tr").count() == 2
    conflict.locator("[data-conflict=village_group] label", has_text="一组").click()
    assert two.page.input_value("#f-village_group") == "一组"
    two.page.get_by_role("button", name="保存", exact=True).click()
    two.page.wait_for_selector(".notice-good")
    row = stored(server, survey)
    assert (row.village_group, row.surveyor) == ("一组", "赵六")


def test_the_line_is_cut_and_nothing_is_lost(desk: SitDown, survey: Lookback, server: Server):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    page.context.set_offline(True)
    clerk.pick("died", "是")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator(".toast-line", has_text="还没有保存到档案，恢复后自动保存").wait_for()
    page.context.set_offline(False)
    page.wait_for_selector(".notice-good")  # by itself, as was said
    assert stored(server, survey).died is True
