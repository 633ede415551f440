"""What is looked for in archives: each rule with a good case and a bad one, in Python as in SQL; nothing of
it forbids saving.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from decimal import Decimal
from typing import Any

import pytest

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import today, uuid7
from app.core.transactions import transaction
from app.kernel.declare.quality import Severity
from app.kernel.figures import counters, rejudging
from app.kernel.records import creations
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.modules.archives.choices import (
    ArchiveStructure,
    ArchiveWay,
    BuiltBy,
    HouseOwner,
    OldDecade,
    PovertyKind,
    RenovationReason,
    SubsidyKind,
)
from app.modules.archives.model import Archive
from app.modules.archives.quality import RULES
from app.modules.archives.register import ARCHIVE
from tests import builders as b
from tests.hands import Hands

INCOMPLETE, ERROR, QUESTIONABLE = Severity
D = Decimal
#: An archive that is completed, and right.
RIGHT: dict[str, Any] = {
    "head_name": "张建国", "head_id": b.id_number(901), "village_group": "一组", "population": 3,
    "ethnicity": "01", "poverty_kind": PovertyKind.ALLOWANCE, "disabled_poor": False,
    "income": D(9000), "old_decade": OldDecade.SEVENTIES, "old_area": D(45),
    "old_structure": ArchiveStructure.ADOBE, "phone": "13909180000",
    "reason": RenovationReason.D, "way": ArchiveWay.REBUILD, "built_by": BuiltBy.SELF,
    "structure": ArchiveStructure.BRICK_CONCRETE, "area": D(60), "owner": HouseOwner.HOUSEHOLD,
    "plan_year": 2015, "approved_on": dt.date(2015, 4, 1), "started_on": dt.date(2015, 5, 1),
    "completed_on": dt.date(2015, 9, 1), "accepted": True, "subsidy_kind": SubsidyKind.CENTRAL,
    "invested": D(50_000), "subsidy": D(20_000), "loan": D(0), "own_funds": D(30_000),
    "demonstration": False, "photos_before": [1], "photos_during": [1], "photos_after": [1],
    "face_shown": True,
}  # fmt: skip
TOMORROW = today() + dt.timedelta(days=1)
#: What breaks each rule, and what is as near to that as can be and does not.
CASES: dict[str, tuple[Severity, dict[str, Any], dict[str, Any]]] = {
    "head_id.required": (
        INCOMPLETE,
        {"head_id": None},
        {"head_id": None, "no_number": True, "no_number_why": "未办理"},
    ),
    "head_id.invalid": (ERROR, {"head_id": "610122197001010011"}, {}),
    "phone.invalid": (ERROR, {"phone": "123"}, {"phone": "029-86964499"}),
    "photos_after.required": (INCOMPLETE, {"photos_after": []}, {"completed_on": None}),
    "photos_during.required": (
        INCOMPLETE,
        {"photos_during": []},
        {"photos_during": [], "way": ArchiveWay.EXCHANGE},
    ),
    "approved_on.required": (INCOMPLETE, {"approved_on": None}, {}),
    "approved_on.late": (ERROR, {"approved_on": TOMORROW}, {"approved_on": today()}),
    "approved_on.other_year": (
        ERROR,
        {"approved_on": dt.date(2014, 12, 31)},
        {"approved_on": dt.date(2015, 1, 1)},
    ),
    "started_on.early": (
        ERROR,
        {"started_on": dt.date(2015, 3, 31)},
        {"started_on": dt.date(2015, 4, 1)},
    ),
    "started_on.late": (ERROR, {"started_on": TOMORROW}, {"started_on": today()}),
    "started_on.skipped": (INCOMPLETE, {"started_on": None}, {}),
    "started_on.before_plan": (
        QUESTIONABLE,
        {"started_on": dt.date(2014, 12, 31)},
        {"started_on": dt.date(2016, 1, 1)},
    ),
    "completed_on.early": (
        ERROR,
        {"completed_on": dt.date(2015, 4, 30)},
        {"completed_on": dt.date(2015, 5, 1)},
    ),
    "completed_on.late": (ERROR, {"completed_on": TOMORROW}, {"completed_on": today()}),
    "completed_on.before_approval": (
        ERROR,
        {"completed_on": dt.date(2015, 3, 1), "started_on": None},
        {"completed_on": dt.date(2015, 4, 1), "started_on": None},
    ),
    "completed_on.after_next_year": (
        QUESTIONABLE,
        {"completed_on": dt.date(2017, 1, 1)},
        {"completed_on": dt.date(2016, 12, 31)},
    ),
    "completed_on.fast": (
        QUESTIONABLE,
        {"completed_on": dt.date(2015, 5, 15)},
        {"completed_on": dt.date(2015, 5, 16)},
    ),
    "way.repaired_d": (
        QUESTIONABLE,
        {"way": ArchiveWay.REPAIR},
        {"way": ArchiveWay.REPAIR, "reason": RenovationReason.C},
    ),
    "way.rebuilt_c": (
        QUESTIONABLE,
        {"reason": RenovationReason.C},
        {"reason": RenovationReason.OTHER},
    ),
    "area.low": (ERROR, {"area": D(-1)}, {"area": D(0)}),
    "area.large": (
        QUESTIONABLE,
        {"area": D("60.01")},
        {"area": D("60.01"), "reason": RenovationReason.C, "way": ArchiveWay.REPAIR},
    ),
    "area.small": (QUESTIONABLE, {"area": D("39.99")}, {"area": D(40)}),
    "invested.low": (ERROR, {"invested": D(-1)}, {}),
    "invested.sum": (
        ERROR,
        {"invested": D("50001.01")},
        {"invested": D(50_001), "xinjiang_aid": D("0.5")},
    ),
    "invested.few": (
        QUESTIONABLE,
        {"invested": D(999), "subsidy": D(999), "own_funds": D(0)},
        {"invested": D(1000), "subsidy": D(1000), "own_funds": D(0)},
    ),
    "invested.many": (
        QUESTIONABLE,
        {"invested": D(500_001), "own_funds": D(480_001)},
        {"invested": D(500_000), "own_funds": D(480_000)},
    ),
    "photos_before.taken_late": (
        QUESTIONABLE,
        {"before_taken": dt.date(2015, 5, 2)},
        {"before_taken": dt.date(2015, 5, 1)},
    ),
    "photos_after.taken_early": (
        QUESTIONABLE,
        {"after_taken": dt.date(2015, 8, 31)},
        {"after_taken": dt.date(2015, 9, 1)},
    ),
    "face_shown.nobody": (INCOMPLETE, {"face_shown": False}, {}),
    "face_shown.missing": (
        INCOMPLETE,
        {"face_shown": None},
        {"face_shown": None, "old_decade": OldDecade.HOUSELESS}
        | {"started_on": None, "completed_on": None},
    ),
}


#: What is so though no field says it: what breaks the rule, and what is as near as can be and does not.
FACTS: dict[str, tuple[Severity, dict[str, Any], dict[str, Any]]] = {
    "border.required": (INCOMPLETE, {"@archive.border": True}, {"@archive.border": False}),
    "border.elsewhere": (
        QUESTIONABLE,
        {"border": True},
        {"border": True, "@within:66": True},
    ),
    "xinjiang_aid.missing": (
        INCOMPLETE,
        {"@within:65": True},
        {"@within:65": True, "xinjiang_aid": D(0)},
    ),
    "xinjiang_aid.elsewhere": (
        QUESTIONABLE,
        {"xinjiang_aid": D(0)},
        {"xinjiang_aid": D(0), "@within:65": True},
    ),
    "approved_on.other_year": (
        ERROR,
        {"approved_on": dt.date(2016, 1, 1)},
        {"approved_on": dt.date(2016, 1, 1), "@archive.tolerance": 1},
    ),
    "completed_on.fast": (
        QUESTIONABLE,
        {"started_on": dt.date(2015, 8, 10), "@archive.fast_days": 23},
        {"started_on": dt.date(2015, 8, 10), "@archive.fast_days": 22},
    ),
    "area.large": (
        QUESTIONABLE,
        {"area": D(60), "@archive.area_few_high": 59},
        {"area": D(100), "@archive.area_few_high": 100},
    ),
    "poverty_kind.unoffered": (
        QUESTIONABLE,
        {"poverty_kind": PovertyKind.GENERAL},
        {"poverty_kind": PovertyKind.OTHER_POOR},
    ),
}


def codes(**more: Any) -> dict[str, Severity]:
    said = dict.fromkeys(ARCHIVE.fields) | RIGHT | more
    result = ARCHIVE.rules.evaluate(said)
    return {problem.code: problem.severity for problem in result.problems}


def test_what_is_right_breaks_no_rule() -> None:
    assert codes() == {}


@pytest.mark.parametrize("code", CASES)
def test_each_rule(code: str) -> None:
    severity, bad, good = CASES[code]
    assert codes(**bad).get(code) == severity
    assert code not in codes(**good)


@pytest.mark.parametrize("code", FACTS)
def test_each_rule_that_asks_where_a_record_lies(code: str) -> None:
    severity, bad, good = FACTS[code]
    assert codes(**bad).get(code) == severity
    assert code not in codes(**good)


@pytest.mark.parametrize(
    ("year", "offered"),
    [
        (2016, "five_guarantees allowance other_poor"),
        (2017, "allowance registered destitute disabled"),
        (2020, "allowance registered destitute disabled"),
        (2021, "allowance destitute relapse stricken borderline exited general"),
        (None, " ".join(PovertyKind)),
    ],
)
def test_kinds_of_poverty_by_plan_year(year: int | None, offered: str) -> None:
    told = {
        kind.value for kind in PovertyKind
        if "poverty_kind.unoffered" not in codes(plan_year=year, poverty_kind=kind)
    }  # fmt: skip
    assert told == set(offered.split())


@pytest.mark.parametrize(
    ("population", "least", "most"),
    [(1, "20", "60"), (2, "30", "60"), (3, "40", "60"), (4, "52", "72"), (7, "91", "126")],
)
def test_areas_by_the_size_of_the_family(population: int, least: str, most: str) -> None:
    cent = D("0.01")
    for area, code in ((D(least) - cent, "area.small"), (D(most) + cent, "area.large")):
        assert codes(population=population, area=area) == {code: QUESTIONABLE}
    for area in (D(least), D(most)):
        assert codes(population=population, area=area) == {}


def test_every_rule_of_its_own_is_tried_and_says_where_it_comes_from() -> None:
    own = {f"{name}.{check.code}" for name, checks in RULES.items() for check in checks}
    assert own - ARCHIVE.shared.keys() <= CASES.keys() | FACTS.keys()
    for code in own | ARCHIVE.quality.rulings.keys():
        made = ARCHIVE.rules.declared[code]
        assert made.source, code
        assert made.remedy, code


def test_nothing_forbids_saving_and_sql_says_the_same(session: Any) -> None:
    """Every bad case is saved, with what it breaks; the job over all finds nothing to mend."""
    who = b.account(b.COUNTY_MANAGER)
    place = b.seat(Level.VILLAGE)
    files = {name for name in RIGHT if name.startswith("photos")}
    made = []
    with acting_as(b.actor_of(who)), transaction():
        for number, (code, (_severity, bad, _good)) in enumerate(CASES.items()):
            said = {n: v for n, v in (RIGHT | bad).items() if n in ARCHIVE.fields.keys() - files}
            alone = {
                "head_id": b.id_number(700 + number), "phone": f"139091800{number:02}",
                "head_name": f"张{number}",
            }  # fmt: skip
            said |= {name: value for name, value in alone.items() if name not in bad}
            made.append((code, creations.new(ARCHIVE, uuid7(), place.id, said)))
    for code, row in made:
        assert code in row.broken or code.startswith("photos"), code
    with unscoped("counters are proved over all rows") as rows:
        assert rejudging.wrong(rows, ARCHIVE) == []
        live = counters.live_counts(rows, ARCHIVE)
        assert live == counters.kept_counts(rows, ARCHIVE)
        assert rows.get_one(Archive, made[0][1].id).severities == (INCOMPLETE,)
    county = b.region(b.COUNTY, Level.COUNTY).id
    assert live["area-small", county] == 2, "of less than nothing, too"
    assert live["error@2015", county] == live["error", county]


def test_photos_tell_when_they_were_taken(session: Any) -> None:
    """The last of before and the first of after, whenever one comes or goes: that is no new version."""
    who = b.actor(b.COUNTY_MANAGER)
    said = {n: v for n, v in RIGHT.items() if not n.startswith("photos")}
    with acting_as(who), transaction():
        row = creations.new(ARCHIVE, uuid7(), b.seat(Level.VILLAGE).id, said)
    days = {"photos_before": (dt.date(2015, 4, 2), dt.date(2015, 6, 1)),
            "photos_after": (dt.date(2015, 8, 1), dt.date(2015, 9, 9))}  # fmt: skip
    for field, taken in days.items():
        for file, day in zip(b.attach(row, field, field, register="archive"), taken, strict=True):
            with unscoped("tests date photos") as wide:
                found = wide.get_one(Attachment, file.id)
                found.taken_at = dt.datetime.combine(day, dt.time(12))
                wide.commit()
    late = {"photos_before.taken_late", "photos_after.taken_early"}
    with acting_as(who):
        with transaction():
            row = records.get(ARCHIVE, row.id)
            version = row.version
            records.follow_files(ARCHIVE, row)
        assert (row.before_taken, row.after_taken) == (dt.date(2015, 6, 1), dt.date(2015, 8, 1))
        assert late <= set(row.broken)
        assert row.version == version
        with transaction():
            row = records.get(ARCHIVE, row.id)
            for file in records.attachments_of(row):
                session.delete(file)
            records.follow_files(ARCHIVE, row)
        assert (row.before_taken, row.after_taken) == (None, None)
        assert late.isdisjoint(row.broken)


def test_pages_show_findings_beside_their_fields_and_count_them_by_rule(app: Any) -> None:
    """What is wrong, how grave that is, where the rule comes from and how it is mended."""
    said = {n: v for n, v in RIGHT.items() if not n.startswith("photos")} | {"area": D(39)}
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    with app.app_context():
        who = b.actor(b.COUNTY_MANAGER)
        with acting_as(who), transaction():
            row = creations.new(ARCHIVE, uuid7(), b.seat(Level.VILLAGE).id, said)
    page = hands.get(f"/archive/{row.id}").text
    field = page[page.index('id="read-area"') :]
    field = field[: field.index("</div>")]
    for text in (
        "质疑",
        "低于本省标准",
        "请核对改造后房屋面积和家庭人数。",
        "国家规定的改造面积标准",
    ):
        assert text in field, text
    assert "data-judged" in hands.get(f"/archive/{row.id}/edit").text
    table = hands.get("/archive/statistics/rules?year=2015&kind=central").text
    assert 'href="/archive/statistics/quality" class="is-here" aria-current="page"' in table, (
        "its place in the menu"
    )
    lines = table[table.index("<tbody") : table.index("</tbody>")].split("</tr>")[:-1]
    found = ["figure=" in line for line in lines]
    assert found == sorted(found, reverse=True), "rules that records break stand first"
    assert {*found} == {True, False}
    line = table[table.index("改造后房屋面积低于本省标准") :]
    line = line[: line.index("</tr>")]
    assert "质疑" in line
    link = re.search(
        r'href="([^"]*figure=area-small@2015/central[^"]*)"[^>]*>1<', html.unescape(line)
    )
    assert link
    assert "张建国" in hands.get(link[1]).text
    assert "张建国" not in hands.get("/archive/query?broken=area.large").text
    assert "张建国" in hands.get("/archive/query?broken=area.small&severities=questionable").text


def test_a_form_that_comes_back_tells_of_what_was_given(app: Any) -> None:
    """What stops the save by its server, what forbids nothing by its script."""
    hands = Hands(app, b.sign_in(app, b.COUNTY_MANAGER))
    assert "data-judged" not in hands.get("/archive/new").text
    answer = hands.post(
        "/archive/new", {"key": str(uuid7()), "head_id": "12345", "population": "三"}
    )
    assert answer.status_code == 422
    assert 'data-judged="given"' in answer.text
    assert "请填写整数，不要带单位。" in answer.text
    assert 'value="12345"' in answer.text
