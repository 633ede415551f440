"""The deploy step and what hangs on it: tables by Alembic alone, roles, divisions, many starters."""

import os
import shutil
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import check, upgrade
from sqlalchemy import create_engine, func, inspect, select, text

from app import create_app
from app.access.account import Account
from app.access.divisions.regions import Region
from app.core.db import Model, db
from app.core.types import NfcText, PathType
from app.deploy import MIGRATIONS, deploy
from tests.databases import DIVISIONS
from tests.running import programs
from tools import lint_migrations

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
FIRST = SCRIPTS.get_base()


def test_alembic_and_the_models_agree(app, session):
    check(directory=str(MIGRATIONS))


def test_alembic_owns_every_table(session):
    tables = set(inspect(session.connection()).get_table_names())
    assert tables == set(Model.metadata.tables) | {"alembic_version"}


@pytest.mark.only_on("postgresql")
def test_texts_compare_by_bytes_wherever_the_models_say_so(session):
    """``flask db check`` does not look at collations; a server's own order sorts paths and names otherwise.
    SQLite compares bytes anyway.
    """
    made = text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'"
    )
    have = {tuple(row) for row in session.execute(made)}
    want = {
        (table.name, column.name)
        for table in Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, NfcText | PathType)
    }
    assert len(want) > 100
    assert want - have == set()


REBUILD = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "rebuild", "{head}"


def upgrade():
    with op.batch_alter_table("ab_user") as batch:
        batch.alter_column("phone", existing_type=sa.String(32), nullable=True)
