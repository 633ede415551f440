"""永久保存: a deleted archive is nowhere but in the county's list of them, from which it is restored."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select

from app.access import policy
from app.access.accounts import unusual
from app.access.actor import Capability
from app.access.audit.log import Act, AuditEntry
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.transactions import transaction
from app.kernel.declare import feed
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.households import audit_words
from app.kernel.records import creations, hiding, history
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.modules.archives.model import Archive
from app.modules.archives.register import ARCHIVE
from tests import builders
from tests.hands import Hands
from tests.modules.archives.test_archives import NUMBER, made, reviewed, told, values

WHY = "重复录入，系误操作"


@pytest.fixture
def manager(session: Any) -> Any:
    return builders.account(builders.COUNTY_MANAGER)


def hide(who: Any, row: Archive, why: str = WHY) -> None:
    done(hiding.hide, who, row, why)


def restore(who: Any, row: Archive, why: str = "当时删错了") -> None:
    done(hiding.restore, who, row, why)


def done(act: Any, who: Any, row: Archive, why: str) -> None:
    """By this account, which has looked at the row as it is."""
    seen = stored(row)
    try:
        with acting_as(builders.actor_of(who)), transaction():
            act(ARCHIVE, seen.id, seen.version, why)
    finally:
        forget()


def forget() -> None:
    """What the session holds: the next request knows nothing of it."""
    db.session.rollback()
    db.session.expunge_all()


def stored(row: Archive) -> Archive:
    """As the database has it, whoever may see it."""
    forget()
    with unscoped("tests look") as wide:
        found = wide.get_one(Archive, inspect(row).identity)
        wide.expunge_all()
        return found


def counted() -> dict[Any, int]:
    """What the counters keep of archives; they are right."""
    with unscoped("tests count") as wide:
        kept = counters.kept_counts(wide, ARCHIVE)
        assert kept == counters.live_counts(wide, ARCHIVE)
        return kept


def hands(app: Flask, who: Any) -> Hands:
    return Hands(app, builders.sign_in(app, who))


def test_a_delete_hides_and_says_why(manager: Any) -> None:
    row = made(manager)
    before = counted()
    assert before
    hide(manager, row)
    kept = stored(row)
    assert (kept.hidden_why, kept.unique_key, kept.head_id) == (WHY, None, NUMBER)
    assert kept.hidden_by.startswith(manager.username)
    assert counted() == {}
    with acting_as(builders.actor_of(manager)):
        assert db.session.scalars(select(Archive)).all() == []
        with pytest.raises(NotFound):
            records.get(ARCHIVE, row.id)
    with unscoped("tests look") as wide:
        [entry] = wide.scalars(select(AuditEntry).where(AuditEntry.act == Act.DELETE))
    assert (entry.record_id, audit_words.full(entry)) == (row.id, f"原因：{WHY}")
    restore(manager, row)
    assert counted() == before
    back = stored(row)
    assert (back.hidden_on, back.hidden_by, back.hidden_why) == (None, None, None)
    assert back.unique_key == f"{NUMBER}|2015"
    with unscoped("tests look") as wide:
        [entry] = wide.scalars(select(AuditEntry).where(AuditEntry.act == Act.RESTORE))
    assert audit_words.full(entry) == "原因：当时删错了"
    with acting_as(builders.actor_of(manager)):
        steps = [(e.label, e.opinion) for e in history.of(records.get(ARCHIVE, row.id))]
    assert steps == [("删除", WHY), ("恢复", "当时删错了")]


def test_its_files_are_hidden_with_it_and_come_back(manager: Any) -> None:
    row = made(manager)
    [file] = builders.attach(row, "photos_before", register="archive")
    clerk = builders.account(builders.TOWN_CLERK)
    hide(manager, row)
    with unscoped("tests look") as wide:
        assert wide.get_one(Attachment, file.id).hidden_on is not None
    with acting_as(builders.actor_of(clerk)):
        assert db.session.scalars(select(Attachment)).all() == []
    restore(manager, row)
    with acting_as(builders.actor_of(clerk)):
        assert [one.id for one in db.session.scalars(select(Attachment))] == [file.id]


@pytest.mark.parametrize("why", ["", "  ", "长" * 1001])
def test_it_takes_a_reason(manager: Any, why: str) -> None:
    row = made(manager)
    with pytest.raises(Invalid) as refused:
        hide(manager, row, why)
    assert [p.field for p in refused.value.problems] == [hiding.REASON]
    hide(manager, row)
    with pytest.raises(Invalid):
        restore(manager, row, why)
    assert stored(row).hidden_why == WHY


def test_who_deletes_and_who_restores(manager: Any) -> None:
    """Who enters deletes; the county's manager restores, nobody of the town, nobody above."""
    row = made(manager)
    town = builders.account(builders.TOWN_MANAGER)
    with pytest.raises(Forbidden):
        hide(builders.account(builders.TOWN_CLERK), row)
    hide(town, row)
    for who in (builders.TOWN_MANAGER, builders.COUNTY_REVIEWER, builders.CITY, builders.MINISTRY):
        other = builders.account(who)
        with pytest.raises((Forbidden, NotFound)):
            restore(other, row)
        assert not policy.may(Capability.RESTORE, "archive", actor=builders.actor_of(other))
    next_county = builders.region(builders.NEXT_COUNTY)
    neighbour = builders.account(builders.COUNTY_MANAGER, next_county)
    with pytest.raises(NotFound):
        restore(neighbour, row)
    restore(manager, row)
    with pytest.raises(Conflict, match="没有被删除"):
        restore(manager, row)


