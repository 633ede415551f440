"""The command line: ``flask deploy``, ``flask check``, ``flask stats …``."""

from __future__ import annotations

import datetime as dt
import json

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade
from sqlalchemy import Connection, text

from app.access import policy, regions_seed
from app.access.cli import regions_cli
from app.access.scope import unscoped
from app.core.clock import today
from app.core.db import db
from app.registry import checks, counters, lists
from app.registry.register import all_registers

_DEPLOY_LOCK = 0x616E6A75  # "anju"


@click.command("deploy")
@with_appcontext
def deploy() -> None:
    """Bring the database up to date: tables, roles, lists, divisions. Safe to run by many at once."""
    with db.engine.connect() as connection:
        _wait_alone(connection)
        upgrade(directory=str(current_app.root_path) + "/../migrations")
        with unscoped("the deploy step fills roles and lists") as session:
            policy.sync_roles(session, [r.name for r in all_registers()])
            lists.seed(session)
            session.commit()
        count = regions_seed.load(db.engine)
        click.echo(f"database ready, {count} divisions")


def _wait_alone(connection: Connection) -> None:
    """On PostgreSQL an advisory lock that ends with the connection; SQLite has one machine, where
    Alembic's own transaction serves."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _DEPLOY_LOCK})
    else:
        connection.rollback()


@click.command("check")
@with_appcontext
def check() -> None:
    """Check every declaration; the ids are stable."""
    found = checks.check_all()
    for problem in found:
        click.echo(f"{problem.id} {problem.register}: {problem.message}")
    if found:
        raise SystemExit(1)
    click.echo(f"{len(all_registers())} registers, no problem")


stats = AppGroup("stats", help="Counters: rebuild, prove, snapshot.")


@stats.command("rebuild")
def rebuild() -> None:
    """Set every counter from the rows."""
    with unscoped("counters are rebuilt from all rows") as session:
        for register in all_registers():
            wrong = counters.rebuild(session, register)
            session.commit()
            click.echo(f"{register.name}: {wrong} lines mended")


@stats.command("verify")
@click.option("--json", "as_json", is_flag=True)
def verify(as_json: bool) -> None:
    """Every counter against a live count, every identity."""
    cells, drift, broken = 0, [], []
    with unscoped("counters are proved against all rows") as session:
        for register in all_registers():
            live, kept = (
                counters.live_counts(session, register),
                counters.kept_counts(session, register),
            )
            keys = live.keys() | kept.keys()
            cells += len(keys)
            drift += [
                {"register": register.name, "figure": f, "county": c,
                 "live": live.get((f, c), 0), "kept": kept.get((f, c), 0)}
                for f, c in sorted(keys) if live.get((f, c), 0) != kept.get((f, c), 0)
            ]  # fmt: skip
            broken += counters.broken_identities(session, register)
    result = {"cells": cells, "drift": len(drift), "identities_broken": len(broken)}
    if as_json:
        click.echo(json.dumps(result))
    else:
        click.echo(f"{cells} cells, {len(drift)} drifted, {len(broken)} identities broken")
        for line in [*drift[:20], *broken[:20]]:
            click.echo(f"  {line}")
    if drift or broken:
        raise SystemExit(1)


@stats.command("snapshot")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None)
def snapshot(day: dt.datetime | None) -> None:
    """Keep today's counters, for trends; run daily."""
    with unscoped("counters of all counties are kept daily") as session:
        count = counters.snapshot(session, day.date() if day else today())
        session.commit()
    click.echo(f"{count} lines")


commands = [deploy, check, stats, regions_cli]
