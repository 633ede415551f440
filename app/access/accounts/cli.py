"""Commands of this layer: ``flask accounts create``, for the first account of an installation, ``reset``
and ``unlock``, for the account that nobody stands above.
"""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.access import session as sessions
from app.access.account import Account, first_password, hashed
from app.access.accounts import allowances, sign_in, tokens, unusual
from app.access.actor import Duty, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import CODE_LENGTH, Level, Region
from app.access.policy import MATRIX, role_name
from app.core.db import db
from app.core.transactions import transaction

_LEVELS = [level.name.lower() for level in Level]

accounts_cli = AppGroup("accounts", help="Accounts.")


@accounts_cli.command("create")
@click.argument("login")
@click.option("--level", type=click.Choice(_LEVELS), default="nation", show_default=True)
@click.option("--kind", type=click.Choice([k.value for k in Kind]), default=Kind.MANAGER.value)
@click.option("--region", "code", default="0", metavar="CODE", help="division, padded with zeros")
@click.option("--name", default="", help="the unit's or person's name")
@click.option("--force", is_flag=True, help="although the division has as many as it may have")
@click.option("--duty", "duties", type=click.Choice([d.value for d in Duty]), multiple=True)
def create(
    login: str, level: str, kind: str, code: str, name: str, duties: tuple[str, ...], *, force: bool
) -> None:
    """Create an account; prints its first password, which the first login must change. Where the
    division has all that it may have (one manager, 98 others, ...) only with --force, which the
    audit log tells.
    """
    wanted = Level[level.upper()], Kind(kind)
    if wanted not in MATRIX:
        raise click.UsageError(f"there is no {kind} at the level {level}")
    if not login.isascii() or not login.isprintable() or len(login) > 64:
        raise click.UsageError("an account's name has up to 64 letters and digits, none Chinese")
    password = first_password()
    if db.session.scalar(select(Account.id).where(Account.username == login)) is not None:
        raise click.UsageError(f"there is an account {login} already")
    region = _region(wanted[0], code.ljust(CODE_LENGTH, "0"))
    account = Account(
        username=login,
        first_name=name or login,
        last_name="",
        email=f"{login}@invalid",
        active=True,
        password=hashed(password),  # which takes a while: before anything is locked
        level=int(wanted[0]),
        kind=wanted[1],
        region_id=region.id,
        path=region.path,
    )
    names = [role_name(*wanted), *(Duty(duty).zh for duty in duties)]
    with transaction():
        allowances.lock(db.session, region.id)
        full = [one for one in allowances.allowances(db.session, *wanted, region) if not one.left]
        if full and not force:
            told = "; ".join(f"{one.what}: {one.used} of {one.most}" for one in full)
            raise click.UsageError(f"there is no room for another account ({told}); see --force")
        db.session.add(account)
        account.roles = list(db.session.scalars(select(Role).where(Role.name.in_(names))))
        detail = {"created": login, "roles": names} | ({"over_allowance": True} if full else {})
        audit.record(db.session, Act.PERMISSION, detail=detail)
    click.echo(f"{login}  {password}")


@accounts_cli.command("reset")
@click.argument("login")
@click.option("--reason", required=True, help="why it gets a new password, for the audit log")
@with_appcontext
def reset(login: str, reason: str) -> None:
    """Give an account a new first password and print it: the ministry's manager has nobody above it. Its
    sessions end.
    """
    password = first_password()
    secret = hashed(password)  # which takes a while: before anything is locked
    account = db.session.scalar(select(Account).where(Account.username == login))
    if account is None:
        raise click.UsageError(f"there is no account {login}")
    with transaction():
        account.password, account.must_change_password = secret, True
        sessions.end(account.id)
        tokens.end_all(account.id)
        sign_in.forgive(login)
        detail = {"account": login, "reset": True, "reason": reason}
        audit.record(db.session, Act.PASSWORD, path=account.path, detail=detail)
    click.echo(f"{login}  {password}")


@accounts_cli.command("unlock")
@click.argument("login")
@click.option("--reason", required=True, help="why it may enter again, for the audit log")
@with_appcontext
def unlock(login: str, reason: str) -> None:
    """Unlock an account that unusual acts locked: the ministry's manager has nobody above it."""
    account = db.session.scalar(select(Account).where(Account.username == login))
    if account is None or account.locked_at is None:
        raise click.UsageError(f"there is no locked account {login}")
    with transaction():
        unusual.unlock(account, reason)
    click.echo(f"{login} may enter again")


def _region(level: Level, code: str) -> Region:
    region = db.session.scalar(select(Region).where(Region.level == level, Region.code == code))
    if region is None:
        raise click.UsageError(f"no division {code} at the level {level.name.lower()}")
    return region
