"""The pages of statistics and the desk over HTTP: who sees what, what is refused, what it costs."""

from __future__ import annotations

import datetime as dt
import re
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select

from app.access.actor import Kind
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import now, today
from app.core.db import db
from app.kernel.declare.flow import State
from app.kernel.declare.register import all_registers
from app.kernel.figures.counters import snapshot
from tests import builders as b
from tests.kernel.reports import country

pytestmark = pytest.mark.one_database

TABLES = ("progress", "summary", "week", "trend")
MOST_STATEMENTS = 12


def most_on_a_desk():
    """Two for each register that it shows (app.kernel.reports.desk), and what whoever comes first reads."""
    return 13 + 2 * sum(1 for register in all_registers() if register.tables)


@pytest.fixture
def arranged():
    return country.settle


@pytest.fixture
def filled(app):
    app.config["BENCH"] = True
    yield app
    app.config["BENCH"] = False


def place(app, code, level):
    with app.app_context():
        return b.region(code, level).id


def statements(answer):
    return int(answer.headers["X-Anju-Statements"])


def links(page, path):
    """Addresses on the page below a path, as written."""
    found = re.findall(r'href="([^"]+)"', page.text)
    return [url.replace("&amp;", "&") for url in found if url.startswith(path)]


@pytest.mark.parametrize("who", b.EVERYBODY, ids=str)
def test_every_account_has_its_tables_and_a_desk(filled, who):
    client = b.sign_in(filled, who)
    for name in TABLES:
        answer = client.get(f"/lookback/statistics/{name}")
        assert answer.status_code == 200, answer.text[-500:]
        assert statements(answer) <= MOST_STATEMENTS
        assert "脱贫户总数" in answer.text
    desk = client.get("/")
    assert desk.status_code == 200
    assert statements(desk) <= most_on_a_desk()
    assert "脱贫户总数" in desk.text


def test_a_table_is_put_in_order_by_its_heads(filled):
    """On the page and in Excel, down to a division; a column that is none is refused."""
    client = b.sign_in(filled, b.MINISTRY)
    page = client.get("/lookback/statistics/progress?sort=-1")
    assert 'aria-sort="descending"' in page.text
    names = re.findall(r'<th scope="row"><a[^>]*>(.*?)</a>', page.text)
    rows = re.findall(r'<th scope="row">.*?</th><td>(?:<a[^>]*>)?([0-9,]+)', page.text)
    counted = [int(n.replace(",", "")) for n in rows[1:]]
    assert counted == sorted(counted, reverse=True)
    assert counted[0] > 0
    turned = [url for url in links(page, "/lookback/statistics/progress") if "sort=1" in url]
    assert len(turned) == 1
    assert all("sort=-1" in url for url in links(page, "/lookback/statistics/progress/excel"))
    excel = client.get("/lookback/statistics/progress/excel?sort=-1")
    sheet = openpyxl.load_workbook(BytesIO(excel.data)).active
    assert [line[1].value for line in sheet.iter_rows(min_row=4)] == names
    assert client.get("/lookback/statistics/progress?sort=99").status_code == 400


@pytest.mark.parametrize("name", TABLES)
def test_another_area_does_not_exist(filled, name):
    client = b.sign_in(filled, b.COUNTY_MANAGER)
    foreign = place(filled, b.NEXT_COUNTY, Level.COUNTY)
    above = place(filled, "6101", Level.CITY)
    for region in (foreign, above, 999_999_999):
        for tail in ("", "/excel"):
            answer = client.get(f"/lookback/statistics/{name}{tail}?region={region}")
            assert answer.status_code == 404
            assert "周至县" not in answer.text
    with filled.app_context():
        assert b.refusals() == 6


@pytest.mark.parametrize("region", ["x", "-1", "1.0", "9" * 40, "%E4%B8%80", "1%20OR%201"])
def test_a_bad_region_is_told(filled, region):
    client = b.sign_in(filled, b.CITY)
    for url in ("/lookback/statistics/summary", "/lookback/statistics/week/excel"):
        answer = client.get(f"{url}?region={region}")
        assert answer.status_code == 400
        assert "行政区划有误" in answer.text


@pytest.mark.parametrize(
    "url", ["/lookback/statistics/nothing", "/nothing/statistics/progress",
            "/household/statistics/week", "/lookback/statistics/nothing/excel"],
)  # fmt: skip
def test_an_unknown_table_is_not_found(filled, url):
    assert b.sign_in(filled, b.MINISTRY).get(url).status_code == 404


@pytest.mark.parametrize("url", ["/", "/lookback/statistics/summary",
                                 "/lookback/statistics/summary/excel"])  # fmt: skip
def test_nothing_is_told_before_signing_in(client, url):
    answer = client.get(url)
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


