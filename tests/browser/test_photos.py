"""Photos in a browser: several at once, turned, moved; without a line they wait and come after all."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.access.scope import unscoped
from app.core.files.uploads import inspect_upload
from app.kernel.rows.file import Attachment
from app.modules.surveys.lookback.model import Lookback
from tests import builders, pictures
from tests.browser.conftest import OVERFLOW, SMALL, Desk, arrived, sign_in
from tests.running.servers import Server

SitDown = Callable[..., Desk]
BOX = "#field-front_photos"
WAITING_BYTES = """(login) => import("/static/form/local.js")
  .then(({ rowsOf }) => rowsOf("photos", login)).then(([row]) => row.blob.size)"""


@pytest.fixture
def survey(server: Server) -> Lookback:
    with server.app.app_context():
        return builders.household(name="张建国", population=4)[1]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two of a phone, one that is no photo."""
    exif = pictures.camera(dt.datetime(2024, 9, 9, 10), (34.16, 109.32))
    for name in ("一.jpg", "二.jpg"):
        (tmp_path / name).write_bytes(pictures.picture((800, 600), exif=exif))
    (tmp_path / "三.jpg").write_bytes(b"<svg onload=alert(1)>")
    return [tmp_path / f"{n}.jpg" for n in "一二三"]


def files_of(server: Server, survey: Lookback) -> list[Attachment]:
    with server.app.app_context(), unscoped("tests look at files") as session:
        query = select(Attachment).where(Attachment.record_id == survey.id)
        return list(session.scalars(query.order_by(Attachment.position)))


def open_form(clerk: Desk, survey: Lookback) -> Any:
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    clerk.pick("living", "自有农村住房")
    return page


def test_several_photos_are_turned_moved_and_taken_off(
    desk: SitDown, server: Server, survey: Lookback, photos: list[Path], assert_accessible: Any
) -> None:
    with server.app.app_context():  # another household has the first one already
        other = builders.household(name="赵玉兰")[1]
        told = inspect_upload(io.BytesIO(photos[0].read_bytes()), "photo")
        builders.attach(other, "front_photos", sha256=told.sha256)
    clerk = desk(builders.TOWN_CLERK, width=360, height=740)
    page = open_form(clerk, survey)
    page.fill("#f-surveyed_on", "2024-09-12")
    page.locator(f"{BOX} input[type=file]").last.set_input_files(photos)
    page.wait_for_selector(f"{BOX} .is-failed")
    page.locator(f"{BOX} [data-file]").nth(1).wait_for()
    assert "这个文件不是照片" in page.locator(f"{BOX} .is-failed [role=alert]").inner_text()
    page.locator(f"{BOX} .is-failed [data-file-remove]").click()
    first = page.locator(f"{BOX} .file-tile").first
    assert "拍摄于2024-09-09 10:00 · 蓝田县 · HUAWEI LYA-AL00" in first.inner_text()
    assert "拍摄日期2024-09-09与排查时间2024-09-12不一致" in first.inner_text()
    same = first.get_by_role("link", name="与赵玉兰的脱贫户住房安全保障回头看")
    assert same.get_attribute("href") == f"/lookback/{other.id}"
    page.fill("#f-surveyed_on", "2024-09-09")
    assert "不一致" not in first.inner_text()
    first.locator("[data-file-turn='90']").click()
    page.wait_for_selector(f"{BOX} [data-turned='90']")
    first.locator("[data-file-move='1']").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(SMALL) == []
    assert_accessible(page)
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_selector(".notice-good")
    assert [(a.name, a.turned, a.width) for a in files_of(server, survey)] == [
        ("二.jpg", 0, 800),
        ("一.jpg", 90, 600),
    ]


def test_photos_wait_for_a_line_and_outlive_a_reload(
    desk: SitDown, server: Server, survey: Lookback, photos: list[Path]
) -> None:
    clerk = desk(builders.TOWN_CLERK)
    page = open_form(clerk, survey)
    page.wait_for_selector("[data-draft-state]:has-text('自动保存')")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/files/front_photos", hold)
    page.locator(f"{BOX} input[type=file]").last.set_input_files(photos[:2])
    page.wait_for_selector(f"{BOX} .file-tiles:has(progress):has(.is-waiting)")
    held.pop().abort()  # with the other behind it, none is tried again soon
    page.unroute("**/files/front_photos")
    page.route("**/files/front_photos", lambda route: route.abort())
    page.wait_for_selector(f"{BOX} .is-waiting.is-late")
    first = page.locator(f"{BOX} .file-tile").first
    first.locator("[data-file-turn='-90']").click()
    page.wait_for_selector(f"{BOX} .turn-270")
    expect(page.locator(".outbox-bar")).to_contain_text("待上传 2 张")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.locator(f"{BOX} .is-waiting").nth(1).wait_for()
    assert files_of(server, survey) == []
    page.locator(".drop-me summary").click()
    page.locator("[data-sign-out]").first.click()
    page.wait_for_selector("#confirm-dialog[open] >> text=还有 2 个文件没有上传")
    page.locator("#confirm-dialog [value=no]").click()
    page.goto(f"{server.url}/lookback/entry")
    page.wait_for_selector(".outbox-bar")
    page.unroute("**/files/front_photos")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_selector(".outbox-bar", state="detached")
    kept = files_of(server, survey)
    assert [(a.name, a.turned) for a in kept] == [("一.jpg", 270), ("二.jpg", 0)]


