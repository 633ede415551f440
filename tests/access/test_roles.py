"""What roles hold: which rights count, the matrix merged in at deploys, what managers changed kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import policy, roles
from app.access.actor import SYSTEM, Capability, Duty, Kind
from app.access.divisions.regions import Level
from app.access.policy import role_name
from app.access.roles import RoleDefault, right
from app.access.scope import unscoped
from app.kernel.declare.register import all_registers
from tests.builders import (
    CITY,
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    TOWN_CLERK,
    TOWN_MANAGER,
    Who,
    account,
    actor,
    actor_of,
)

C = Capability
COUNTY_ROLE = role_name(Level.COUNTY, Kind.MANAGER)


def names() -> list[str]:
    return [register.name for register in all_registers()]


@contextmanager
def everything() -> Iterator[Session]:
    with unscoped("tests change roles") as session:
        yield session
        session.commit()


def change(who: Who, *, given: tuple[str, ...] = (), taken: tuple[str, ...] = ()) -> None:
    """What a manager does to the role of a level and kind, or to that of the duty that it has."""
    name = who.duties[0].zh if who.duties else role_name(who.level, who.kind)
    with everything() as session:
        key = roles.lock(session)[name]
        roles.give(session, key, given)
        roles.take(session, key, taken)


def deploy(registers: list[str] | None = None, *, whole: bool = True) -> None:
    with everything() as session:
        roles.sync(session, registers or names(), whole=whole)


def held(role: str) -> set[str]:
    with unscoped("tests look at roles") as session:
        return roles.in_force(session)[role]


# ---- which of them count -------------------------------------------------------------------


def test_a_right_that_is_taken_from_a_role_is_gone_at_the_next_request(session: Any) -> None:
    one = account(COUNTY_MANAGER)
    assert actor_of(one).has(C.EXPORT, "lookback")
    change(COUNTY_MANAGER, taken=(right(C.EXPORT, "lookback"),))
    assert not actor_of(one).has(C.EXPORT, "lookback")
    assert actor_of(one).has(C.EXPORT, "household")


def test_a_right_that_is_given_within_the_ceiling_counts(session: Any) -> None:
    """A city may enter on grant, so its role may be given it."""
    one = account(CITY)
    assert not actor_of(one).has(C.ENTER, "lookback")
    change(CITY, given=(right(C.ENTER, "lookback"),))
    assert actor_of(one).areas(C.ENTER, "lookback") == (one.path,)
    assert not actor_of(one).has(C.ENTER, "household")


@pytest.mark.parametrize(
    ("who", "capability", "subject"),
    [
        (CITY, C.REVIEW, "lookback"),
        (TOWN_CLERK, C.EXPORT, "lookback"),
        (COUNTY_READER, C.MANAGE_USERS, SYSTEM),
        (COUNTY_READER, C.SETTINGS, SYSTEM),
    ],
    ids=str,
)
def test_a_right_beyond_the_ceiling_counts_for_nothing(
    session: Any, who: Who, capability: Capability, subject: str
) -> None:
    change(who, given=(right(capability, subject),))
    assert right(capability, subject) in held(role_name(who.level, who.kind))
    assert not actor(who).has(capability, subject)


def test_a_duty_gives_only_what_duties_may(session: Any) -> None:
    change(COUNTY_REVIEWER, given=(right(C.SPOT_CHECK, "lookback"), right(C.EXPORT, "lookback")))
    acting = actor(COUNTY_REVIEWER)
    assert acting.has(C.REVIEW, "lookback")
    assert not acting.has(C.SPOT_CHECK, "lookback")  # which its role may be given, no duty
    assert not acting.has(C.EXPORT, "lookback")


def test_a_duty_does_not_bring_back_what_the_role_lost(session: Any) -> None:
    one = account(Who(Level.COUNTY, Kind.MANAGER, (Duty.REVIEWER,)))
    change(COUNTY_MANAGER, taken=(right(C.REVIEW, "lookback"),))
    assert not actor_of(one).has(C.REVIEW, "lookback")


def test_a_duty_loses_what_is_taken_from_it(session: Any) -> None:
    change(COUNTY_REVIEWER, taken=(right(C.REVIEW, "lookback"),))
    acting = actor(COUNTY_REVIEWER)
    assert not acting.has(C.REVIEW, "lookback")
    assert acting.has(C.REVIEW, "household")


def test_a_role_that_is_none_of_ours_gives_nothing(session: Any) -> None:
    one = account(COUNTY_READER)
    with everything() as wide:
        strange = Role(name="Admin")
        wide.add(strange)
        wide.flush()
        roles.give(wide, strange.id, {right(C.ENTER, "lookback"), right(C.AUDIT)})
        wide.merge(one).roles.append(strange)
    assert actor_of(one).capabilities == actor(COUNTY_READER).capabilities


def test_accounts_with_the_same_roles_but_other_registers_are_kept_apart(session: Any) -> None:
    closed = actor(TOWN_MANAGER, registers={})
    reads = actor(TOWN_MANAGER, registers={"lookback": "read"})
    assert not closed.has(C.SEARCH, "lookback")
    assert reads.has(C.SEARCH, "lookback")
    assert not reads.has(C.ENTER, "lookback")
    assert actor(TOWN_MANAGER).has(C.ENTER, "lookback")


def test_a_generated_view_is_open_whatever_the_list_of_registers(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "VIEWS", {"contractor": "施工单位"})
    deploy()
    acting = actor(TOWN_MANAGER, registers={"lookback": "read"})
    assert acting.has(C.ENTER, "contractor")
    assert not acting.has(C.REVIEW, "contractor")
    assert not acting.has(C.ENTER, "lookback")


# ---- the merge -----------------------------------------------------------------------------


def test_what_a_deploy_gave_is_recorded(session: Any) -> None:
    recorded: dict[str, set[str]] = {}
    with unscoped("tests look at roles") as wide:
        for one in wide.scalars(select(RoleDefault)):
            recorded.setdefault(one.role, set()).add(one.right)
        in_force = roles.in_force(wide)
    assert recorded == {role: rights for role, rights in in_force.items() if rights}
    assert recorded == {role: rights for role, rights in roles.defaults(names()).items() if rights}


def test_what_a_manager_changed_is_still_so_after_a_deploy(session: Any) -> None:
    given, taken = right(C.ENTER, "lookback"), right(C.EXPORT, "lookback")
    change(CITY, given=(given,), taken=(taken,))
    deploy()
    deploy()
    role = role_name(Level.CITY, Kind.MANAGER)
    assert given in held(role)
    assert taken not in held(role)
    with unscoped("tests look at roles") as wide:
        assert roles.changed(wide, names()) == {role: ({given}, {taken})}


def test_new_code_gives_and_takes_and_leaves_the_rest(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(COUNTY_MANAGER, taken=(right(C.REVIEW, "lookback"),))
    key = (Level.COUNTY, Kind.MANAGER)
    monkeypatch.setitem(policy.MATRIX, key, policy.MATRIX[key] - {C.EXPORT} | {C.CHECK})
    monkeypatch.setattr(policy, "VIEWS", {"contractor": "施工单位"})
    deploy()
    now = held(COUNTY_ROLE)
    assert {right(C.CHECK, "lookback"), right(C.ENTER, "contractor")} <= now
    assert not any(name.startswith("can_export:") for name in now)
    assert right(C.REVIEW, "lookback") not in now
    assert right(C.REVIEW, "household") in now


def test_what_a_manager_gave_and_the_code_gives_later_is_there_once(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = right(C.ENTER, "lookback")
    change(CITY, given=(one,))
    key = (Level.CITY, Kind.MANAGER)
    with monkeypatch.context() as patched:
        patched.setitem(policy.MATRIX, key, policy.MATRIX[key] | {C.ENTER})
        deploy()
    assert one in held(role_name(*key))
    deploy()  # the code gives it no more
    assert one not in held(role_name(*key))


def test_a_role_that_the_code_has_no_more_loses_what_deploys_gave_it(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(policy.MATRIX, (Level.COUNTY, Kind.MANAGER))
    deploy()
    assert held(COUNTY_ROLE) == set()


def test_a_program_without_a_module_leaves_its_rights_alone(session: Any) -> None:
    before = held(COUNTY_ROLE)
    change(COUNTY_MANAGER, taken=(right(C.EXPORT, "craftsman"),))
    deploy([name for name in names() if name != "craftsman"], whole=False)
    deploy()
    assert held(COUNTY_ROLE) == before - {right(C.EXPORT, "craftsman")}
