"""``flask demo load`` and ``flask demo accounts``."""

from __future__ import annotations

import time

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import exists, select, text

from app.access.account import Account
from app.access.scope import joined, unscoped
from app.core.transactions import transaction
from app.demo import accounts
from app.kernel.rows.household import Household

demo_cli = AppGroup("demo", help="Demonstration data: never in production.")
_LOCK = 0x616E6A77  # any number that no other advisory lock of ours uses


@demo_cli.command("load")
@click.option("--if-empty", is_flag=True, help="do nothing where there are households already")
def load_command(if_empty: bool) -> None:
    """Fill an empty database with a province to try: accounts, households in every state."""
    from app.demo import load, moves  # of all modules, whether this program has them or not

    if current_app.config["PRODUCTION"]:
        raise click.ClickException("demonstration data do not belong into production")
    began = time.monotonic()
    why = "demonstration data are put in for all divisions at once"
    with transaction(), joined(why, writes=True) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if session.scalar(select(exists().where(Account.demo))):
            click.echo("the demonstration data are there already")
            return
        if session.scalar(select(exists().select_from(Household))):
            if if_empty:
                click.echo("there are households already: no demonstration data")
                return
            raise click.ClickException("there are households already; the database must be empty")
        made = load.load(session)
    made["transfer"] = moves.play()
    took = time.monotonic() - began
    click.echo(", ".join(f"{n} {name}" for name, n in made.items()) + f" in {took:.1f} s")
    click.echo(f"sign in with 61102100000000 / {accounts.PASSWORD}; all: flask demo accounts")


@demo_cli.command("accounts")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def accounts_command(as_json: bool) -> None:
    """The demonstration accounts: every level, kind and duty."""
    with unscoped("demonstration accounts of all divisions are listed") as session:
        for line in accounts.listed(session):
            if as_json:
                click.echo(accounts.as_json(line))
                continue
            duties = ",".join(line["duties"]) or "-"
            click.echo(
                f"{line['account']}  {line['password']}  {line['level']:<8}  {line['kind']:<8}"
                f"  {duties:<13}  {line['division_code']}  {line['name']}"
            )
