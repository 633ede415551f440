"""Commands of this layer: ``flask accounts create``, for the first account of an installation, and
``unlock``, for the account that nobody stands above.
"""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import audit, unusual
from app.access.accounts import Account, first_password, hashed
from app.access.actor import Duty, Kind
from app.access.audit import Act
from app.access.policy import MATRIX, role_name
from app.access.regions import CODE_LENGTH, Level, Region
from app.access.scope import unscoped
from app.core.db import db

_LEVELS = [level.name.lower() for level in Level]

accounts_cli = AppGroup("accounts", help="Accounts.")


@accounts_cli.command("create")
@click.argument("login")
@click.option("--level", type=click.Choice(_LEVELS), default="nation", show_default=True)
@click.option("--kind", type=click.Choice([k.value for k in Kind]), default=Kind.MANAGER.value)
@click.option("--region", "code", default="0", metavar="CODE", help="division, padded with zeros")
@click.option("--name", default="", help="the unit's or person's name")
@click.option("--duty", "duties", type=click.Choice([d.value for d in Duty]), multiple=True)
def create(
    login: str, level: str, kind: str, code: str, name: str, duties: tuple[str, ...]
) -> None:
    """Create an account; prints its first password, which the first login must change."""
    wanted = Level[level.upper()], Kind(kind)
    if wanted not in MATRIX:
        raise click.UsageError(f"there is no {kind} at the level {level}")
    if not login.isascii() or not login.isprintable() or len(login) > 64:
        raise click.UsageError("an account's name has up to 64 letters and digits, none Chinese")
    password = first_password()
    with unscoped("the first account is created by the machine's administrator") as session:
        if session.scalar(select(Account.id).where(Account.username == login)) is not None:
            raise click.UsageError(f"there is an account {login} already")
        region = _region(session, wanted[0], code.ljust(CODE_LENGTH, "0"))
        account = Account(
            username=login,
            first_name=name or login,
            last_name="",
            email=f"{login}@invalid",
            active=True,
            password=hashed(password),
            level=int(wanted[0]),
            kind=wanted[1],
            region_id=region.id,
            path=region.path,
        )
        names = [role_name(*wanted), *(Duty(duty).zh for duty in duties)]
        account.roles = list(session.scalars(select(Role).where(Role.name.in_(names))))
        session.add(account)
        audit.record(session, Act.PERMISSION, detail={"created": login, "roles": names})
        session.commit()
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
    unusual.unlock(account, reason)
    click.echo(f"{login} may enter again")


def _region(session: Session, level: Level, code: str) -> Region:
    region = session.scalar(select(Region).where(Region.level == level, Region.code == code))
    if region is None:
        raise click.UsageError(f"no division {code} at the level {level.name.lower()}")
    return region