def test_it_is_erased_by_no_way(manager: Any) -> None:
    row = made(manager)
    with acting_as(builders.actor_of(manager)), pytest.raises(Conflict, match="永久保存"):
        records.clear(ARCHIVE, row.id, row.version)
    assert stored(row).hidden_on is None


def test_what_waits_or_is_approved_is_not_deleted(manager: Any) -> None:
    reviewed(builders.COUNTY, wanted=True)
    row = made(manager)
    forget()
    with unscoped("tests approve") as wide:
        wide.get_one(Archive, row.id).state = State.APPROVED
        wide.commit()
    with pytest.raises(Conflict):
        hide(manager, row)


def test_another_one_may_be_made_and_then_stands_in_the_way(manager: Any) -> None:
    first = made(manager)
    hide(manager, first)
    second = made(manager)
    there = f"/archive/{second.id}"
    assert told(manager).url == there
    with pytest.raises(Invalid, match="已有一份") as refused:
        restore(manager, first)
    [problem] = refused.value.problems
    assert (problem.url, problem.code) == (there, "head_id.there")
    hide(manager, second)
    restore(manager, first)
    assert stored(first).unique_key == f"{NUMBER}|2015"


def test_a_form_that_comes_again_after_the_delete_makes_nothing(manager: Any) -> None:
    row = made(manager)
    hide(manager, row)
    with acting_as(builders.actor_of(manager)), pytest.raises(Conflict, match="已被删除"):
        creations.create(ARCHIVE, row.id, row.region_id, values())


