"""The life of a record: save, submit, decide, send back, delete; who may, and what is kept of it
(spec 00 "States of a record", spec 02 "States").
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from app.access.actor import Actor
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.clock import uuid7
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.declare.rules import Problem
from app.kernel.records import drafts
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import Draft
from app.modules.homes.choices import Grade, Living
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    EVERYBODY,
    FILES_OWN,
    NEXT_COUNTY,
    TOWN_CLERK,
    actor,
    attach,
    below,
    complete,
    died,
    full_house,
    household,
    other_home,
    own_house,
    refusals,
    region,
)
from tests.kernel.records.doing import ENTERS, act, audit_of, history, save, set_state, step, stored

# ---- the whole life ------------------------------------------------------------------------


def test_a_whole_life(clerk: Actor, reviewer: Actor, survey: Lookback) -> None:
    key = survey.id
    row = save(clerk, key, own_house(Grade.A) | {"village_group": "一组"}, 1)
    assert (row.state, row.village_group, row.version) == (State.DRAFT, "一组", 2)
    attach(row, *FILES_OWN)
    row = step(clerk, key, "submit", row.version)
    assert row.state == State.SUBMITTED
    assert row.submitted_by == clerk.account_id
    assert row.submitted_at is not None

    row = step(reviewer, key, "return", row.version, opinion=" 照片模糊 ", reasons=("资料不全",))
    assert row.state == State.RETURNED
    assert row.decided_at is not None

    row = save(clerk, key, {"village_group": "二组", "storeys": 1}, row.version)
    assert row.state == State.RETURNED, "saving a returned record leaves it returned"
    row = step(clerk, key, "submit", row.version)
    assert row.decided_at is None
    row = step(reviewer, key, "approve", row.version)
    assert row.state == State.APPROVED

    city = actor(CITY)
    row = step(city, key, "send_back", row.version, opinion="抽查不符")
    assert row.state == State.RECTIFY
    row = act(clerk, records.clear, LOOKBACK, key, row.version)
    assert (row.state, row.storeys, row.submitted_by) == (State.MISSING, None, None)

    steps = history(key)
    assert [(e.step, e.label, e.source, e.target) for e in steps] == [
        ("submit", "上报", State.DRAFT, State.SUBMITTED),
        ("return", "退回补正", State.SUBMITTED, State.RETURNED),
        ("submit", "上报", State.RETURNED, State.SUBMITTED),
        ("approve", "审核通过", State.SUBMITTED, State.APPROVED),
        ("send_back", "退回整改", State.APPROVED, State.RECTIFY),
        ("clear", "删除", State.RECTIFY, State.MISSING),
    ]
    assert [e.account_id for e in steps] == [
        w.account_id for w in (clerk, reviewer, clerk, reviewer, city, clerk)
    ]
    assert (steps[1].person, steps[1].phone) == (CONTACT.person, CONTACT.phone)
    assert (steps[1].opinion, steps[1].reasons) == ("照片模糊", ("资料不全",))
    assert {e.path for e in steps} == {row.path}

    first, second = steps[0].snapshot or {}, steps[2].snapshot or {}
    assert {n for n in first if first[n] != second[n]} == {"village_group", "storeys"}
    assert (first["village_group"], second["village_group"]) == ("一组", "二组")
    assert first["floor_area"] == "120.50"
    assert first["judged_on"] == "2023-05-01"
    assert first["grade"] == "A"
    assert first["died"] == "no"
    assert first["policies"] == ["renovation"]
    assert len(first["front_photos"]) == 1
    assert [e.snapshot for e in steps if e.step != "submit"] == [None] * 4

    entries = audit_of(key)
    assert [e.act for e in entries] == [
        Act.CREATE, Act.TRANSITION, Act.TRANSITION, Act.UPDATE, Act.TRANSITION, Act.TRANSITION,
        Act.TRANSITION, Act.DELETE,
    ]  # fmt: skip
    assert entries[3].detail == {
        "changes": {"village_group": ["一组", "二组"], "storeys": ["2", "1"]}
    }
    assert entries[2].detail["opinion"] == "照片模糊"
    assert entries[2].account_name.startswith(reviewer.login)
    assert {e.path for e in entries} == {row.path}
    assert {e.register for e in entries} == {"lookback"}


# ---- saving --------------------------------------------------------------------------------


def test_an_incomplete_form_is_saved(clerk: Actor, survey: Lookback) -> None:
    row = save(clerk, survey.id, {"died": False, "living": Living.OWN}, 1)
    assert (row.state, row.living) == (State.DRAFT, Living.OWN)


def test_split_without_heads_yet_is_saved(clerk: Actor, survey: Lookback) -> None:
    assert save(clerk, survey.id, {"died": False, "split": True}, 1).split is True


def test_saving_needs_what_the_register_names(clerk: Actor, survey: Lookback) -> None:
    with pytest.raises(Invalid) as refused:
        save(clerk, survey.id, {"living": Living.OWN}, 1)
    assert [p.code for p in refused.value.problems] == ["died.required"]
    assert stored(survey.id).state == State.MISSING


def test_a_wrong_answer_is_not_saved(clerk: Actor, survey: Lookback) -> None:
    text = Problem("storeys", "storeys.parse", "请填写整数，不要带单位。")
    wrong = own_house() | {"phone": "1", "judged_on": dt.date(2020, 1, 1)}
    with pytest.raises(Invalid) as refused:
        save(clerk, survey.id, wrong, 1, parse_problems=[text])
    assert {p.code for p in refused.value.problems} == {
        "storeys.parse", "phone.invalid", "judged_on.early",
    }  # fmt: skip
    row = stored(survey.id)
    assert (row.state, row.phone, row.version) == (State.MISSING, None, 1)
    assert audit_of(survey.id) == []


def test_hidden_answers_are_cleared(clerk: Actor, survey: Lookback) -> None:
    save(clerk, survey.id, full_house(), 1)
    assert stored(survey.id).grade == Grade.C
    save(clerk, survey.id, {"died": True}, 2)
    row = stored(survey.id)
    left = {n for n in LOOKBACK.fields if LOOKBACK.fields[n].stored and getattr(row, n)}
    assert left == {"died"}


def test_hidden_files_are_not_submitted(clerk: Actor, survey: Lookback) -> None:
    """Grade C with photos of its damage becomes grade A: the photos are no part of the survey."""
    complete(survey, own_house(Grade.C), (*FILES_OWN, "risky_photos"))
    save(clerk, survey.id, own_house(Grade.A), stored(survey.id).version)
    step(clerk, survey.id, "submit")
    snapshot = history(survey.id)[-1].snapshot or {}
    assert snapshot["risky_photos"] == []
    assert len(snapshot["front_photos"]) == 1


def test_fields_that_are_not_sent_keep_their_value(clerk: Actor, survey: Lookback) -> None:
    save(clerk, survey.id, other_home(), 1)
    row = save(clerk, survey.id, {"village_group": "三组"}, 2)
    assert (row.living, row.village_group, row.population) == (Living.OTHER, "三组", 4)


def test_an_older_version_conflicts_and_changes_nothing(clerk: Actor, survey: Lookback) -> None:
    save(clerk, survey.id, other_home(), 1)
    other = actor(TOWN_CLERK)
    with pytest.raises(Conflict):
        save(other, survey.id, died(), 1)
    assert stored(survey.id).living == Living.OTHER
    assert stored(survey.id).died is False
    for name in ("submit", "approve"):
        with pytest.raises((Conflict, Forbidden)):
            step(clerk, survey.id, name, 1)


def test_a_form_sent_twice_is_saved_once(clerk: Actor, survey: Lookback) -> None:
    first = save(clerk, survey.id, other_home(), 1)
    again = save(clerk, survey.id, other_home(), 1)
    assert again.version == first.version == 2
    assert [e.act for e in audit_of(survey.id)] == [Act.CREATE]


@pytest.mark.parametrize("state", [State.SUBMITTED, State.APPROVED])
def test_what_waits_or_is_approved_is_read_only(
    clerk: Actor, survey: Lookback, state: State
) -> None:
    complete(survey, died())
    set_state(survey.id, state, clerk.account_id)
    version = stored(survey.id).version
    assert not records.may_edit(LOOKBACK, stored(survey.id), clerk)
    with pytest.raises(Conflict, match="不能修改"):
        save(clerk, survey.id, other_home(), version)
    with pytest.raises(Conflict, match="不能修改"):
        act(clerk, records.clear, LOOKBACK, survey.id, version)


def test_who_may_save(survey: Lookback) -> None:
    complete(survey, died())
    for who in EVERYBODY:
        acting = actor(who)
        enters = who in ENTERS or len(who.duties) == 2
        assert records.may_edit(LOOKBACK, stored(survey.id), acting) is enters
        version = stored(survey.id).version
        if enters:
            save(acting, survey.id, died(), version)
            act(acting, drafts.keep, LOOKBACK, survey.id, version + 1, {})
        else:
            for change in (
                lambda a=acting, v=version: save(a, survey.id, died(), v),
                lambda a=acting, v=version: act(a, records.clear, LOOKBACK, survey.id, v),
                lambda a=acting: act(a, drafts.keep, LOOKBACK, survey.id, 1, {}),
            ):
                with pytest.raises(Forbidden):
                    change()


# ---- deleting ------------------------------------------------------------------------------


def test_clearing(clerk: Actor, survey: Lookback) -> None:
    complete(survey, full_house(), (*FILES_OWN, "risky_photos"))
    row = act(clerk, records.clear, LOOKBACK, survey.id, stored(survey.id).version)
    assert row.state == State.MISSING
    assert (row.head_name, row.head_id) == (survey.head_name, survey.head_id)
    assert not [n for n, f in LOOKBACK.fields.items() if f.stored and getattr(stored(row.id), n)]
    with unscoped("tests look") as everything:
        assert everything.scalars(select(Attachment)).all() == []
    changes = audit_of(survey.id)[-1].detail["changes"]
    assert changes["grade"] == ["C", None]


def test_clearing_twice_is_clearing_once(clerk: Actor, survey: Lookback) -> None:
    complete(survey, died())
    version = stored(survey.id).version
    act(clerk, records.clear, LOOKBACK, survey.id, version)
    act(clerk, records.clear, LOOKBACK, survey.id, version)
    assert [e.step for e in history(survey.id)] == ["clear"]


def test_nothing_entered_cannot_be_cleared(clerk: Actor, survey: Lookback) -> None:
    with pytest.raises(Conflict):
        act(clerk, records.clear, LOOKBACK, survey.id, 1)
    assert history(survey.id) == []


def test_clearing_an_older_version_conflicts(clerk: Actor, survey: Lookback) -> None:
    complete(survey, died())
    with pytest.raises(Conflict):
        act(clerk, records.clear, LOOKBACK, survey.id, 1)
    assert stored(survey.id).died is True


# ---- what is elsewhere ---------------------------------------------------------------------


def test_foreign_and_unknown_records_answer_alike_and_are_noted(clerk: Actor) -> None:
    _, foreign = household(below(region(NEXT_COUNTY), Level.VILLAGE), name="外县户主")
    complete(foreign, died())
    for key in (foreign.id, uuid7()):
        for change in (
            lambda k=key: act(clerk, records.get, LOOKBACK, k),
            lambda k=key: save(clerk, k, died(), 1),
            lambda k=key: act(clerk, records.clear, LOOKBACK, k, 1),
            lambda k=key: step(clerk, k, "submit"),
            lambda k=key: act(clerk, drafts.keep, LOOKBACK, k, 1, {}),
            lambda k=key: step(clerk, k, "take_back"),
        ):
            with pytest.raises(NotFound) as refused:
                change()
            assert "外县户主" not in refused.value.message
    with unscoped("tests look") as everything:
        noted = everything.scalars(select(AuditEntry).where(AuditEntry.act == Act.REFUSED)).all()
    assert refusals() == 12
    assert {e.account_id for e in noted} == {clerk.account_id}


# ---- drafts --------------------------------------------------------------------------------


def test_a_draft_touches_no_record(clerk: Actor, survey: Lookback) -> None:
    act(clerk, drafts.keep, LOOKBACK, survey.id, 1, {"storeys": "两层"})
    act(clerk, drafts.keep, LOOKBACK, survey.id, 1, {"storeys": "三层"})
    draft = act(clerk, drafts.of, clerk, survey.id)
    assert (draft.values, draft.base_version) == ({"storeys": "三层"}, 1)
    row = stored(survey.id)
    assert (row.version, row.state, row.changed_at) == (1, State.MISSING, survey.changed_at)
    assert audit_of(survey.id) == []


def test_a_draft_is_its_accounts_own(clerk: Actor, survey: Lookback) -> None:
    act(clerk, drafts.keep, LOOKBACK, survey.id, 1, {"storeys": "2"})
    other = actor(TOWN_CLERK)
    assert act(other, drafts.of, other, survey.id) is None
    save(other, survey.id, died(), 1)
    assert act(clerk, drafts.of, clerk, survey.id) is not None


def test_a_draft_ends_with_the_save(clerk: Actor, survey: Lookback) -> None:
    act(clerk, drafts.keep, LOOKBACK, survey.id, 1, {"died": "yes"})
    save(clerk, survey.id, died(), 1)
    assert act(clerk, drafts.of, clerk, survey.id) is None
    act(clerk, drafts.keep, LOOKBACK, survey.id, 2, {"died": "no"})
    act(clerk, records.forget_draft, clerk, survey.id)
    with unscoped("tests look") as everything:
        assert everything.scalars(select(Draft)).all() == []


def test_a_refused_save_leaves_the_draft(clerk: Actor, survey: Lookback) -> None:
    act(clerk, drafts.keep, LOOKBACK, survey.id, 1, {"phone": "1"})
    with pytest.raises(Invalid):
        save(clerk, survey.id, {"died": False, "phone": "1"}, 1)
    assert act(clerk, drafts.of, clerk, survey.id).values == {"phone": "1"}


# ---- events, failures ----------------------------------------------------------------------


def test_listeners_run_in_the_transaction_of_the_save(
    clerk: Actor, survey: Lookback, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []
    monkeypatch.setattr(hooks.saved, "listeners", ())
    hooks.saved.listen()(lambda r, row, _changes: heard.append((r.name, row.died)))
    save(clerk, survey.id, died(), 1)
    assert heard == [("lookback", True)]

    def fail(*_told: Any) -> None:
        raise RuntimeError

    hooks.saved.listen()(fail)
    with pytest.raises(RuntimeError):
        save(clerk, survey.id, other_home(), 2)
    assert stored(survey.id).living is None
    assert len(audit_of(survey.id)) == 1
