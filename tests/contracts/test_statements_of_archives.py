"""The number of statements of what archives brought: combined searches, corrections, quotas, ranks, and why."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask

from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import now, today, uuid7
from app.core.db import db
from app.kernel.quotas.rows import Quota
from app.kernel.rows.correction import CorrectedRow, Correction, Fate, StandingRule
from app.modules.archives.choices import ArchiveStage, ArchiveWay
from app.modules.archives.register import ARCHIVE
from tests import specimens
from tests.builders import COUNTY, COUNTY_MANAGER, MINISTRY, actor, below, region, sign_in
from tests.contracts.conftest import grown, statements
from tests.contracts.test_statements import FORM, LIST

YEAR = today().year
OF = f"year={YEAR}&kind=central"
FOUND = "where=way:any:repair&where=or&where=region:within:{town},{county}"
BROKEN: tuple[tuple[str, ...], ...] = (
    (), ("income.required",), ("phone.required",), ("income.required", "phone.required"),
)  # fmt: skip
#: Page, by whom, at most how many statements.
PAGES = [
    (f"/archive/query?{FOUND}", COUNTY_MANAGER, LIST),
    (f"/archive/query?{FOUND}", MINISTRY, LIST),
    (f"/archive/query/compose?{FOUND}", COUNTY_MANAGER, LIST),
    (f"/archive/query/correct?{FOUND}", COUNTY_MANAGER, LIST),
    ("/archive/query/correct?field=village_group", COUNTY_MANAGER, LIST),
    ("/archive/corrections", COUNTY_MANAGER, LIST),
    ("/archive/corrections/{correction}", COUNTY_MANAGER, LIST),
    ("/archive/standing", COUNTY_MANAGER, LIST),
    ("/archive/deleted", COUNTY_MANAGER, LIST),
    ("/quotas/archive/", COUNTY_MANAGER, LIST),
    ("/quotas/archive/", MINISTRY, LIST),
    (f"/archive/statistics/why/incomplete?region={{town}}&{OF}", COUNTY_MANAGER, LIST),
    (f"/archive/statistics/why/completed?region={{town}}&{OF}", COUNTY_MANAGER, LIST),
    (f"/archive/statistics/why/incomplete?region={{county}}&{OF}", MINISTRY, LIST),
    ("/archive/statistics/ranking", COUNTY_MANAGER, LIST),
    ("/archive/statistics/progress", COUNTY_MANAGER, LIST),
    ("/archive/statistics/quality", MINISTRY, LIST),
    ("/archive/statistics/analysis", MINISTRY, LIST),
    ("/archive/statistics/rules", COUNTY_MANAGER, LIST),
    ("/archive/statistics/rules?region={town}", COUNTY_MANAGER, LIST),
    ("/archive/statistics/key", COUNTY_MANAGER, LIST),
    ("/", COUNTY_MANAGER, FORM),
    ("/", MINISTRY, FORM),
]


def fill(count: int, first: int, correction: uuid.UUID) -> None:
    """Archives in several villages with findings, left alone by a correction; corrections, rules."""
    county = region(COUNTY)
    villages = [below(county, Level.VILLAGE, nth) for nth in range(5)]
    place = {"register": "archive", "region_id": county.id, "path": county.path}
    told = {"reason": "核对台账", "account_name": "t 账号"}
    rows: list[Any] = []
    for n in range(first, first + count):
        broken = BROKEN[n % 4]
        archive = specimens.blank(
            ARCHIVE, villages[n % 5], head_name=f"户{n:04}", plan_year=YEAR,
            subsidy_kind="central", progress=list(ArchiveStage)[n % 3], way=list(ArchiveWay)[n % 2],
            village_group=f"{n % 20}组", broken=broken, severities=("incomplete",) if broken else (),
        )  # fmt: skip
        group = {"field": "village_group"} | place | told
        rows += [
            archive,
            CorrectedRow(
                correction_id=correction, position=n + 1, record_id=archive.id, fate=Fate.SKIPPED,
            ),
            StandingRule(old=f"{n}组", new="一组", **group),
            _correction(uuid7(), **group),
        ]  # fmt: skip
    with unscoped("tests fill pages") as session:
        session.add_all(rows)
        session.commit()


def _correction(key: uuid.UUID, **columns: Any) -> Correction:
    return Correction(
        id=key, pairs=[["二组", "一组"]], asked=[], subject="全部", account_id=uuid7(),
        seen_at=now(), **columns,
    )  # fmt: skip


def _given() -> uuid.UUID:
    """Quotas from the province down to the towns, and a correction that left records alone."""
    county = region(COUNTY)
    key = uuid7()
    with acting_as(actor(MINISTRY)):
        givers = [one for one in regions.along(county.path) if one.level >= Level.PROVINCE]
        pairs = [(giver.id, one.id) for giver in givers for one in regions.children(giver)]
    db.session.rollback()  # on SQLite one session writes at a time
    with unscoped("tests fill pages") as session:
        session.add_all(
            Quota(
                register="archive", giver_id=giver, region_id=one, year=YEAR, kind="central", n=100
            )
            for giver, one in pairs
        )
        session.add(
            _correction(
                key, register="archive", region_id=county.id, path=county.path,
                field="village_group", reason="核对台账", account_name="t 账号",
            )
        )  # fmt: skip
        session.commit()
    return key


@pytest.mark.usefixtures("counted")
def test_statements_do_not_grow_with_archives(app: Flask) -> None:
    clients = {who: sign_in(app, who) for who in {who for _, who, _ in PAGES}}
    with app.app_context():
        county = region(COUNTY)
        said = {"county": county.id, "town": below(county, Level.TOWN).id, "correction": _given()}
        fill(25, 0, said["correction"])

    def ask() -> list[int]:
        counts = []
        for page, who, _ in PAGES:
            url = page.format(**said)
            response = clients[who].get(url)
            assert response.status_code == 200, url
            counts.append(statements(response))
        return counts

    ask()  # lists of choices and such are read once
    few = ask()
    with app.app_context():
        fill(175, 25, said["correction"])
    many = ask()
    assert grown(PAGES, few, many) == []
