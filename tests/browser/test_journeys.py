"""The main job from end to end, each step by the account whose work it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from PIL import Image
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.kernel.records import save as records
from app.kernel.rows.record import HistoryEntry
from app.modules.homes.choices import Living
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.browser.conftest import OVERFLOW, Desk, arrived, end_sessions, sign_in, sign_in_again
from tests.kernel.exchange import lists
from tests.running.servers import Server

SitDown = Callable[..., Desk]


@pytest.fixture
def survey(server: Server) -> Lookback:
    with server.app.app_context():
        return builders.household(name="赵玉兰", population=3)[1]


@pytest.fixture(scope="session")
def paper_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real PDF, as a scanner makes it."""
    path = tmp_path_factory.mktemp("papers") / "评估报告.pdf"
    Image.effect_noise((400, 560), 40).convert("RGB").save(path, "PDF")
    return path


def stored(server: Server, survey: Lookback) -> Lookback:
    with server.app.app_context(), unscoped("tests look at rows") as session:
        return session.get_one(Lookback, survey.id)


def cells_of(download: Any) -> list[Any]:
    """Every value of a workbook that the browser took home."""
    with Path(download.path()).open("rb") as file:
        sheet = load_workbook(file).worksheets[0]
        return [cell.value for row in sheet.iter_rows() for cell in row]


def submit(clerk: Desk) -> None:
    """With a double click, as many do: it is one."""
    clerk.page.get_by_role("button", name="保存并上报").dblclick()
    clerk.page.wait_for_url("**/lookback/entry*")
    assert "已上报" in clerk.page.locator(".notice-good").inner_text()


def upload(clerk: Desk, field: str, file: Path) -> None:
    clerk.page.locator(f"#field-{field} input[type=file]").last.set_input_files(file)
    clerk.page.wait_for_selector(f"#field-{field} [data-file]")


def fill_house(clerk: Desk, grade: str, photo: Path, paper: Path) -> None:
    """An own house of that grade, all that every grade asks for."""
    for field, text in (
        ("died", "否"), ("living", "自有农村住房"), ("policy_enjoyed", "否"), ("parcel_state", "未发现图斑"),
        ("year_built", "2001-2010年"), ("structure", "砖石结构"), ("way_built", "自行建造"),
        ("land_nature", "集体土地"), ("planning_permit", "否"), ("homestead_permit", "否"),
        ("property_certificate", "否"), ("heating", "电"), ("cooking", "电"), ("judged", "评估"),
        ("grade", grade), ("seismic_judged", "否"),
    ):  # fmt: skip
        clerk.choose(field, text)
    for field, typed in (
        ("surveyor", "李明"), ("surveyed_on", "2024-09-12"), ("storeys", "1"), ("floor_area", "80"),
        ("judged_on", "2024-09-10"),
    ):  # fmt: skip
        clerk.page.fill(f"#f-{field}", typed)
    for button in clerk.page.locator("[data-none-of]:visible button").all():
        button.click()
    upload(clerk, "judged_paper", paper)
    upload(clerk, "front_photos", photo)


# ---- the list comes in ---------------------------------------------------------------------


def test_a_county_imports_its_list_and_a_village_finds_its_households(
    desk: SitDown, server: Server, tmp_path: Path, assert_accessible: Any
):
    file = tmp_path / "名单.xlsx"
    wrong = lists.row(903, head_name="=SUM(A1:A2)")
    file.write_bytes(lists.book([lists.row(901), lists.row(902), wrong]).getvalue())
    manager = desk(builders.COUNTY_MANAGER)
    page = manager.open("/lookback/entry")
    page.get_by_role("link", name="名单下发").last.click()
    page.wait_for_selector("input[type=file]")
    assert_accessible(page)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="先检查").click()
    page.wait_for_selector("#job")
    assert_accessible(page)  # while it waits
    assert server.flask("jobs", "work", "--once").returncode == 0
    page.locator(".counts").wait_for()
    assert page.locator(".counts dd").first.inner_text() == "2"
    assert_accessible(page)
    page.get_by_role("button", name="导入这个文件").click()
    page.wait_for_selector("#job progress")  # the next job: the one that is done has none
    assert server.flask("jobs", "work", "--once").returncode == 0
    page.locator(".counts dt", has_text=re.compile("^新增$")).wait_for()
    assert_accessible(manager.open("/exchange/jobs/"))
    with page.expect_download() as download:
        page.locator(".job a[download]").first.click()
    cells = cells_of(download.value)
    assert any(isinstance(cell, str) and "公式" in cell for cell in cells)
    page = manager.open("/lookback/entry?state=missing")
    assert "王九零一" in page.locator(".ledger-table").inner_text()


