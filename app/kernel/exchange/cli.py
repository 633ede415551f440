"""``flask exchange import NAME FILE --as ACCOUNT``: the same imports as on the pages."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext
from flask.globals import app_ctx
from sqlalchemy import select

from app.access import policy
from app.access.account import Account
from app.access.scope import unscoped
from app.core.db import db, read_only
from app.core.errors import AnjuError
from app.core.files.storage import storage
from app.core.jobs import worker
from app.core.jobs.table import OPEN_STATES, Job, JobState
from app.core.transactions import rest, stored, transaction
from app.kernel import hooks
from app.kernel.exchange import inbox

exchange_cli = AppGroup("exchange", help="Excel in and out.")


class _Imports(AppGroup):
    """A command for each import that has a name here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(one.command for one in hooks.imports() if one.command)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = (_command(one) for one in hooks.imports() if one.command == cmd_name)
        return next(found, None)


exchange_cli.add_command(_Imports("import", help="Import a list."))


def _command(imported: hooks.Import) -> click.Command:
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--as", "login", required=True, help="The account that imports.")
    @click.option("--dry-run", is_flag=True, help="Check only, write nothing.")
    @click.option("--whole", is_flag=True, help="Nothing goes in if any row is rejected.")
    @click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
    @click.option(
        "--workbook",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where to put the marked workbook; beside the working directory's files if not given.",
    )
    @with_appcontext
    def command(
        file: Path, login: str, *, dry_run: bool, whole: bool, as_json: bool, workbook: Path | None
    ) -> None:
        try:
            job = _run(imported.start, file, login, dry_run=dry_run, whole=whole)
        except AnjuError as error:
            raise click.ClickException(error.message) from error
        if job.state != JobState.DONE or job.result is None:
            raise click.ClickException(job.message or str(job.state.label))
        result = dict(job.result)
        for made in job.files_of("result"):
            target = workbook or Path.cwd() / made["name"]
            with storage().open(made["key"]) as source, target.open("wb") as copy:
                copy.write(source.read())
            result["workbook"] = str(target)
        if as_json:
            click.echo(json.dumps(result, ensure_ascii=False))
        else:
            for key, value in result.items():
                click.echo(f"{key}: {value}")

    return click.command(imported.command, help=f"Import {imported.what}.")(command)


def _run(start: Callable[..., Job], file: Path, login: str, *, dry_run: bool, whole: bool) -> Job:
    with unscoped("the command line names an account") as session, read_only():
        found = session.scalar(select(Account.uuid).where(Account.username == login))
    if found is None:
        raise click.ClickException(f"no account is called {login!r}")
    with policy.as_account(found), file.open("rb") as stream:
        kept = inbox.keep(stream, file.name)
        with transaction():
            stored(kept["key"])
            job_id = start(kept, dry_run=dry_run, whole=whole).id
    app = app_ctx.app
    while (job := _read(job_id)).state in OPEN_STATES:
        if mine := worker.claim(job_id):  # else a worker of the running program was quicker
            worker.run(app, mine, threading.Event())
        else:
            time.sleep(0.5)
    return job


def _read(job_id: uuid.UUID) -> Job:
    with read_only():
        job = db.session.get(Job, job_id, populate_existing=True)
        if job is None:
            raise click.ClickException("the job is gone")
        db.session.expunge(job)
        rest()
    return job