def test_the_breadcrumb_begins_at_the_own_area(filled):
    client = b.sign_in(filled, b.CITY)
    village = place(filled, b.COUNTY, Level.COUNTY)
    page = client.get(f"/lookback/statistics/summary?region={village}").text
    crumbs = page[page.index("stat-crumbs") : page.index("</nav>", page.index("stat-crumbs"))]
    assert "西安市" in crumbs
    assert "蓝田县" in crumbs
    assert "陕西省" not in re.sub(r'title="[^"]*"', "", crumbs)


def test_divisions_lead_one_level_down_to_the_village(filled):
    client, url, steps = b.sign_in(filled, b.MINISTRY), "/lookback/statistics/summary", 0
    names = []
    while url:
        page = client.get(url)
        assert page.status_code == 200
        body = page.text[page.text.index("<tbody>") :]
        row = next(
            (r for r in body.split("<tr")[2:] if "/lookback/query?figure=total" in r
             and "statistics/summary?region" in r), "",
        )  # fmt: skip
        found = re.search(r'href="(/lookback/statistics/summary\?region=\d+)">([^<]+)', row)
        url = found.group(1) if found else ""
        names += [found.group(2)] if found else []
        steps += 1
    assert steps >= 4, names


def test_english_pages_have_english_heads(filled):
    client = b.sign_in(filled, b.COUNTY_READER)
    with client.session_transaction() as session:
        session["locale"] = "en"
    for url in ("/lookback/statistics/week", "/lookback/statistics/summary", "/"):
        page = client.get(url).text
        for word in ("脱贫户总数", "合计", "行政区划缺失", "完成率", "统计时间", "待审核", "户数"):
            assert word not in page, (url, word)


# ---- Excel ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("who", [b.MINISTRY, b.COUNTY_READER, b.VILLAGE_CLERK], ids=str)
def test_the_table_as_excel_is_logged(filled, who, name):
    client = b.sign_in(filled, who)
    answer = client.get(f"/lookback/statistics/{name}/excel")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(openpyxl.load_workbook(BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert rows[1][1] == ("日期" if name == "trend" else "地区")
    text = " ".join(str(cell) for row in rows for cell in row)
    assert not re.search(r"\d{17}[\dX]", text)  # no personal data
    assert "户主0" not in text
    with filled.app_context(), unscoped("tests look at the log") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.EXPORT)).one()
    assert entry.register == "lookback"
    assert entry.detail["table"] == name
    assert entry.account_name


def test_without_the_right_there_is_no_excel(filled, monkeypatch):
    from app.access import policy

    with filled.app_context():
        made = b.account(b.COUNTY_READER)
    real = policy.actor_of

    def without(session, account):
        from dataclasses import replace

        actor = real(session, account)
        kept = {pair for pair in actor.capabilities if pair[0] != "export_statistics"}
        return replace(actor, capabilities=frozenset(kept))

    monkeypatch.setattr(policy, "actor_of", without)
    client = b.sign_in(filled, made)
    assert "/excel" not in client.get("/lookback/statistics/summary").text
    assert client.get("/lookback/statistics/summary/excel").status_code == 403


def test_without_the_right_to_search_there_is_nothing(filled, monkeypatch):
    from dataclasses import replace

    from app.access import policy

    real = policy.actor_of
    monkeypatch.setattr(
        policy, "actor_of", lambda s, a: replace(real(s, a), capabilities=frozenset())
    )
    client = b.sign_in(filled, b.COUNTY_READER)
    assert client.get("/lookback/statistics/summary").status_code == 403
    desk = client.get("/")
    assert desk.status_code == 200
    assert "脱贫户总数" not in desk.text


# ---- deadlines and days ---------------------------------------------------------------------


def test_managers_reach_the_deadline_from_the_table(filled):
    county = place(filled, b.COUNTY, Level.COUNTY)
    url = f"/settings/lookback.deadline?region={county}"
    for table in ("progress", "week"):
        page = b.sign_in(filled, b.COUNTY_MANAGER).get(f"/lookback/statistics/{table}").text
        assert f'href="{url}"' in page
        assert (
            "/settings/"
            not in b.sign_in(filled, b.COUNTY_READER).get(f"/lookback/statistics/{table}").text
        )
    week = b.sign_in(filled, b.CITY).get("/lookback/statistics/week").text
    assert f'<a href="{url}">未设置</a>' in week