def test_deleting_is_counted_as_deleting(manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[unusual.What] = []
    monkeypatch.setattr(unusual, "count", seen.append)
    hide(manager, made(manager))
    assert seen == [unusual.What.ADDITIONS, unusual.What.DELETIONS]


# ---- pages -----------------------------------------------------------------------------------


def entered(app: Flask) -> tuple[Any, Archive]:
    """An archive, and the county's manager who entered it."""
    with app.app_context():
        manager = builders.account(builders.COUNTY_MANAGER)
        return manager, made(manager)


def test_pages_of_others_know_nothing_of_it(app: Flask) -> None:
    manager, row = entered(app)
    with app.app_context():
        [file] = builders.attach(row, "photos_before", register="archive")
    name = row.head_name
    town = hands(app, builders.TOWN_MANAGER)
    asked = "/archive/query", "/archive/entry", f"/archive/query?head_id={NUMBER}"
    assert all(name in town.get(url).text for url in asked)
    with app.app_context():
        hide(manager, row)
    assert town.get(f"/files/{file.id}").status_code == 404
    assert not any(name in town.get(url).text for url in asked)
    assert name not in town.get("/archive/query?menu=deleted").text
    for url in ("", "/edit"):
        assert town.get(f"/archive/{row.id}{url}").status_code == 404
    assert town.get("/archive/deleted").status_code == 403
    assert "已删除的农户档案" not in town.get("/").text


def test_the_county_sees_the_list_the_page_and_restores(app: Flask) -> None:
    manager, row = entered(app)
    county = hands(app, manager)
    page = f"/archive/{row.id}"
    assert f'action="{page}/hide"' in county.get(page).text
    form = {"version": str(row.version), "opinion": ""}
    refused = county.post(f"{page}/hide", form)
    assert (refused.status_code, "请填写删除原因" in refused.text) == (422, True)
    beside = re.findall(r'class="field-error" id="opinion-(\w+)-errors"', refused.text)
    assert beside == ["hide"], "and not beside 退回整改, which the page offers too"
    assert county.post(f"{page}/hide", form | {"opinion": WHY}).status_code == 302
    listed = county.get("/archive/deleted").text
    assert page in listed
    assert WHY in listed
    assert not any(word in listed for word in ("导出当前筛选的台账", "打印", "批量更正"))
    assert county.get("/archive/deleted/correct").status_code == 404
    assert row.head_name not in county.get("/archive/query").text
    shown = county.get(page).text
    assert WHY in shown
    assert f'action="{page}/bring_back"' in shown
    assert f"{page}/edit" not in shown
    assert f"{page}/print/" not in shown, "what was deleted is printed no more"
    revealed = county.post(f"{page}/reveal?field=head_id", {})
    assert (revealed.status_code, NUMBER in revealed.text) == (200, True)
    assert county.get(f"{page}/edit").status_code == 404
    with app.app_context():
        second = made(manager)
        version = stored(row).version
    form = {"version": str(version), "opinion": "删错了"}
    refused = county.post(f"{page}/bring_back", form)
    assert refused.status_code == 422
    assert f'href="/archive/{second.id}"' in refused.text
    assert f"/audit/of/archive/{row.id}" in shown
    assert county.get(f"/audit/of/archive/{row.id}").status_code == 200


def test_what_a_review_left_behind_is_deleted_like_any_other(app: Flask) -> None:
    """Approved while the county wanted a review, which it does no more."""
    manager, row = entered(app)
    with app.app_context(), unscoped("tests approve") as wide:
        wide.get_one(Archive, row.id).state = State.APPROVED
        wide.commit()
    page = f"/archive/{row.id}"
    assert f'action="{page}/hide"' in hands(app, manager).get(page).text
    with app.app_context():
        hide(manager, row)
        assert stored(row).hidden_why == WHY


# ---- interface ---------------------------------------------------------------------------------


def test_the_interface_hides_and_tells_of_it(app: Flask) -> None:
    manager, row = entered(app)
    with app.app_context():
        _token, secret = builders.api_token(manager, archive="enter")
    client, head = app.test_client(), {"Authorization": f"Bearer {secret}"}
    url = f"/api/v1/archive/{row.id}"
    bare = client.delete(url, headers=head, json={"version": row.version})
    assert (bare.status_code, "/reason" in bare.text) == (422, True)
    said = {"version": row.version, "reason": WHY}
    assert client.delete(url, headers=head, json=said).status_code == 204
    assert client.get(url, headers=head).status_code == 404
    assert client.get("/api/v1/archive", headers=head).json["items"] == []
    with app.app_context():
        version = stored(row).version
    bare = client.post(f"{url}/restore", headers=head, json={"version": version})
    assert (bare.status_code, "/reason" in bare.text) == (422, True)
    said = {"version": version, "reason": "当时删错了"}
    back = client.post(f"{url}/restore", headers=head, json=said)
    assert (back.status_code, back.json["id"]) == (200, str(row.id))
    assert client.post(f"{url}/restore", headers=head, json=said).status_code == 409
    assert len(client.get("/api/v1/archive", headers=head).json["items"]) == 1


def test_the_feed_tells_what_was_deleted_and_restored(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SETTLED", dt.timedelta(seconds=-1))
    manager, row = entered(app)
    with app.app_context():
        _token, secret = builders.api_token(manager, archive="read")
        hide(manager, row)
        gone = stored(row)

    def items() -> list[dict[str, Any]]:
        head = {"Authorization": f"Bearer {secret}"}
        url = "/api/v1/archive/changes?since=2020-01-01"
        found: list[dict[str, Any]] = app.test_client().get(url, headers=head).json["items"]
        return found

    [item] = items()
    assert (item["id"], item["version"], item["deleted"]) == (str(row.id), gone.version, True)
    assert item.keys() == {"id", "version", "changed_at", "deleted"}
    with app.app_context():
        restore(manager, row)
        version = stored(row).version
    [item] = items()
    assert "deleted" not in item
    assert item["version"] == version > gone.version
