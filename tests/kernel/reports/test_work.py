"""The report of work: its figures are those of the statistics pages, in Word and as PDF alike."""

from __future__ import annotations

import datetime as dt
import re
from io import BytesIO

import pytest
from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from sqlalchemy import select

from app.access.accounts.officers import Officer, Post
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.kernel.declare.register import all_registers
from app.kernel.figures import counters, statistics
from app.kernel.figures.day_tables import CounterDay
from app.kernel.reports import tables, word, work
from app.modules.unsafe_homes.register import RISK
from tests import builders as b
from tests.kernel.reports import country


@pytest.fixture
def arranged():
    return country.settle


@pytest.fixture
def settled(app):
    with app.app_context():
        yield app


def made(who, place=None, since=None):
    actor = b.actor(who, place)
    with acting_as(actor):
        region = statistics.region_asked_for(actor, None)
        paper = work.paper(actor, region, since or work.since_asked_for(None))
        db.session.rollback()
        return paper


def words_of(content: bytes) -> str:
    """Everything that a Word file says, tables too."""
    document = Document(BytesIO(content))
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def test_its_figures_are_those_of_the_statistics_pages(settled):
    actor = b.actor(b.PROVINCE)
    with acting_as(actor):
        region = statistics.region_asked_for(actor, None)
        paper = work.paper(actor, region, today())
        told = [r for r in all_registers() if r.briefing]
        annexes = iter(paper.annexes)
        for register in told:
            sheet = statistics.read(register, region, register.figures)
            if not any(sheet.total.counts.values()):
                continue
            for table in register.tables:
                grid, report = next(annexes), tables.report(register, table, region)
                shown = [[f"{c.value:,}" for c in row.cells] for row in report.rows]
                assert [list(row[1:]) for row in grid.rows] == shown
        assert next(annexes, None) is None
        risk = statistics.read(RISK, region, RISK.figures).total.counts
        text = "".join(p for c in paper.chapters for p in c.paragraphs)
        assert f"共{risk['total']}户：C级{risk['grade_c']}户、D级{risk['grade_d']}户" in text
        assert risk["total"] > 0
        assert not re.search(r"[{}]", text)
        chapter = next(c for c in paper.chapters if c.title == RISK.briefing.title)
        by_year = {row[0]: row[1:] for row in chapter.grids[0].rows}
        total = [int(n.replace(",", "")) for n in by_year.pop("合计")]
        assert total == [sum(map(int, column)) for column in zip(*by_year.values(), strict=True)]
    assert paper.title == "陕西省农村住房安全保障工作简报"


@pytest.mark.parametrize("arranged", [None])
def test_a_county_without_households_and_one_without_danger(app):
    with app.app_context():
        empty = made(b.COUNTY_MANAGER)
        assert [c.paragraphs for c in empty.chapters][-1] == ("没有待办事项。",)
        assert empty.annexes == ()
        assert empty.title == "蓝田县农村住房安全保障工作情况报告"
        b.household()
        safe = made(b.COUNTY_MANAGER)
        risk = next(c for c in safe.chapters if c.title == RISK.briefing.title)
        assert risk.paragraphs == (RISK.briefing.nothing,)
        assert safe.annexes[0].rows[0][:2] == ("合计", "1")
        assert any("1户未录入回头看档案" in text for text in safe.chapters[-1].paragraphs)


def test_the_period_is_compared_with_the_day_before_it(settled):
    place = b.seat(Level.PROVINCE)
    day = today() - dt.timedelta(days=20)
    with unscoped("tests keep a day") as session:
        nation = b.region("0", Level.NATION)
        session.add_all(
            CounterDay(
                register="risk", figure="secured", region_id=one.id, path=one.path, day=day, n=n
            )
            for one, n in ((place, 1), (nation, 1))
        )
        session.commit()
    now = counters.total
    with unscoped("tests count") as session:
        secured = now(session, RISK, "secured", place.path)
    paper = made(b.PROVINCE, since=day + dt.timedelta(days=1))
    text = "".join(p for c in paper.chapters for p in c.paragraphs)
    word = "增加" if secured >= 1 else "减少"
    assert (
        f"与{day.year}年{day.month}月{day.day}日相比，“已保障”{word}{abs(secured - 1)}户。" in text
    )


