"""What the kernel keeps of a record follows its files; what checks say stands on form and page."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from PIL import Image

from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.kernel.declare.flow import State
from app.kernel.declare.quality import Severity
from app.kernel.declare.rules import Problem
from app.kernel.figures import counters
from app.kernel.records import files, save
from app.kernel.records.files import Sent
from app.kernel.rows.record import Standing
from app.modules.surveys.lookback.register import LOOKBACK
from tests import builders as b
from tests.clicks import click


def counts_files(row: Any) -> None:
    """A field of the kernel that says whether the record has files."""
    row.standing = Standing.COUNTED if save.attachments_of(row) else None


def picture() -> io.BytesIO:
    made = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(made, "JPEG")
    made.seek(0)
    return made


def stored(key: Any) -> Any:
    with unscoped("tests look") as session:
        return session.get_one(LOOKBACK.model, key)


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOOKBACK, "derives", (counts_files,))


@pytest.mark.usefixtures("session", "following")
def test_photos_that_come_and_go_make_no_new_version() -> None:
    _home, survey = b.household(state=State.DRAFT)
    field = next(n for n, made in LOOKBACK.fields.items() if made.accept == "photo")
    before = stored(survey.id)
    with b.acting(b.VILLAGE_CLERK) as actor:
        received = files.receive(LOOKBACK, survey.id, field, Sent(picture(), "门牌.jpg"))
        sent = click(files.add, LOOKBACK, survey.id, received)
        after = stored(survey.id)
        assert (after.standing, after.version) == (Standing.COUNTED, before.version)
        row = save.get(LOOKBACK, survey.id)
        click(files.arrange, LOOKBACK, row, [str(sent.id)], [])
        gone = stored(survey.id)
        assert (gone.standing, gone.version) == (None, before.version)
        db.session.expunge_all()
        with acting_as(actor):  # the form that was open meanwhile
            saved = click(
                save.save,
                LOOKBACK,
                survey.id,
                b.own_house() | {"phone": "13800000009"},
                before.version,
            )
        assert saved.version == before.version + 1
    with unscoped("counters are proved over all rows") as session:
        live = counters.live_counts(session, LOOKBACK)
        assert live == counters.kept_counts(session, LOOKBACK)


def odd_phone(_row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    if values.get("phone") == "13800000009":
        yield Problem("phone", "phone.odd", "这个号码像是随便写的。", Severity.QUESTIONABLE)


@pytest.mark.one_database
def test_a_check_that_warns_forbids_nothing_and_stands_on_form_and_page(
    as_account: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOOKBACK, "checks", (*LOOKBACK.checks, odd_phone))
    _home, survey = b.household(state=State.DRAFT)
    hands = as_account(b.VILLAGE_CLERK)
    said = "这个号码像是随便写的。"
    assert said not in hands.get(f"/lookback/{survey.id}").text
    with b.acting(b.VILLAGE_CLERK):
        db.session.rollback()
        click(
            save.save, LOOKBACK, survey.id, b.own_house() | {"phone": "13800000009"}, survey.version
        )
    assert said in hands.get(f"/lookback/{survey.id}").text
    assert said in hands.get(f"/lookback/{survey.id}/edit").text


@pytest.mark.one_database
def test_pages_tell_of_a_number_elsewhere_without_noting_that_somebody_asked(
    as_account: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def asks(_row: Any, _values: Any) -> Iterator[Problem]:
        from app.access.scope import current_actor

        actor = current_actor()
        assert actor is not None
        asked.append(actor.in_job)
        yield from ()

    monkeypatch.setattr(LOOKBACK, "checks", (asks,))
    _home, survey = b.household(state=State.DRAFT)
    as_account(b.VILLAGE_CLERK).get(f"/lookback/{survey.id}")
    with b.acting(b.VILLAGE_CLERK):
        db.session.rollback()
        click(
            save.save, LOOKBACK, survey.id, b.own_house() | {"phone": "13800000009"}, survey.version
        )
    assert asked == [True, False]