def test_a_lost_answer_and_an_ended_session_make_nothing_twice_of_a_heavy_photo(
    desk: SitDown, server: Server, survey: Lookback, tmp_path: Path
) -> None:
    """It crosses the slow line lighter, with what the camera said."""
    taken, heavy = dt.datetime(2024, 9, 9, 10), tmp_path / "重.jpg"
    exif = pictures.camera(taken, (34.16, 109.32), orientation=6)
    heavy.write_bytes(pictures.picture((3200, 2400), exif=exif, quality=90))
    clerk = desk(builders.TOWN_CLERK)
    clerk.page.add_init_script(
        "Object.defineProperty(navigator, 'connection', { value: { downlink: 0.4 } })"
    )
    page = open_form(clerk, survey)
    lost = []

    def lose_the_answer(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/files/front_photos", lose_the_answer)
    page.locator(f"{BOX} input[type=file]").last.set_input_files(heavy)
    page.wait_for_selector(f"{BOX} .is-waiting.is-late")
    assert page.evaluate(WAITING_BYTES, clerk.login) < heavy.stat().st_size * 0.8
    assert lost == [200]
    assert len(files_of(server, survey)) == 1
    page.context.clear_cookies()
    page.locator(f"{BOX} [data-file-again]").click()
    page.wait_for_selector("#signin-dialog[open]")
    page.fill("#signin-dialog [name=password]", builders.PASSWORD)
    page.locator("#signin-dialog button[type=submit]").click()
    page.wait_for_selector(f"{BOX} [data-file]")
    (kept,) = files_of(server, survey)
    assert (kept.taken_at, kept.latitude, kept.device) == (taken, 34.16, "HUAWEI LYA-AL00")
    assert kept.width * 4 == kept.height * 3  # upright, as the phone was held


def test_a_photo_over_which_the_server_falls_is_given_up_until_somebody_asks(
    desk: SitDown, server: Server, survey: Lookback, photos: list[Path]
) -> None:
    """After five times it is not sent by itself any more, over reloads too."""
    clerk = desk(builders.TOWN_CLERK)
    clerk.page.clock.install()
    page = open_form(clerk, survey)
    sent: list[int] = []

    def fall_over(route: Any) -> None:
        sent.append(500)
        route.fulfill(status=500, json={"message": "程序出错"})

    page.route("**/files/front_photos", fall_over)
    page.locator(f"{BOX} input[type=file]").last.set_input_files(photos[0])
    for tries in range(1, 5):
        expect(page.locator(f"{BOX} .is-late")).to_contain_text("待上传：程序出错")
        assert len(sent) == tries
        page.clock.fast_forward(320_000)
        page.wait_for_timeout(100)
    expect(page.locator(f"{BOX} .is-late")).to_contain_text("多次上传都没有成功（程序出错）")
    page.clock.fast_forward(3_600_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator(f"{BOX} .is-late")).to_contain_text("多次上传都没有成功（程序出错）")
    page.clock.fast_forward(3_600_000)
    assert len(sent) == 5
    page.unroute("**/files/front_photos")
    page.locator(f"{BOX} [data-file-again]").click()
    page.wait_for_selector(f"{BOX} [data-file]")
    assert [file.name for file in files_of(server, survey)] == ["一.jpg"]


def test_a_form_is_opened_filled_in_and_reloaded_without_a_line(
    browser: Any, server: Server, survey: Lookback, photos: list[Path]
) -> None:
    """On a phone; what was typed and taken arrives once the line is back."""
    with server.app.app_context():
        login = builders.account(builders.TOWN_CLERK).username
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    clerk = Desk(page, server, login)
    sign_in(clerk)
    clerk.open(f"/lookback/{survey.id}/edit")
    page.wait_for_selector("html[data-offline=ready]")
    context.set_offline(True)
    page.goto(f"{server.url}/lookback/entry")
    assert "没有网络" in page.inner_text("h1")
    page.get_by_role("link", name="张建国").click()
    arrived(page, "#record-form")
    clerk.pick("died", "否")
    clerk.pick("living", "自有农村住房")
    page.fill("#f-surveyor", "李明")
    page.locator(f"{BOX} input[type=file]").last.set_input_files(photos[0])
    page.locator(f"{BOX} .is-waiting").wait_for()
    page.wait_for_selector("[data-draft-state]:has-text('这台设备')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector(f"{BOX} .is-waiting")
    expect(page.locator("#f-surveyor")).to_have_value("李明")
    assert files_of(server, survey) == []
    context.set_offline(False)
    page.wait_for_selector(f"{BOX} [data-file]")
    page.wait_for_selector("[data-draft-state]:has-text('自动保存'):not(:has-text('这台设备'))")
    assert len(files_of(server, survey)) == 1
    page.reload()
    assert page.input_value("#f-surveyor") == "李明"  # from the server
    page.route("**/files/front_photos", lambda route: route.abort())
    page.locator(f"{BOX} input[type=file]").last.set_input_files(photos[1])
    page.wait_for_selector(f"{BOX} .is-waiting.is-late")
    page.locator(".drop-me summary").click()
    page.locator("[data-sign-out]").first.click()
    page.locator("#confirm-dialog [data-confirm-yes]").click()
    page.wait_for_url("**/login/")
    assert "anju-pages" not in page.evaluate("caches.keys().then((names) => names.join())")
    sign_in(clerk)
    clerk.open(f"/lookback/{survey.id}/edit").wait_for_selector(f"{BOX} [data-file]")
    assert page.locator(".is-waiting, .outbox-bar").count() == 0
    context.close()
