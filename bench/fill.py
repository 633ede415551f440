"""``python -m bench.fill ROWS``: households, accounts, counters into the deployed database."""

from __future__ import annotations

import datetime as dt
import sys
import time

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app import create_app
from app.access.account import Account
from app.access.actor import Kind
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.access.scope import unscoped
from app.core.clock import today
from app.core.db import db
from app.kernel.declare.register import all_registers
from app.kernel.figures import counters
from bench import data

PASSWORD = "bench-2024"
#: login -> (level, kind, code of the division); the county is the one of the sample list, "large" that with a tenth of
#: all households.
ACCOUNTS = {
    "nation": (Level.NATION, Kind.MANAGER, "000000"),
    "province": (Level.PROVINCE, Kind.MANAGER, "610000"),
    "city": (Level.CITY, Kind.MANAGER, "610100"),
    "county": (Level.COUNTY, Kind.MANAGER, data.MEASURED[:6]),
    "large": (Level.COUNTY, Kind.MANAGER, data.LARGE[:6]),
}
SESSIONS = 50  # further counties whose managers read all at once


def main(rows: int) -> None:
    app = create_app()
    with app.app_context():
        began = time.monotonic()
        data.build(db.engine, rows)
        say(f"{rows:,} households", began)
        began = time.monotonic()
        _accounts()
        with unscoped("counters of generated households") as session:
            provinces = session.scalars(
                select(Region.path).where(Region.level == Level.PROVINCE)
            ).all()
            for register in all_registers():
                for province in provinces:
                    found = counters.live_counts(session, register, province)
                    counters.hand_in_lines(session, register, found)
                    session.commit()
            for days in range(8):
                counters.snapshot(session, today() - dt.timedelta(days=days))
            session.commit()
        say("accounts and counters", began)
        began = time.monotonic()
        _analyze()
        say("statistics for the planner", began)


def _accounts() -> None:
    """One account a level, and one in each of 50 counties; one hash serves for all."""
    password = generate_password_hash(PASSWORD)
    with unscoped("accounts for measuring") as session:
        counties = session.scalars(
            select(Region).where(Region.level == Level.COUNTY, Region.structural.is_(False))
            .order_by(Region.path)
        ).all()  # fmt: skip
        wanted = [
            (login, level, kind, _region(session, level, code))
            for login, (level, kind, code) in ACCOUNTS.items()
        ]
        step = len(counties) // SESSIONS
        wanted += [
            (f"county{n:02}", Level.COUNTY, Kind.MANAGER, counties[n * step])
            for n in range(SESSIONS)
        ]
        for login, level, kind, region in wanted:
            account = Account(
                username=login, first_name=login, last_name="", email=f"{login}@bench.invalid",
                active=True, password=password, kind=kind, level=int(level), region_id=region.id,
                path=region.path, must_change_password=False, contact_name="赵建国",
                contact_phone="13900000001",
            )  # fmt: skip
            account.roles = [_role(session, role_name(level, kind))]
            session.add(account)
        session.commit()


def _region(session: Session, level: Level, code: str) -> Region:
    return session.scalars(
        select(Region).where(Region.level == level, Region.code == code.ljust(12, "0"))
    ).one()


def _role(session: Session, name: str) -> Role:
    return session.scalars(select(Role).where(Role.name == name)).one()


def _analyze() -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        postgresql = connection.dialect.name == "postgresql"
        connection.execute(text("VACUUM ANALYZE" if postgresql else "ANALYZE"))


def say(what: str, began: float) -> None:
    print(f"  {what}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
