"""通知: told to a division once, read by each of its accounts for itself."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.actor import Actor
from app.access.divisions.regions import Region
from app.access.scope import acting_as, unscoped
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from tests import builders as b
from tests.admin.conftest import AsAccount
from tests.clicks import click
from tests.test_deploy import migrate


def told(place: Region, n: int, kind: NoticeKind = NoticeKind.CERTIFICATES) -> None:
    with unscoped("tests arrange") as session:
        for number in range(n):
            made = notices.tell(
                session, place.id, kind, "/craftsman/list", place="甲县", n=f"{number}"
            )
            made.at = now() - dt.timedelta(minutes=n - number)
        session.commit()


def unread(actor: Actor) -> list[str]:
    with acting_as(actor):
        return [one.values["n"] for one in notices.unseen(db.session(), actor)]


def test_what_one_account_has_read_is_new_for_another(session: object) -> None:
    told(b.region(b.COUNTY), 3)
    one, other, away = b.actor(b.COUNTY_MANAGER), b.actor(b.COUNTY_REVIEWER), b.actor(b.CITY)
    assert unread(one) == unread(other) == ["2", "1", "0"]
    with acting_as(one):
        newest, middle, _oldest = notices.unseen(db.session(), one)
        for _again in range(2):
            click(notices.take_note, db.session(), one, newest.id)
    assert (unread(one), unread(other), unread(away)) == (["1", "0"], ["2", "1", "0"], [])
    with acting_as(away), pytest.raises(NotFound):
        notices.take_note(db.session(), away, newest.id)
    with acting_as(other):
        click(notices.take_note_of_all, db.session(), other, middle.at)
    assert (unread(one), unread(other)) == (["1", "0"], ["2"]), "the newest came after that page"


def test_what_is_for_managers_is_new_to_managers_alone(session: object) -> None:
    told(b.region(b.COUNTY), 1, NoticeKind.OFFICERS)
    manager, reviewer = b.actor(b.COUNTY_MANAGER), b.actor(b.COUNTY_REVIEWER)
    assert (unread(manager), unread(reviewer)) == (["0"], [])


@pytest.mark.one_database
def test_the_tile_counts_what_the_pages_show(app: Flask, as_account: AsAccount) -> None:
    with app.app_context():
        told(b.region(b.COUNTY), 121)
    manager, reviewer = as_account(b.COUNTY_MANAGER), as_account(b.COUNTY_REVIEWER)
    assert tile(manager.get("/").text) == 121
    shown = [
        found
        for page in range(1, 8)
        for found in re.findall(
            r'row-link">甲县有(\d+)名', manager.get(f"/notices/?page={page}").text
        )
    ]
    assert shown == [str(n) for n in reversed(range(121))]
    manager.post("/language/en")
    english = manager.get("/notices/").text
    assert "Mark all as read" in english
    assert "1–20" in english
    manager.post("/language/zh")
    last = manager.get("/notices/?page=7").text
    assert (
        manager.get("/notices/?page=99").text.count("row-action") == last.count("row-action") == 1
    )
    (seen,) = re.findall(r'action="(/notices/[0-9a-f-]{36}/seen)"', last)
    assert manager.post(seen).status_code == 302
    assert (tile(manager.get("/").text), tile(reviewer.get("/").text)) == (120, 121)
    (whole,) = re.findall(r'action="(/notices/seen\?until=[^"]+)"', manager.get("/notices/").text)
    assert manager.post(whole).status_code == 302
    assert "/notices/" not in doors(manager.get("/").text)
    assert "没有未读通知" in manager.get("/notices/").text
    assert tile(reviewer.get("/").text) == 121
    for wrong in ("", "2026-11-30", "昨天", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"):
        assert reviewer.post(f"/notices/seen?{urlencode({'until': wrong})}").status_code == 400
    assert reviewer.get("/notices/?page=0").status_code == 400


def doors(page: str) -> str:
    return page[page.index("<main") :]


def tile(page: str) -> int:
    found = re.search(r'href="/notices/".*?<b>([\d,]+)</b>', page, re.DOTALL)
    assert found
    return int(found[1].replace(",", ""))


def test_what_was_read_before_stays_read(database_url: str) -> None:
    """Notices that a division had taken note of are not new again to the accounts that it has."""
    engine = create_engine(database_url)
    migrate(database_url, "db", "upgrade", "0038")
    with engine.begin() as connection:
        for statement in (
            (
                "INSERT INTO region (id, level, code, national_code, name, full_name, path, sort, initials,"
                " structural, department) VALUES (7, 3, '61', '61', '县', '县', '0.07.', 0, 'X', false, '')"
            ),
            (
                "INSERT INTO ab_user (id, first_name, last_name, username, email, uuid, kind, level, region_id,"
                " must_change_password, demo) VALUES"
                f" (1, '甲', '', 'a', 'a', '{'1' * 32}', 'manager', 3, 7, false, false),"
                f" (2, '乙', '', 'b', 'b', '{'2' * 32}', 'ordinary', 3, 7, false, false)"
            ),
            (
                'INSERT INTO notice (id, region_id, kind, "values", url, at, seen_at, seen_by) VALUES'
                f" ('{'a' * 32}', 7, 'officers', '{{}}', '', '2026-01-01', '2026-01-02', '{'1' * 32}'),"
                f" ('{'b' * 32}', 7, 'officers', '{{}}', '', '2026-01-01', NULL, NULL)"
            ),
        ):
            connection.execute(text(statement))
    migrate(database_url, "db", "upgrade", "0039")
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT notice_id, account_id FROM notice_seen")).all()
    told = {(str(one).replace("-", ""), str(who).replace("-", "")) for one, who in seen}
    assert told == {("a" * 32, "1" * 32), ("a" * 32, "2" * 32)}
    migrate(database_url, "db", "downgrade", "0038")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM notice WHERE seen_at IS NULL")) == 1
    engine.dispose()
