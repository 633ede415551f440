"""The command line: ``flask deploy``, ``flask check``, ``flask stats …``."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app import catalogue, fab, modules
from app.access import roles
from app.access.accounts.cli import accounts_cli
from app.access.divisions.cli import regions_cli
from app.access.scope import joined, unscoped
from app.core.clock import today
from app.core.db import read_only
from app.core.files.storage import storage
from app.core.jobs.worker import jobs_cli
from app.core.transactions import transaction
from app.demo.cli import demo_cli, load_command
from app.deploy import deploy, migrated_tables
from app.kernel.declare.checks.program import check_all
from app.kernel.declare.register import all_registers
from app.kernel.exchange.cli import exchange_cli
from app.kernel.figures import counters, mending, rejudging
from app.kernel.figures import state as figures
from app.kernel.figures.comparing import proving
from app.kernel.hook import DECLARED


@click.command("deploy")
@click.option("--demo", is_flag=True, help="fill an empty database with demonstration data")
@click.pass_context
@with_appcontext
def deploy_command(context: click.Context, demo: bool) -> None:
    """Bring the database up to date: tables, roles, lists, divisions; make the folder of files. Safe to
    run by many at once.
    """
    storage().prepare()
    click.echo(f"database ready, {deploy(current_app)} divisions loaded")
    if demo:
        context.invoke(load_command, if_empty=True)


@click.command("check")
@with_appcontext
def check() -> None:
    """Check every declaration; the ids are stable. Warn of what no role of the matrix may do in a view."""
    found = check_all(migrated_tables(), whole=not modules.LEFT_OUT)
    for problem in found:
        click.echo(f"{problem.id} {problem.register}: {problem.message}")
    if found:
        raise SystemExit(1)
    for view in _closed_views():
        click.echo(f"warning: {view}")
    click.echo(f"{len(all_registers())} registers, no problem")


def _closed_views() -> Iterator[str]:
    """What FAB asks a right for that the matrix gives nobody: mostly a view whose methods are not mapped
    to capabilities.
    """
    given = roles.defaults(register.name for register in all_registers())
    anybody = set().union(*given.values())
    for view in current_app.extensions["appbuilder"].baseviews:
        subject = view.class_permission_name
        closed = sorted(p for p in view.base_permissions if f"{p}:{subject}" not in anybody)
        if closed:
            yield f"{type(view).__name__}: no role has {', '.join(closed)} on {subject}"


@click.command("hooks")
def hooks_command() -> None:
    """Print who listens to what, in the order of calling."""
    for hook in DECLARED.values():
        click.echo(f"{hook.name}: {'asks' if hook.asks else 'tells'}")
        for one in hook.listeners:
            whom = f" of {one.whom}" if one.whom else ""
            rows = f" where {', '.join(sorted(one.where.names()))} say so" if one.where else ""
            click.echo(f"  {one.order:>3} {one.name}{whom}{rows}")


@click.command("translations")
@with_appcontext
def translations() -> None:
    """Collect the Chinese texts of code, templates and declarations into translations/."""
    click.echo(f"{len(catalogue.update())} texts without English")


stats = AppGroup("stats", help="Counters: rebuild, prove, snapshot.")


@stats.command("rebuild")
def rebuild() -> None:
    """Set every row that follows from others, which rules each breaks, and every counter, from the rows."""
    why, wrong = "counters are rebuilt from all rows", dict[str, int]()
    for register in all_registers():
        if register.derived:
            click.echo(f"{register.name}: {register.derived.mend()} rows mended")
    for register in rejudging.registers():
        changed = rejudging.everywhere(register) + proving.everywhere(register)
        click.echo(f"{register.name}: {changed} records judged anew")
    with transaction(), joined(why, writes=True) as session:
        areas = mending.areas(session)
        for register in all_registers():
            wrong[register.name] = mending.forget_strays(session, register)
    for register, area in itertools.product(all_registers(), areas):
        with transaction(), joined(why, writes=True) as session:
            wrong[register.name] += mending.mend(session, register, area)
    with transaction(), joined(why, writes=True) as session:
        for register in all_registers():
            rules = [figures.RULES] if register.quality.kept else []
            figures.mark_filled(session, register, [*register.kept_figures, *rules])
            click.echo(f"{register.name}: {wrong[register.name]} counters mended")


@stats.command("verify")
@click.option("--json", "as_json", is_flag=True)
def verify(as_json: bool) -> None:
    """Every counter against a live count, every identity, every row that follows from others, and which
    rules each breaks.
    """
    cells, drift, broken, wrong = 0, [], [], []
    with read_only(), unscoped("counters are proved against all rows") as session:
        mending.at_one_moment(session)
        areas = mending.areas(session)
        for register in all_registers():
            for area in areas:
                proved = mending.prove(session, register, area.path)
                cells += proved.cells
                broken += proved.broken
                drift += [
                    {"register": register.name, "figure": f, "place": p, "live": live, "kept": kept}
                    for (f, p), (live, kept) in sorted(proved.wrong.items(), key=str)
                ]
            if n := mending.strays(session, register):
                drift.append({"register": register.name, "lines in no division": n})
            if register.quality.kept:
                wrong += rejudging.wrong(session, register)
                wrong += proving.wrong(session, register)
            if register.derived:
                wrong += [f"{register.name}: {what}" for what in register.derived.wrong(session)]
    result = {"cells": cells, "drift": len(drift), "identities_broken": len(broken)}
    result |= {"rows_wrong": len(wrong)}
    if as_json:
        click.echo(json.dumps(result))
    else:
        click.echo(
            f"{cells} cells, {len(drift)} drifted, {len(broken)} identities broken,"
            f" {len(wrong)} derived rows wrong"
        )
        for line in [*drift[:20], *broken[:20], *wrong[:20]]:
            click.echo(f"  {line}")
    if drift or broken or wrong:
        raise SystemExit(1)


@stats.command("snapshot")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None)
def snapshot(day: dt.datetime | None) -> None:
    """Keep today's counters, for trends; run daily."""
    why = "counters of all counties are kept daily"
    with transaction(), joined(why, writes=True) as session:
        count = counters.snapshot(session, day.date() if day else today(), figures.incomplete)
    click.echo(f"{count} lines")


commands = [
    deploy_command,
    check,
    hooks_command,
    translations,
    stats,
    regions_cli,
    accounts_cli,
    jobs_cli,
    exchange_cli,
    demo_cli,
    fab.commands(),
]
