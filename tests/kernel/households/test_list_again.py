"""A list of households that comes again: twice, later, corrected, only checked before."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import func, select

from app.access.audit.log import Act, AuditEntry
from app.access.scope import unscoped
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.kernel.figures import counters
from app.kernel.rows.household import SearchKey
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders
from tests.kernel.exchange.lists import HEADS, book, row
from tests.kernel.households.importing import Desk, households, marked, notes

#: Rows of a file and what is said of them.
pytestmark = pytest.mark.one_database


@pytest.mark.both_databases
def test_the_same_file_twice_makes_nothing_twice(desk: Desk) -> None:
    rows = [
        row(1), row(2, id_number="", phone="无"), row(3, town="", village=""),
        row(4, id_number="610122197001010029"), row(5, head_name="张三（户主）"),
    ]  # fmt: skip
    assert desk.counts(rows) == {"created": 5, "mended": 1, "flagged": 3}
    assert desk.counts(rows) == {"unchanged": 5, "mended": 1, "flagged": 3}
    assert len(households()) == 5


def test_a_later_list_updates_and_says_so_in_the_audit_log(desk: Desk) -> None:
    desk.counts([row(1), row(2)])
    assert desk.counts([row(1, phone="13700000000", population="6"), row(2)]) == {
        "updated": 1, "unchanged": 1,
    }  # fmt: skip
    first = households()[0]
    assert (first.phone, first.population) == ("13700000000", 6)
    with unscoped("tests look at everything") as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == Act.UPDATE)).one()
        assert entry.detail["changes"]["phone"] == ["13909180001", "13700000000"]
        imports = list(session.scalars(select(AuditEntry).where(AuditEntry.act == Act.IMPORT)))
        assert [e.detail["created"] for e in imports] == [2, 0]
        assert imports[0].account_id == desk.account.uuid


def test_the_marked_workbook_can_be_corrected_and_imported_again(desk: Desk) -> None:
    rows = [
        row(1), row(2, id_number="", phone="无"), row(3, town="", village=""),
        row(4, id_number="610122197001010029"), row(5, head_name="=A1"), row(6, phone="123"),
    ]  # fmt: skip
    result, job = desk.take(book(rows))
    assert (result["created"], result["rejected"], result["flagged"]) == (5, 1, 4)
    workbook = marked(job)
    sheet = workbook.active
    heads = [cell.value for cell in sheet[1]]
    assert heads == [*HEADS, "原行号", "处理结果", "问题说明", "农户编号"]
    commented = {
        (cell.row, heads[cell.column - 1]): cell.comment.text
        for line in sheet.iter_rows(min_row=2)
        for cell in line
        if cell.comment
    }
    assert {(n, head) for n, head in commented} == {
        (2, "身份证号"), (2, "联系电话"), (3, "乡（镇）"), (4, "身份证号"), (5, "户主姓名"),
        (6, "联系电话"),
    }  # fmt: skip
    assert [line[13].value for line in sheet.iter_rows(min_row=2)] == ["3", "4", "5", "6", "7"]

    def fix(line: int, head: str, value: str) -> None:
        sheet.cell(line, heads.index(head) + 1).value = value

    fix(2, "身份证号", builders.id_number(2))
    fix(2, "联系电话", "13909189999")  # together they would change every key but the number
    fix(3, "乡（镇）", "灞源镇")
    fix(3, "村", "秦谷村")
    fix(4, "身份证号", builders.id_number(4))
    fix(5, "户主姓名", "王五")
    fix(6, "联系电话", "13909180006")
    corrected = io.BytesIO()
    workbook.save(corrected)
    corrected.seek(0)
    again, last = desk.take(corrected)
    assert {n: again[n] for n in OUTCOMES} == {
        "created": 1, "updated": 4, "unchanged": 0, "rejected": 0, "mended": 1, "flagged": 0,
    }, notes(last)  # fmt: skip
    assert again["workbook"] is None
    homes = {home.issued_name: home for home in households()}
    assert len(homes) == 6
    assert not any(home.findings for home in homes.values())
    second = homes["王二"]
    assert (second.issued_id, second.corrected_id, second.head_id) == (
        None, builders.id_number(2), builders.id_number(2),
    )  # fmt: skip
    assert homes["王四"].issued_id == "610122197001010029"
    assert homes["王三"].path.count(".") == homes["王一"].path.count(".")
    with unscoped("tests look at everything") as session:
        survey = session.scalars(
            select(LOOKBACK.model).where(LOOKBACK.model.household_id == second.id)
        ).one()
        assert survey.head_id == builders.id_number(2)
        assert counters.live_counts(session, LOOKBACK) == counters.kept_counts(session, LOOKBACK)
    corrected.seek(0)
    assert desk.take(corrected)[0]["unchanged"] == 5
    # and the first list, still wrong, finds the households that were put right
    assert desk.counts(rows) == {"unchanged": 5, "rejected": 1, "flagged": 4}


def test_a_slipped_household_key_is_refused(desk: Desk) -> None:
    _, job = desk.take(book([row(1, phone=""), row(2, phone="")]))
    workbook = marked(job)
    sheet = workbook.active
    sheet["Q2"].value, sheet["Q3"].value = sheet["Q3"].value, sheet["Q2"].value
    slipped = io.BytesIO()
    workbook.save(slipped)
    slipped.seek(0)
    result, job = desk.take(slipped)
    assert result["rejected"] == 2
    assert sum("农户编号与该户不符" in note for note in notes(job)) == 2


def test_a_household_stays_in_its_village(desk: Desk) -> None:
    desk.counts([row(1)])
    before = households()[0].path
    result, job = desk.take(book([row(1, village="磨岔村委会")]))
    assert (result["unchanged"], result["flagged"]) == (1, 1)
    assert "迁户" in notes(job)[0]
    assert households()[0].path == before


def test_a_dry_run_writes_nothing_and_tells_the_same(desk: Desk) -> None:
    rows = [row(1), row(2, phone=""), row(3, county="没有县"), row(4, head_name=" 王 四 ")]
    planned = desk.counts(rows, dry_run=True)
    assert households() == []
    with unscoped("tests look at everything") as session:
        assert session.scalar(select(func.count()).select_from(SearchKey)) == 0
        assert counters.kept_counts(session, LOOKBACK) == {}
    assert desk.counts(rows) == planned == {"created": 3, "rejected": 1, "mended": 1, "flagged": 1}


@pytest.mark.both_databases
def test_all_or_nothing(desk: Desk) -> None:
    rows = [row(1), row(2, county="没有县")]
    assert desk.counts(rows, whole=True) == {"rejected": 1}
    assert households() == []
    assert desk.counts([row(1), row(2, phone="")], whole=True) == {"created": 2, "flagged": 1}
    assert len(households()) == 2