def test_the_days_have_a_range_a_chart_and_a_workbook(filled):
    with filled.app_context(), unscoped("tests keep days") as session:
        for n in (1, 2, 20):
            snapshot(session, today() - dt.timedelta(days=n))
        session.commit()
    client = b.sign_in(filled, b.COUNTY_MANAGER)
    url = "/lookback/statistics/trend"
    assert client.get(f"{url}?days=5").status_code == 400
    assert client.get(f"{url}/excel?days=x").status_code == 400
    page = client.get(f"{url}?days=14").text
    assert '"kind": "line"' in page
    assert 'aria-current="true">全部3天' in page
    assert "近14天" not in page  # nothing is called by days that it does not hold
    month = client.get(f"{url}?days=30").text
    assert 'aria-current="true">全部21天' in month
    assert ">近14天" in month
    assert "近30天" not in month
    sunday = next(n for n in range(130, 137) if (today() - dt.timedelta(n)).isoweekday() == 7)
    with filled.app_context(), unscoped("tests keep days") as session:
        snapshot(session, today() - dt.timedelta(days=sunday))
        session.commit()
    year = client.get(f"{url}?days=365").text
    assert f'aria-current="true">全部{sunday + 1}天' in year  # not as many as there are rows
    assert ">近90天" in year
    county = place(filled, b.COUNTY, Level.COUNTY)
    for days, rows in ((14, 3), (30, 21)):
        answer = client.get(f"{url}/excel?region={county}&days={days}")
        sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
        lines = [row for row in sheet.iter_rows(values_only=True) if isinstance(row[0], int)]
        assert len(lines) == rows
        assert lines[0][1].startswith(today().isoformat())


def test_what_a_county_gained_in_a_week_leads_to_exactly_these_rows(filled):
    with filled.app_context():
        village = b.seat(Level.VILLAGE)
        for n in (1, 30):
            decided = now() - dt.timedelta(days=n)
            b.household(village, state=State.APPROVED, **b.died(), decided_at=decided)
    client = b.sign_in(filled, b.COUNTY_MANAGER)
    page = client.get("/lookback/statistics/week").text
    urls = re.findall(r'href="([^"]+decided_from[^"]+)">([\d,]+)</a>', page)
    assert urls
    for url, n in urls:
        listed = client.get(url.replace("&amp;", "&")).text
        assert f"共 {n} 户" in listed
        assert "审核日期" in listed


# ---- desk -----------------------------------------------------------------------------------


def test_doors_lead_to_what_waits(filled):
    client = b.sign_in(filled, b.COUNTY_MANAGER)
    desk = client.get("/")
    assert "退回补正，待修改" in desk.text
    doors = re.findall(
        r'<a class="door[^"]*" href="([^"]+)">.*?<b>([\d,]+)</b>', desk.text, re.DOTALL
    )
    assert len(doors) == 5
    for url, n in doors:
        page = client.get(url.replace("&amp;", "&"), follow_redirects=True)
        assert page.status_code == 200
        if "/entry" in url:
            assert f"共 {n} 户" in page.text


def test_a_reader_has_no_doors(filled):
    desk = b.sign_in(filled, b.COUNTY_READER).get("/")
    assert "没有等您处理的事项" in desk.text
    assert 'class="door' not in desk.text


def test_large_figures_tell_the_trend(filled):
    with filled.app_context(), unscoped("tests keep a day") as session:
        snapshot(session, today() - dt.timedelta(days=7))
        session.commit()
    with filled.app_context():
        b.household()
    day = today() - dt.timedelta(days=7)
    desk = b.sign_in(filled, b.MINISTRY).get("/").text
    assert f"比{day.month}月{day.day}日增加1" in desk
    assert f"与{day.month}月{day.day}日相同" in desk
    assert "trend" not in b.sign_in(filled, b.TOWN_CLERK).get("/").text


def test_the_last_login_is_told_with_its_address(filled):
    with filled.app_context():
        made = b.account(b.Who(Level.COUNTY, Kind.ORDINARY), username="reader01")
        with unscoped("tests write the log") as session:
            for hour, address in ((1, "10.0.0.1"), (2, "10.0.0.2"), (3, "10.0.0.3")):
                entry = audit.AuditEntry(
                    act=Act.LOGIN, account_id=made.uuid, address=address,
                    at=dt.datetime(2026, 3, 5, hour, tzinfo=dt.UTC),
                )  # fmt: skip
                session.add(entry)
            session.commit()
        db.session.remove()
    page = b.sign_in(filled, made).get("/").text
    assert "2026-03-05 10:00 10.0.0.2" in page


@pytest.mark.parametrize("arranged", [None])
def test_every_account_reads_a_desk_without_data(app):
    for who in (b.MINISTRY, b.COUNTY_MANAGER, b.VILLAGE_CLERK):
        page = b.sign_in(app, who).get("/")
        assert page.status_code == 200
        assert "没有等您处理的事项" in page.text
        assert "通知公告" not in page.text  # nothing to say takes no room
