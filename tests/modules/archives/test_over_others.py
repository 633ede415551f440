"""Rules of archives over other archives: the same number in two households, the same phone in three, the same
name where nobody has a number, the same photo twice. What is kept equals what a recount gives.
"""

from __future__ import annotations

import io
import random
import uuid
from typing import Any

import pytest
from flask import Flask

from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.clock import uuid7
from app.core.db import db
from app.core.errors import Invalid
from app.core.transactions import transaction
from app.kernel.figures import counters
from app.kernel.figures.comparing import proving, settling
from app.kernel.records import creations, files, hiding, steps
from app.kernel.records import save as records
from app.kernel.records.files import Sent
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders as b
from tests.clicks import click
from tests.jobs import run_waiting
from tests.modules.archives import test_archives as archives
from tests.modules.archives.test_archives import FAR, reviewed, values
from tests.worked_example import picture

NUMBER, PHONE, NAME = "head_id.shared", "phone.shared", "head_name.shared"
PHOTO = "face_shown.same_photo"
CALL = "13909180000"


@pytest.fixture
def manager(session: Any) -> Any:
    return b.account(b.COUNTY_MANAGER)


def made(*who: Any, **said: Any) -> uuid.UUID:
    """The key of an archive that is entered."""
    key: uuid.UUID = archives.made(*who, **said).id
    db.session.rollback()
    return key


def number(n: int) -> dict[str, Any]:
    return {"head_id": b.id_number(n)}


def found(*keys: uuid.UUID) -> list[set[str]]:
    """Which of these rules each record breaks."""
    with unscoped("tests look") as session:
        kept = [session.get_one(Archive, key) for key in keys]
        return [set(row.broken or ()) & ARCHIVE.shared.keys() for row in kept]


def proved() -> None:
    with unscoped("what is kept equals what a recount gives") as session:
        assert proving.wrong(session, ARCHIVE) == []
        assert counters.live_counts(session, ARCHIVE) == counters.kept_counts(session, ARCHIVE)


def saved(who: Any, key: uuid.UUID, **said: Any) -> None:
    with acting_as(b.actor_of(who)), transaction():
        records.save(ARCHIVE, key, said, records.get(ARCHIVE, key).version)
    db.session.rollback()


def deleted(who: Any, key: uuid.UUID) -> None:
    with acting_as(b.actor_of(who)), transaction():
        hiding.hide(ARCHIVE, key, records.get(ARCHIVE, key).version, "重复录入")
    db.session.rollback()


def photographed(who: Any, key: uuid.UUID, content: bytes) -> str:
    """The key of a photo that is sent."""
    with acting_as(b.actor_of(who)):
        received = files.receive(ARCHIVE, key, "photos_before", Sent(io.BytesIO(content), "前.jpg"))
        sent = str(click(files.add, ARCHIVE, key, received).id)
    db.session.rollback()
    return sent


def worked(app: Flask) -> None:
    """What was left to jobs is done."""
    run_waiting(app, settling.KIND)


def test_a_number_in_two_households_is_an_error_of_both(manager: Any) -> None:
    first = made(manager, plan_year=2015)
    again = made(manager, plan_year=2016)
    assert found(first, again) == [set(), set()], "one household has several archives"
    far = b.account(b.COUNTY_MANAGER, b.seat(Level.COUNTY, FAR))
    other = made(far, b.seat(Level.VILLAGE, FAR), plan_year=2017, head_name="李四")
    assert found(first, again, other) == [{NUMBER}] * 3
    with unscoped("tests look") as session:
        assert "error" in session.get_one(Archive, first).severities
        assert session.get_one(Archive, first).version == 1, "that is no new version"
    proved()
    saved(far, other, head_name="张建国")
    assert found(first, again, other) == [set()] * 3
    proved()


def test_a_phone_of_three_households_is_questionable(manager: Any) -> None:
    rows = [made(manager, **number(n), phone=CALL) for n in (1, 2)]
    rows.append(made(manager, **number(2), phone=CALL, plan_year=2016))
    assert found(*rows) == [set()] * 3, "two of them are one household's"
    rows.append(made(manager, **number(3), phone=CALL))
    assert found(*rows) == [{PHONE}] * 4
    proved()
    saved(manager, rows[3], phone="13909180001")
    assert found(*rows) == [set()] * 4
    saved(manager, rows[3], phone="123")
    assert found(*rows) == [set()] * 4, "what is no phone is nobody's"
    proved()