"""


def test_rebuilding_a_table_deletes_nothing_that_points_at_it(app, tmp_path):
    """SQLite changes ab_user by making it anew; the roles of accounts hang on the old one."""
    made = app.test_cli_runner().invoke(args=["accounts", "create", "ministry00"])
    assert made.exit_code == 0, made.output
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    with app.app_context():
        head = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        db.session.rollback()
        (folder / "versions" / "rebuild.py").write_text(REBUILD.format(head=head))
        upgrade(directory=str(folder))
        account = db.session.scalar(select(Account).where(Account.username == "ministry00"))
        assert [role.name for role in account.roles] == ["部级管理用户"]
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("PRAGMA foreign_keys")) == 1


def test_the_divisions_asked_for_are_in_and_no_others(session):
    codes = session.scalars(select(Region.code).where(Region.level == 3)).all()
    wanted = {code for code in codes if code.startswith(tuple(DIVISIONS))}
    assert {code[:6] for code in wanted} >= DIVISIONS - {"659001", "429004"}
    assert session.scalar(select(func.count()).where(Region.level == 5)) > 300


def test_health_answers(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.is_json


def deploy_one_county():
    deploy(create_app(), ["610122"])


def test_many_may_deploy_at_once(database_url, tmp_path):
    environment = os.environ | {"DATABASE_URL": database_url, "SECRET_KEY": "only for tests"}
    logs = [tmp_path / f"{n}.log" for n in range(3)]
    started = [programs.start(deploy_one_county, environment, log) for log in logs]
    for process in started:
        process.join(120)
    said = "\n".join(log.read_text() for log in logs)
    assert [process.exitcode for process in started] == [0, 0, 0], said
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Region)) > 300
    engine.dispose()


def migrate(database_url, *arguments):
    environment = os.environ | {"DATABASE_URL": database_url, "SECRET_KEY": "only for tests"}
    return programs.run(environment, *arguments)


def test_an_upgrade_keeps_accounts_and_their_roles(database_url):
    """SQLite makes a table anew where a migration alters it in a batch; what refers to it must stay."""
    engine = create_engine(database_url)
    assert migrate(database_url, "db", "upgrade", FIRST).returncode == 0
    with engine.begin() as connection:
        role = {"id": 1, "name": "县级管理用户"}
        account = {
            "id": 1, "first_name": "县", "last_name": "", "username": "61012200000000",
            "email": "a@b.invalid", "active": True, "uuid": "0" * 32, "kind": "manager", "level": 3,
            "must_change_password": False, "demo": False,
        }  # fmt: skip
        for table, values in (
            ("ab_role", role), ("ab_user", account),
            ("ab_user_role", {"id": 1, "user_id": 1, "role_id": 1}),
        ):  # fmt: skip
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)
    assert migrate(database_url, "db", "upgrade", "0035").returncode == 0
    with engine.begin() as connection:  # counted by the table that went
        counter = "INSERT INTO counter VALUES ('lookback', 'total', 7, '0.0r.01.02.', 3)"
        connection.execute(text(counter))
        for name in ("''", "'total'"):
            known = f"INSERT INTO figure VALUES ('lookback', {name}, 'x', '2026-11-30 00:00:00')"
            connection.execute(text(known))
    assert migrate(database_url, "db", "upgrade").returncode == 0
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ab_user_role")) == 1
        left = text("SELECT name FROM figure WHERE filled_at IS NULL")
        assert connection.scalars(left).all() == ["total"], "counted anew by the job"
    engine.dispose()


RIGHTS = (
    "SELECT r.name || ' ' || p.name || ':' || v.name FROM ab_permission_view_role h"
    " JOIN ab_role r ON r.id = h.role_id JOIN ab_permission_view pv ON pv.id = h.permission_view_id"
    " JOIN ab_permission p ON p.id = pv.permission_id JOIN ab_view_menu v ON v.id = pv.view_menu_id"
)


def test_rights_are_renamed_and_recorded_as_they_were_given(database_url):
    engine = create_engine(database_url)
    migrate(database_url, "db", "upgrade", "0032")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO ab_role (id, name) VALUES (1, '县级管理用户'), (2, '信息审核员')",
            "INSERT INTO ab_permission (id, name) VALUES (1, 'may_enter'), (2, 'may_export')",
            "INSERT INTO ab_view_menu (id, name) VALUES (1, 'lookback'), (2, 'maybe')",
            "INSERT INTO ab_permission_view VALUES (1, 1, 1), (2, 2, 2), (3, 2, 1)",
            "INSERT INTO ab_permission_view_role VALUES (1, 1, 1), (2, 2, 1), (3, 1, 2)",
        ):
            connection.execute(text(statement))
    migrate(database_url, "db", "upgrade", "0033")
    now = {
        "县级管理用户 can_enter:lookback", "县级管理用户 can_export:maybe", "信息审核员 can_enter:lookback"
    }  # fmt: skip
    with engine.connect() as connection:
        assert set(connection.scalars(text(RIGHTS))) == now
        recorded = text("SELECT role || ' ' || \"right\" FROM role_default")
        assert set(connection.scalars(recorded)) == now
    migrate(database_url, "db", "downgrade", "0032")
    with engine.connect() as connection:
        before = {one.replace(" can_", " may_") for one in now}
        assert set(connection.scalars(text(RIGHTS))) == before
    assert "role_default" not in inspect(engine).get_table_names()
    engine.dispose()


@pytest.mark.parametrize("command", [("deploy",), ("db", "upgrade")])
def test_a_database_older_than_the_first_migration_is_told_what_to_do(database_url, command):
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0003')"))
    answer = migrate(database_url, *command)
    assert answer.returncode == 1
    assert "stands at migration 0003" in answer.stderr
    assert "migrations/versions/0003_*" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_migrations_are_numbered_in_order():
    chain = list(SCRIPTS.walk_revisions())[::-1]
    assert [Path(script.path).name[:4] for script in chain] == [s.revision for s in chain]
    numbers = [int(script.revision) for script in chain]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


SLOW = """
from alembic import op

revision, down_revision = "0001", None


def upgrade():
    op.create_index("ix_household_any", "household", ["head_name"])
"""


def test_squawk_names_an_index_that_would_stop_all_writers(tmp_path, capfd):
    assert lint_migrations.judge(MIGRATIONS) == 0
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_slow.py").write_text(SLOW)
    assert lint_migrations.judge(tmp_path) == 1
    assert "require-concurrent-index-creation" in capfd.readouterr().out