@pytest.mark.parametrize("arranged", [None])
def test_bad_periods_and_divisions_are_said(app):
    with app.app_context():
        tomorrow = (today() + dt.timedelta(days=1)).isoformat()
        for wrong in ("昨天", tomorrow, "1999-01-01"):
            with pytest.raises(BadInput):
                work.since_asked_for(wrong)
        with pytest.raises(BadInput):
            made(b.TOWN_MANAGER)


def test_who_signs_is_the_unit_of_the_place(app):
    with app.app_context():
        for who, unit in (
            (b.MINISTRY, "住房和城乡建设部"), (b.PROVINCE, "陕西省住房和城乡建设厅"),
            (b.CITY, "西安市住房和城乡建设局"),
        ):  # fmt: skip
            assert made(who).signed == unit
        with unscoped("tests name officers") as session:
            for post, unit in ((Post.OPERATOR, "村镇股"), (Post.LEADER, "蓝田县住房和建设局")):
                place = b.seat(Level.COUNTY).id
                session.add(Officer(region_id=place, post=post, name="王某", employer=unit))
            session.commit()
        assert made(b.COUNTY_MANAGER).signed == "蓝田县住房和建设局"


def test_word_is_in_the_form_of_official_papers(settled):
    document = Document(word.document(made(b.PROVINCE)))
    title, lead, chapter, *_rest = document.paragraphs
    for one, face, size in (
        (title, "方正小标宋简体", 22),
        (lead, "仿宋", 16),
        (chapter, "黑体", 16),
    ):
        (run,) = one.runs
        assert run._element.rPr.rFonts.get(qn("w:eastAsia")) == face
        assert (run.font.size.pt, str(run.font.color.rgb)) == (size, "000000")
    assert chapter.style.name == "Heading 1"
    assert str(chapter.style.font.color.rgb) == "000000"
    blob = document.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE).blob.decode()
    for face, instead in (("方正小标宋简体", "FZXiaoBiaoSong-B05S"), ("仿宋", "FangSong")):
        assert f'w:name="{face}"><w:altName w:val="{instead}' in blob
    first, across = document.sections[0], document.sections[-1]
    assert (round(first.page_width.cm), round(first.top_margin.cm, 1)) == (21, 3.7)
    assert across.page_width > across.page_height


def test_page_word_and_pdf(app, as_account):
    with app.app_context():
        county = b.seat(Level.COUNTY).id
        far = b.region(b.FAR_COUNTY, Level.COUNTY).id
    hands = as_account(b.COUNTY_MANAGER)
    page = hands.get("/work_report/")
    assert page.status_code == 200
    assert "蓝田县农村住房安全保障工作情况报告" in page.text
    hands.post("/language/en", follow_redirects=False)
    english = hands.get("/work_report/")
    assert "Report on rural housing safety in" in english.text
    said = words_of(hands.get("/work_report/docx").data)
    assert "一、脱贫户住房安全保障“回头看”工作进展" in said
    assert "蓝田县住房和城乡建设局" in said
    assert re.search(r"截至\d{4}年\d{1,2}月\d{1,2}日；", said), "a day, without a time"
    pdf = hands.get(f"/work_report/pdf?region={county}")
    assert pdf.data.startswith(b"%PDF")
    assert hands.get("/work_report/?since=2199-01-01").status_code == 400
    assert hands.get("/work_report/pdf?since=x").status_code == 400
    assert hands.get(f"/work_report/docx?region={far}").status_code == 404
    assert hands.get("/work_report/xlsx").status_code == 404
    with app.app_context(), unscoped("tests look") as session:
        query = select(AuditEntry.detail).where(AuditEntry.act == Act.EXPORT)
        forms = {detail["work_report"] for detail in session.scalars(query)}
    assert forms == {"docx", "pdf"}