def test_a_name_without_a_number_is_questionable_where_the_village_has_it(manager: Any) -> None:
    nobody = {"head_id": None, "no_number": True, "no_number_why": "未办理"}
    first = made(manager)
    elsewhere = made(manager, b.seat(Level.TOWN), **nobody)
    other_year = made(manager, **nobody, plan_year=2016)
    assert found(first, elsewhere, other_year) == [set()] * 3
    same = made(manager, **nobody)
    assert found(first, same) == [set(), {NAME}], "who has a number is known by it"
    saved(manager, same, **number(5) | {"no_number": False, "no_number_why": None})
    assert found(first, same) == [set(), set()]
    proved()


def test_a_photo_that_stands_twice_is_questionable(app: Flask, manager: Any) -> None:
    one, other = made(manager, **number(1)), made(manager, **number(2))
    same = picture()
    _first, second = photographed(manager, one, same), photographed(manager, other, same)
    assert found(one, other) == [{PHOTO}, {PHOTO}]
    proved()
    with acting_as(b.actor_of(manager)), transaction():
        files.arrange(ARCHIVE, records.get(ARCHIVE, other, lock=True), [second], [])
    db.session.rollback()
    assert found(one, other) == [set(), set()]
    proved()


def test_a_photo_that_was_deleted_is_no_second_one(app: Flask, manager: Any) -> None:
    """Nor is it one after who says what was read anew."""
    one, other = made(manager, **number(1)), made(manager, **number(2))
    same = picture()
    photographed(manager, one, same)
    deleted(manager, one)
    assert proving.everywhere(ARCHIVE) == 0
    photographed(manager, other, same)
    assert found(one, other) == [set(), set()]
    proved()


def test_of_many_who_share_a_job_sees_to_the_others(
    app: Flask, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "AT_ONCE", 1)
    rows = [made(manager, **number(n), phone=CALL) for n in range(1, 4)]
    assert found(*rows) == [set(), set(), {PHONE}]
    worked(app)
    assert found(*rows) == [{PHONE}] * 3
    proved()


def test_an_error_of_others_forbids_to_submit_by_the_click_that_saves(manager: Any) -> None:
    reviewed(b.COUNTY, wanted=True)
    made(manager)
    place = b.seat(Level.VILLAGE)
    said = values(head_name="李四", plan_year=2014, approved_on=None)
    with acting_as(b.actor_of(manager)), transaction():
        row = creations.new(ARCHIVE, uuid7(), place.id, said)
        with pytest.raises(Invalid) as refused:
            steps.transition(ARCHIVE, row.id, "submit", row.version, b.CONTACT)
    assert [p.code for p in refused.value.problems] == [NUMBER]


def test_what_is_deleted_is_shared_with_nobody(manager: Any) -> None:
    rows = [made(manager, **number(n), phone=CALL) for n in range(1, 4)]
    deleted(manager, rows[2])
    assert found(*rows[:2]) == [set(), set()]
    proved()


@pytest.mark.parametrize("seed", range(3))
def test_after_random_work_what_is_kept_is_what_a_recount_gives(
    app: Flask, manager: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick = random.Random(seed)
    monkeypatch.setattr(settling, "AT_ONCE", 3)
    rows: list[uuid.UUID] = []

    def said() -> dict[str, Any]:
        return {
            "head_name": pick.choice(["张三", "李四"]),
            "phone": pick.choice([CALL, "13909180001", "1", None]),
            "no_number": pick.random() < 0.4,
        }

    for year in range(2008, 2027):
        if len(rows) < 4 or pick.random() < 0.5:
            once = {"head_id": b.id_number(pick.randrange(4)), "plan_year": year}
            rows.append(made(manager, **said() | once))
        elif pick.random() < 0.8:
            saved(manager, pick.choice(rows), **said())
        else:
            deleted(manager, rows.pop(pick.randrange(len(rows))))
    worked(app)
    proved()
    assert proving.everywhere(ARCHIVE) == 0, "nothing is to be mended"
    assert any(found(*rows)), "something is shared"