# ---- the three ways of living ----------------------------------------------------------------


def test_died_needs_nothing_else(
    desk: SitDown, server: Server, survey: Lookback, assert_accessible: Any
):
    clerk = desk(builders.VILLAGE_CLERK, width=360, height=740)
    page = clerk.open("/lookback/entry?state=missing")
    assert_accessible(page)
    page.locator(f'a.row-action[href*="{survey.id}"]').click()
    arrived(page, "#record-form")
    clerk.pick("died", "是")
    assert page.locator("[data-missing]").inner_text() == "必填项已齐"
    assert page.locator(".form-section:visible").count() == 2  # the question, who submits
    assert page.evaluate(OVERFLOW) <= 0
    assert_accessible(page)
    submit(clerk)
    assert page.url.endswith("?state=missing")  # back to the list as it was filtered
    assert page.locator(f'a[href*="{survey.id}"]').count() == 0
    assert stored(server, survey).state == State.SUBMITTED


def test_other_safe_housing_asks_where(
    desk: SitDown, server: Server, survey: Lookback, assert_accessible: Any
):
    clerk = desk(builders.TOWN_CLERK)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    clerk.pick("died", "否")
    page.locator("[data-none-of]:visible button").click()
    clerk.pick("living", "其他安全住房")
    page.fill("#f-surveyor", "李明")
    page.fill("#f-surveyed_on", "2024-09-12")
    clerk.choose("other_home", "其他")
    page.get_by_role("button", name="保存并上报").click()
    summary = page.locator("#error-summary")
    summary.wait_for()
    assert summary.locator("li").count() == 1
    assert_accessible(page)
    summary.locator("a").click()
    page.keyboard.type("住在子女的单位宿舍")
    submit(clerk)
    row = stored(server, survey)
    assert (row.living, row.other_home_text) == (Living.OTHER, "住在子女的单位宿舍")


def test_an_unsafe_house_asks_for_parts_photos_and_assurance(
    desk: SitDown, server: Server, survey: Lookback, photo_file: Path, paper_file: Path,
    assert_accessible: Any,
):  # fmt: skip
    clerk = desk(builders.COUNTY_COLLECTOR)
    page = clerk.open(f"/lookback/{survey.id}/edit")
    fill_house(clerk, "C级", photo_file, paper_file)
    clerk.pick("risky_parts", "墙体")
    upload(clerk, "risky_photos", photo_file)
    clerk.pick("secured", "否")
    clerk.choose("measure", "农村危房改造")
    years = page.get_by_label("计划保障年度")
    assert years.locator("option").all_inner_texts() == ["请选择", "2024", "2025"]
    years.focus()
    years.select_option("2025")
    page.locator("#f-interim_measure").focus()
    assert page.locator("#f-measure_year-errors").is_hidden()
    clerk.pick("secured", "是")
    assert "排查当年" in page.locator("#f-measure_year-errors").inner_text()
    clerk.pick("secured", "否")
    assert_accessible(page)
    submit(clerk)
    row = stored(server, survey)
    assert (row.state, row.measure_year) == (State.SUBMITTED, 2025)


def test_what_scripts_show_is_what_the_server_shows(desk: SitDown, server: Server, browser: Any):
    """The same fields with scripts as the server shows without, the same number missing."""
    forms = [
        builders.died(), builders.other_home(), builders.own_house(), builders.full_house(),
        {"died": False, "living": Living.OWN, "altered": True, "strengthened": True},
    ]  # fmt: skip
    clerk = desk(builders.TOWN_MANAGER)
    with server.app.app_context():
        surveys = [builders.complete(builders.household()[1], form) for form in forms]
        with builders.acting(builders.TOWN_MANAGER):
            missing = [
                len(records.evaluate(LOOKBACK, records.get(LOOKBACK, one.id)).missing)
                for one in surveys
            ]
    plain = browser.new_context(
        java_script_enabled=False, storage_state=clerk.page.context.storage_state()
    ).new_page()
    fields = "[data-field]:not([hidden])"
    for survey, n in zip(surveys, missing, strict=True):
        url = f"/lookback/{survey.id}/edit"
        plain.goto(server.url + url)
        page = clerk.open(url)
        shown = page.locator(fields).evaluate_all("all => all.map((one) => one.id)")
        without = [one.get_attribute("id") for one in plain.locator(fields).all()]
        assert shown == without
        said = page.locator("[data-missing]").inner_text()
        assert said == (f"还缺 {n} 项必填" if n else "必填项已齐")
    plain.context.close()


