"""FAB's security manager: what it asks about rights is answered from the policy, its rows are kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, current_app
from flask_appbuilder.cli import fab
from flask_appbuilder.security.sqla.models import PermissionView, Role, ViewMenu
from sqlalchemy import event, func, select

from app.access import roles
from app.access.account import Account
from app.access.accounts import tokens
from app.access.actor import SYSTEM, Capability, Kind, RegisterAccess
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level
from app.access.policy import role_name
from app.access.roles import right
from app.access.scope import acting_as, unscoped
from app.core.db import db
from tests.builders import (
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    account,
    actor,
    actor_of,
    region,
)
from tests.running.programs import ROOT


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


# ---- what FAB's commands tell and do -------------------------------------------------------

ENTER, REVIEW = right(Capability.ENTER, "lookback"), right(Capability.REVIEW, "lookback")
CITY_ROLE = role_name(Level.CITY, Kind.MANAGER)


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        ("create-user", "flask accounts create"),
        ("create-admin", "flask accounts create"),
        ("reset-password", "flask accounts reset"),
        ("create-db", "flask deploy"),
    ],
)
def test_what_would_write_past_our_rules_refuses_and_names_ours(
    app: Flask, monkeypatch: pytest.MonkeyPatch, command: str, ours: str
) -> None:
    given = ["--username", "x", "--password", "y", "--anything", "z"]
    for locale, said in (("zh_CN", "请改用"), ("en_US", "Use"), (None, "Use")):
        monkeypatch.setattr("locale.getlocale", lambda _of, name=locale: (name, "UTF-8"))
        done = app.test_cli_runner().invoke(fab, args=[command, *given])
        assert done.exit_code == 1
        assert ours in done.output
        assert said in done.output
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Account)) == 0


@pytest.mark.one_database
def test_it_refuses_too_where_flask_finds_fabs_own_command(database_url: str) -> None:
    """As a shell calls it: the command is known before the program is."""
    arguments = ["--username", "x", "--firstname", "x", "--lastname", "x", "--email", "x@x.invalid"]
    done = subprocess.run(
        [sys.executable, "-m", "flask", "fab", "create-admin", *arguments, "--password", "secret"],
        cwd=ROOT, env=os.environ | {"DATABASE_URL": database_url, "SECRET_KEY": "only for tests"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "flask accounts create" in done.stderr
    assert "Traceback" not in done.stderr


def test_users_and_views_are_told_as_they_are(app: Flask) -> None:
    with app.app_context():
        one = account(COUNTY_REVIEWER)
    told = run(app, "list-users")
    assert f"username:{one.username} " in told
    (line,) = [text for text in told.splitlines() if one.username in text]
    named = line.partition("role:[")[2].rstrip("]").split(", ")
    assert sorted(named) == sorted(role.name for role in one.roles)
    assert "View:LookbackView | Route:/lookback" in run(app, "list-views")


def test_roles_go_out_and_come_in_and_nothing_changes(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "roles.json"
    run(app, "export-roles", "--path", str(file))
    exported = {role["name"]: role["permissions"] for role in json.loads(file.read_text())}
    with app.app_context():
        before = roles_now()
    assert {name: len(rights) for name, rights in exported.items()} == {
        name: len(rights) for name, rights in before.items()
    }
    run(app, "import-roles", "--path", str(file))
    with app.app_context():
        assert roles_now() == before
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def roles_now() -> roles.Rights:
    with unscoped("tests look at roles") as wide:
        return roles.in_force(wide)


def exported(tmp_path: Path, **given: list[str]) -> str:
    file = tmp_path / "roles.json"
    told = [
        {"name": role, "permissions": [
            {"permission": {"name": one.partition(":")[0]}, "view_menu": {"name": one.partition(":")[2]}}
            for one in rights
        ]}
        for role, rights in given.items()
    ]  # fmt: skip
    file.write_text(json.dumps(told))
    return str(file)


def test_what_comes_in_is_given_and_told(app: Flask, tmp_path: Path) -> None:
    run(app, "import-roles", "--path", exported(tmp_path, **{CITY_ROLE: [ENTER]}))
    with app.app_context():
        assert ENTER in roles_now()[CITY_ROLE]
        entry = db.session.scalars(select(AuditEntry)).one()
        assert entry.detail == {"role": CITY_ROLE, "given": [ENTER], "taken": []}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({CITY_ROLE: [ENTER], "市级普通用户": [REVIEW]}, "不能有这些权限"),
        ({CITY_ROLE: [ENTER], "Admin": [ENTER]}, "没有这个角色"),
        ({CITY_ROLE: ["can_list:lookback"]}, "不能有这些权限"),
    ],
)
def test_what_may_not_come_in_is_refused_whole(
    app: Flask, tmp_path: Path, given: dict[str, list[str]], why: str
) -> None:
    with app.app_context():
        before = roles_now()
    file = exported(tmp_path, **given)
    done = app.test_cli_runner().invoke(fab, args=["import-roles", "--path", file])
    assert done.exit_code == 1
    assert why in done.output
    with app.app_context():
        assert roles_now() == before


@pytest.mark.parametrize("text", ["", "{}", '["role"]', '[{"name": "x"}]', None])
def test_a_file_that_is_none_of_roles(app: Flask, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "roles.json"
    if text is not None:
        file.write_text(text)
    done = app.test_cli_runner().invoke(fab, args=["import-roles", "--path", str(file)])
    if text == "{}":  # no role, no change
        assert done.exit_code == 0
    else:
        assert done.exit_code == 1
        assert "is no file of exported roles" in done.output


def test_check_warns_of_what_nobody_may_open(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        class_permission_name = "lookback"
        base_permissions = ("can_search", "can_list", "can_settings")

    runner = app.test_cli_runner()
    assert "warning" not in runner.invoke(args=["check"]).output
    views = app.extensions["appbuilder"].baseviews
    monkeypatch.setattr(app.extensions["appbuilder"], "baseviews", [*views, Plain()])
    done = runner.invoke(args=["check"])
    assert done.exit_code == 0
    assert "warning: Plain: no role has can_list, can_settings on lookback" in done.output
