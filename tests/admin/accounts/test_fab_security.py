"""FAB's security manager: what it asks about rights is answered from the policy, its rows are kept."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, current_app
from flask_appbuilder.cli import fab
from flask_appbuilder.security.sqla.models import PermissionView, Role, ViewMenu
from sqlalchemy import event, func, select

from app.access import roles
from app.access.accounts import tokens
from app.access.actor import SYSTEM, Capability, RegisterAccess
from app.access.roles import right
from app.access.scope import acting_as, unscoped
from app.core.db import db
from tests.builders import COUNTY_MANAGER, COUNTY_READER, account, actor, actor_of, region


def manager() -> Any:
    return current_app.extensions["appbuilder"].sm


@pytest.fixture
def statements(session: Any) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def counts() -> list[int]:
    """Rows of permissions, of views and of what roles hold."""
    with unscoped("tests count rights") as wide:
        rows = [
            wide.scalar(select(func.count()).select_from(model)) or 0
            for model in (PermissionView, ViewMenu)
        ]
        return [*rows, sum(map(len, roles.in_force(wide).values()))]


def test_access_is_what_the_policy_says_without_a_statement(
    session: Any, statements: list[str]
) -> None:
    may, reads = actor(COUNTY_MANAGER), actor(COUNTY_READER)
    statements.clear()
    with acting_as(may):
        assert manager().has_access("can_enter", "lookback")
        assert manager().has_access("can_settings", SYSTEM)
        assert not manager().has_access("can_enter", "nothing")
        assert not manager().has_access("enter", "lookback")  # the name of an action is no right
        assert not manager().has_access("can_list", "lookback")
        assert manager().get_user_menu_access(["one", "two"]) == {"one", "two"}
    with acting_as(reads):
        assert manager().has_access("can_search", "lookback")
        assert not manager().has_access("can_enter", "lookback")
    assert not manager().has_access("can_search", "lookback")
    assert not manager().is_item_public("can_search", "lookback")
    assert statements == []


def test_a_token_has_access_to_what_it_is_for(session: Any) -> None:
    owner = actor_of(account(COUNTY_MANAGER))
    reads = tokens.narrowed(
        owner, {"lookback": RegisterAccess.READ}, region("610122"), "民政数据交换"
    )
    with acting_as(reads):
        assert manager().has_access("can_search", "lookback")
        assert not manager().has_access("can_enter", "lookback")
        assert not manager().has_access("can_search", "craftsman")
        assert not manager().has_access("can_settings", SYSTEM)


def test_permissions_of_a_view_are_added_and_none_removed(
    session: Any, statements: list[str]
) -> None:
    before = counts()
    manager().add_permissions_view(["can_search", "can_enter"], "contractor")
    manager().add_permissions_view(["can_export"], "contractor")
    assert counts() == [before[0] + 3, before[1] + 1, before[2]]
    statements.clear()
    manager().add_permissions_view(["can_search", "can_export"], "contractor")
    manager().add_permissions_menu("contractors")
    assert [sent for sent in statements if not sent.lstrip().startswith(("SELECT", "BEGIN"))] == []
    assert not session.scalar(select(Role.id).where(Role.name == "Admin"))


def run(app: Flask, *arguments: str) -> str:
    done = app.test_cli_runner().invoke(fab, args=arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_cleaning_up_deletes_nothing_of_ours(app: Flask) -> None:
    with app.app_context():
        before = counts()
    for command in ("create-permissions", "security-cleanup", "security-converge"):
        run(app, command)
    with app.app_context():
        assert counts() == before


def test_cleaning_up_deletes_what_nobody_asks_for(app: Flask) -> None:
    with app.app_context():
        before = counts()
        with unscoped("tests give a right on something that is gone") as wide:
            key = next(iter(roles.lock(wide).values()))
            roles.give(
                wide, key, {right(Capability.SEARCH, "gone"), right(Capability.ENTER, "gone")}
            )
            wide.commit()
    run(app, "security-cleanup")
    with app.app_context():
        assert counts() == before


def test_cleaning_up_in_a_program_without_a_module(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its subjects were recorded by a deploy of the whole program."""
    with app.app_context():
        before = counts()
        monkeypatch.setattr("app.admin.accounts.pages.security.all_registers", lambda: ())
        manager().security_cleanup([], None)
        db.session.rollback()
        assert counts() == before


def test_converging_moves_nothing_off_a_subject_of_ours(app: Flask) -> None:
    """A view that says that it was called as a register is."""

    view = SimpleNamespace(
        class_permission_name="contractor", previous_class_permission_name="lookback",
        base_permissions=["can_search"], method_permission_name={}, previous_method_permission_name={},
    )  # fmt: skip
    with app.app_context():
        one = account(COUNTY_MANAGER)
        manager().security_converge([view], [])
        db.session.rollback()
        assert actor_of(one).has(Capability.SEARCH, "lookback")
        assert actor_of(one).has(Capability.SEARCH, "contractor")