# ---- review ----------------------------------------------------------------------------------


def test_the_queue_by_keyboard(desk: SitDown, server: Server, assert_accessible: Any):
    with server.app.app_context():
        place = builders.below(builders.region(builders.NEXT_COUNTY, Level.COUNTY), Level.VILLAGE)
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
        waiting = [
            builders.household(place, name=name, state=State.SUBMITTED, died=True)[1]
            for name in ("甲一", "乙二", "丙三", "丁四")
        ]
    reviewer = desk(builders.COUNTY_REVIEWER, place=county)
    page = reviewer.open("/lookback/review")

    def opened(name: str) -> None:
        page.locator(".review-record h1", has_text=name).wait_for()
        page.wait_for_timeout(320)  # keys that come sooner were meant for the one before

    opened("甲一")
    assert_accessible(page)
    page.keyboard.press("ArrowRight")
    opened("乙二")
    page.keyboard.press("ArrowLeft")
    opened("甲一")
    page.evaluate("window.stays = true")
    page.keyboard.press("a")
    opened("乙二")  # at once, and without a new page
    assert page.locator(".queue-left").inner_text() == "3"
    page.locator("#review-undo button").click()
    opened("甲一")
    assert stored(server, waiting[0]).state == State.SUBMITTED
    page.keyboard.press("a")
    opened("乙二")
    page.keyboard.press("r")
    page.keyboard.press("Control+Enter")
    assert "原因" in page.locator("#opinion-errors").inner_text()  # not without a reason
    assert_accessible(page)
    page.keyboard.type("a R a 照片看不清 1")  # keys are text while one types
    end_sessions(server)
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="稍后登录").click()
    unsent = page.locator("#review-notes", has_text="乙二的审核决定还没有送达：登录已过期")
    unsent.get_by_role("button", name="重试").click()  # it stands there, with what was typed
    sign_in_again(page)
    unsent.wait_for(state="detached")
    opened("丙三")
    with server.app.app_context(), unscoped("somebody else is quicker") as session:
        session.get_one(Lookback, waiting[2].id).state = State.DRAFT
        session.commit()
    page.keyboard.press("a")
    opened("丁四")
    page.locator("#review-notes", has_text="丙三").wait_for()  # said, and the next one is open
    assert page.evaluate("window.stays") is True, "no page was loaded in between"
    assert page.url.endswith(f"{waiting[3].id}/review")
    states = [stored(server, one).state for one in waiting]
    assert states == [State.APPROVED, State.RETURNED, State.DRAFT, State.SUBMITTED]
    with server.app.app_context(), unscoped("tests look at rows") as session:
        opinions = session.scalars(select(HistoryEntry.opinion).where(HistoryEntry.opinion != ""))
        assert opinions.all() == ["a R a 照片看不清 1"]


def test_a_resubmission_shows_why_it_came_back_and_what_changed(
    desk: SitDown, server: Server, survey: Lookback, photo_file: Path, paper_file: Path
):
    clerk = desk(builders.TOWN_CLERK)
    clerk.open(f"/lookback/{survey.id}/edit")
    fill_house(clerk, "A级", photo_file, paper_file)
    submit(clerk)
    page = desk(builders.COUNTY_REVIEWER).open(f"/lookback/{survey.id}/review")
    page.keyboard.press("r")
    page.fill("#opinion", "建筑面积不对")
    page.locator("[data-return-send]").click()
    page.wait_for_selector("[data-undo]")
    clerk.open(f"/lookback/{survey.id}/edit")
    assert "建筑面积不对" in clerk.page.locator(".notice-warn").inner_text()
    clerk.page.fill("#f-floor_area", "120")
    submit(clerk)
    page.goto(f"{server.url}/lookback/{survey.id}/review")
    assert "建筑面积不对" in page.locator(".notice-info").inner_text()
    line = page.locator(".change-list li")
    assert re.sub(r"\s", "", line.inner_text()) == "建筑面积：80→120"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    line.locator("a").click()
    assert "80" in page.locator(".is-changed:target").inner_text()
    assert not [url for url in asked if url.endswith("/review")], "the record is not drawn anew"


def test_divisions_chosen_lately_are_the_accounts_own(desk: SitDown, server: Server):
    """One machine, two accounts: nobody is offered what lies outside the own area."""
    page = desk(builders.COUNTY_MANAGER).open("/lookback/query")
    page.click("#filter-region")
    page.locator(".picker-option:visible").first.click()
    page.wait_for_url("**region=*")
    page.goto(f"{server.url}/logout/")
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login/**")
    with server.app.app_context():
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
        login = builders.account(builders.COUNTY_MANAGER, county).username
    sign_in(Desk(page, server, login))
    page.goto(f"{server.url}/lookback/query")
    page.click("#filter-region")
    page.wait_for_selector(".picker-option:visible")
    assert page.locator(".picker-head", has_text="最近选过").count() == 0


# ---- supervision -----------------------------------------------------------------------------


def test_the_province_goes_down_to_a_household_and_sends_it_back(
    desk: SitDown, server: Server, assert_accessible: Any
):
    with server.app.app_context():
        village = builders.seat(Level.VILLAGE, builders.COUNTY)
        found = builders.household(village, name="周国强", state=State.APPROVED, died=True)[1]
    province = desk(builders.PROVINCE)
    page = province.open("/lookback/statistics/progress")
    for name in ("西安市", "蓝田县"):
        page.locator(".stat-table tbody th a", has_text=name).click()
        arrived(page, f".stat-crumbs [aria-current] >> text={name}")
    column = page.locator(".stat-table thead th").all_inner_texts().index("审核通过")
    number = page.locator(".stat-table tbody tr.is-total > *").nth(column).locator("a")
    n = int(number.inner_text())
    number.click()
    arrived(page, ".ledger-table")
    assert page.locator(".count").inner_text() == f"共 {n} 户"
    rows = page.locator(".ledger-table tbody tr")
    assert rows.count() == n
    assert_accessible(page)
    rows.filter(has_text="周国强").locator("a.row-link").click()
    arrived(page, ".read-sheet")
    assert "6101*****" in page.locator(".facts-bar").inner_text()
    page.locator(".facts-bar button").first.click()
    page.wait_for_selector(".facts-bar .revealed")
    page.get_by_role("button", name="退回整改").click()
    page.wait_for_selector("#opinion-send_back-errors")
    assert_accessible(page)
    page.fill("#opinion-send_back", "抽查：与公安数据不符")
    page.get_by_role("button", name="退回整改").click()
    page.wait_for_selector(".notice-good")
    assert stored(server, found).state == State.RECTIFY
    page.locator(".crumbs a", has_text="档案查询").click()
    page.wait_for_url(re.compile(r"/query\?.*figure=approved"))  # its list, now one less
    assert page.locator(".ledger-table tbody tr").count() == n - 1


def test_a_ledger_comes_as_excel_for_a_reason(
    desk: SitDown, server: Server, survey: Lookback, assert_accessible: Any
):
    manager = desk(builders.COUNTY_MANAGER)
    page = manager.open("/lookback/query?head_name=赵玉兰")
    n = page.locator(".ledger-table tbody tr").count()
    page.locator("summary", has_text="导出").click()
    page.locator(".drop-item", has_text="台账").click()
    page.wait_for_selector("[name=reason]")
    assert_accessible(page)
    page.get_by_role("button", name="开始导出").click()
    page.locator("#export-errors", has_text="原因").wait_for()  # not without a reason
    page.locator("label.pick", has_text="工作调度").click()
    page.get_by_role("button", name="开始导出").click()
    page.wait_for_url(re.compile("/exchange/jobs"))
    assert server.flask("jobs", "work", "--once").returncode == 0
    page.locator("a[download]").first.wait_for()
    with page.expect_download() as download:
        page.locator("a[download]").first.click()
    cells = cells_of(download.value)
    assert cells.count("赵玉兰") >= n
    assert survey.head_id in cells
