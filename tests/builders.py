"""What tests are made of: accounts for every level, kind and duty; households with their look-back
row; a complete, valid look-back form of each way of living.

Builders write through :func:`app.access.scope.unscoped` and commit, so call them inside an
application context (the ``session`` fixture, or ``app.app_context()`` beside ``client``).
"""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.access import policy, settings
from app.access.account import Account
from app.access.accounts import tokens
from app.access.accounts.tokens import Token
from app.access.actor import Actor, Duty, Kind
from app.access.audit.log import Act, AuditEntry, Refusals
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.access.session import OpenSession
from app.access.settings import Setting
from app.core.clock import today, uuid7
from app.core.db import read_only
from app.kernel.declare.flow import State
from app.kernel.declare.house_lists import list_names
from app.kernel.kinds import formats
from app.kernel.kinds.values import to_json
from app.kernel.records.history import Contact
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, SearchKey, Source, match_key, search_values
from app.modules.homes.choices import (
    Grade,
    Judged,
    Measure,
    ParcelState,
    Seismic,
)
from app.modules.surveys.lookback.model import Lookback
from tests.answers import (
    FILES_OWN,
    FILES_UNSAFE,
    SURVEYED,
    died,
    homeless,
    moved,
    other_home,
    own_house,
)

#: What is handed on, beside all that is defined here.
__all__ = [
    "FILES_OWN",
    "FILES_UNSAFE",
    "SURVEYED",
    "died",
    "homeless",
    "moved",
    "other_home",
    "own_house",
]

PASSWORD = "Anju2024test"

#: Divisions that the test databases hold (see tests.databases): two counties of one city, a county
#: of another province, a county directly under its province, a city without counties.
COUNTY, NEXT_COUNTY, FAR_COUNTY = "610122", "610124", "530129"
PROVINCE_COUNTY, CITY_COUNTY = "429004", "441900"

CONTACT = Contact("办理人甲", "13800138000")

_numbers = itertools.count(1)


# ---- divisions -----------------------------------------------------------------------------


def region(code: str, level: Level | None = None) -> Region:
    """The division of that code (short or 12 characters)."""
    with read_only(), unscoped("tests look divisions up") as session:
        query = select(Region).where(Region.code == code.ljust(12, "0"))
        if level is not None:
            query = query.where(Region.level == level)
        return session.scalars(query.order_by(Region.level)).first() or _no_region(code)


def _no_region(code: str) -> Region:
    raise LookupError(f"no division {code} in the test database")


def below(place: Region, level: Level, nth: int = 0) -> Region:
    """The nth division of a level under ``place``."""
    with read_only(), unscoped("tests look divisions up") as session:
        query = select(Region).where(
            Region.level == level,
            Region.path.startswith(place.path, autoescape=True),
            ~Region.structural,
        )
        return session.scalars(query.order_by(Region.path).offset(nth).limit(1)).one()


def above(place: Region, level: Level) -> Region:
    """The division of ``level`` in which ``place`` lies: itself, or one above it."""
    with read_only(), unscoped("tests look divisions up") as session:
        found: Region | None = place
        while found is not None and (found.level > level or found.structural):
            found = session.get(Region, found.parent_id) if found.parent_id else None
        if found is None or found.level != level:
            raise LookupError(f"no {level.name} above {place.code}")
        return found


def seat(level: Level, county: str = COUNTY) -> Region:
    """The division of ``level`` on the way from the nation through ``county`` to its first village."""
    place = region(county, Level.COUNTY)
    return below(place, level) if level > Level.COUNTY else above(place, level)


# ---- accounts ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Who:
    """A level, a kind and duties: a line of the matrix of spec 01."""

    level: Level
    kind: Kind
    duties: tuple[Duty, ...] = ()

    def __str__(self) -> str:
        return "-".join([self.level.name, self.kind.value, *(d.value for d in self.duties)]).lower()


MINISTRY = Who(Level.NATION, Kind.MANAGER)
PROVINCE = Who(Level.PROVINCE, Kind.MANAGER)
CITY = Who(Level.CITY, Kind.MANAGER)
COUNTY_MANAGER = Who(Level.COUNTY, Kind.MANAGER)
COUNTY_READER = Who(Level.COUNTY, Kind.ORDINARY)
COUNTY_REVIEWER = Who(Level.COUNTY, Kind.ORDINARY, (Duty.REVIEWER,))
COUNTY_COLLECTOR = Who(Level.COUNTY, Kind.ORDINARY, (Duty.COLLECTOR,))
TOWN_MANAGER = Who(Level.TOWN, Kind.MANAGER)
TOWN_CLERK = Who(Level.TOWN, Kind.CLERK)
VILLAGE_CLERK = Who(Level.VILLAGE, Kind.CLERK)

#: Every level and kind that exists, and every duty on the one kind that a duty changes.
EVERYBODY = (
    MINISTRY,
    Who(Level.NATION, Kind.ORDINARY),
    PROVINCE,
    Who(Level.PROVINCE, Kind.ORDINARY),
    CITY,
    Who(Level.CITY, Kind.ORDINARY),
    COUNTY_MANAGER,
    COUNTY_READER,
    COUNTY_REVIEWER,
    COUNTY_COLLECTOR,
    Who(Level.COUNTY, Kind.ORDINARY, (Duty.REVIEWER, Duty.COLLECTOR)),
    TOWN_MANAGER,
    TOWN_CLERK,
    VILLAGE_CLERK,
)


def account(who: Who, place: Region | None = None, **columns: Any) -> Account:
    """An account with its roles, past its first password; its login is ``columns["username"]``
    or made up. ``place`` is the seat of its level in :data:`COUNTY` unless given.
    """
    place = place or seat(who.level)
    number = next(_numbers)
    made = Account(
        username=f"t{number:06}",
        first_name=f"账号{number}",
        last_name="",
        email=f"t{number:06}@example.invalid",
        password=generate_password_hash(PASSWORD, method="pbkdf2:sha256:1"),
        active=True,
        kind=who.kind,
        level=int(who.level),
        region_id=place.id,
        path=place.path,
        must_change_password=False,
    )
    for name, value in columns.items():
        setattr(made, name, value)
    with read_only(value=False), unscoped("tests make accounts") as session:
        names = [policy.role_name(who.level, who.kind), *(duty.zh for duty in who.duties)]
        made.roles = list(session.scalars(select(Role).where(Role.name.in_(names))))
        assert len(made.roles) == len(names), f"roles {names} are not all there"
        session.add(made)
        session.commit()
    return made


def api_token(
    owner: Account, place: Region | None = None, *, until: dt.date | None = None, **registers: str
) -> tuple[Token, str]:
    """A token of the account and its secret; the look-back for writing and a month unless given."""
    secret = tokens.new_secret()
    made = Token(
        account_id=owner.id,
        region_id=place.id if place else owner.region_id,
        name="民政数据交换",
        secret_hash=tokens.hashed(secret),
        hint=secret[-4:],
        registers=registers or {"household": "read", "lookback": "enter"},
        expires_on=until or today() + dt.timedelta(days=30),
    )
    with read_only(value=False), unscoped("tests make tokens") as session:
        session.add(made)
        session.commit()
    return made, secret


def actor(who: Who, place: Region | None = None, **columns: Any) -> Actor:
    """A new account, as the one who acts."""
    return actor_of(account(who, place, **columns))


def actor_of(made: Account) -> Actor:
    """The account as the one who acts, with its rights as they are now."""
    with read_only(value=False), unscoped("tests act as accounts") as session:
        return policy.actor_of(session, session.merge(made))


@contextmanager
def acting(who: Who, place: Region | None = None) -> Iterator[Actor]:
    """Do something as a new account of that kind."""
    with acting_as(actor(who, place)) as made:
        yield made


def sign_in(app: Flask, who: Who | Account, place: Region | None = None) -> FlaskClient:
    """A client of its own that is signed in as a new (or the given) account."""
    with app.app_context():
        made = who if isinstance(who, Account) else account(who, place)
        key, opened = made.get_id(), OpenSession(account_id=made.id)
        with read_only(value=False), unscoped("tests sign in") as session:
            session.add(opened)
            session.commit()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"], session["session"] = key, True, opened.id.hex
    return client


# ---- households ----------------------------------------------------------------------------


def id_number(serial: int | None = None, county: str = COUNTY, born: str | None = None) -> str:
    """A valid identity number; different for each serial number (at most 999 a birthday)."""
    if serial is None:
        serial = next(_numbers)
    if born is None:
        born = f"{1930 + serial // 999 % 60 if serial > 999 else 1970:04}0101"
    digits = f"{county}{born}{serial % 999 + 1:03}"
    return digits + formats.id_check_character(digits)


def household(
    place: Region | None = None,
    *,
    name: str = "",
    number: str | None = None,
    state: State = State.MISSING,
    **columns: Any,
) -> tuple[Household, Lookback]:
    """A household of the issued list with its look-back row, in a village of :data:`COUNTY` unless
    ``place`` says otherwise (a county, town or village). ``columns`` are set on the look-back row.
    """
    made = home(place, name=name, number=number)
    survey = Lookback(
        id=uuid7(),
        region_id=made.region_id,
        household_id=made.id,
        head_name=made.head_name,
        head_id=made.head_id,
        state=state,
    )
    for column, value in columns.items():
        setattr(survey, column, value)
    with unscoped("tests make households") as session:
        session.add(survey)
        session.commit()
    return made, survey


def home(
    place: Region | None = None,
    *,
    name: str = "",
    number: str | None = None,
    lists: Iterable[str] = ("poverty_exit",),
) -> Household:
    """A household of the issued list alone, standing on these lists; found by name and number."""
    place = place or seat(Level.VILLAGE)
    number = number or id_number()
    name = name or f"户主{next(_numbers)}"
    made = Household(
        id=uuid7(),
        region_id=place.id,
        issued_name=name,
        issued_id=number,
        head_name=name,
        head_id=number,
        source=Source.ISSUED,
        match_key=match_key(number),
        **{each: each in lists for each in list_names()},
    )
    with unscoped("tests make households") as session:
        session.add(made)
        session.add_all(
            SearchKey(region_id=place.id, household_id=made.id, value=value)
            for value in search_values(made)
        )
        session.commit()
    return made


def attach(
    row: Any, *fields: str, register: str = "lookback", sha256: str = "0" * 64
) -> list[Attachment]:
    """One file (its row, not its bytes) in each of these fields of a record."""
    made = [
        Attachment(
            region_id=row.region_id,
            register=register,
            record_id=row.id,
            field=field,
            position=position,
            name=f"{field}-{position}.jpg",
            mime="image/jpeg",
            size=1000,
            key=uuid.uuid4().hex,
            sha256=sha256,
            added_by=uuid7(),
        )
        for position, field in enumerate(fields)
    ]
    with unscoped("tests attach files") as session:
        session.add_all(made)
        session.commit()
    return made


def refusals() -> int:
    """How often anything was refused: what the audit log tells, and what it gathers."""
    with unscoped("tests look at the log") as session:
        told = session.scalars(select(AuditEntry.detail).where(AuditEntry.act == Act.REFUSED))
        gathered = session.scalars(select(Refusals.n))
        return sum(detail.get("more_refused", 1) for detail in told) + sum(gathered)


# ---- look-back forms -----------------------------------------------------------------------


def full_house() -> dict[str, Any]:
    """An own house with every conditional answer given; grade C, secured this year. It also needs
    a file in ``seismic_paper``.
    """
    return own_house(Grade.C) | {
        "corrected_id": id_number(4),
        "sex": "male",
        "ethnicity": "01",
        "village_group": "三组",
        "head_changed": True,
        "new_head_name": "王新",
        "new_head_id": id_number(5),
        "new_head_phone": "13909180001",
        "new_head_relation": "02",
        "split": True,
        "split_heads": [{"name": "王小", "id_number": id_number(6), "phone": "13909180002"}],
        "parcel_state": ParcelState.CHOSEN,
        "parcel_number": "610122100001",
        "address": "甲村三组 12 号",
        "planning_permit": True,
        "planning_number": "乡字第 1 号",
        "planning_date": dt.date(2010, 3, 1),
        "planning_issuer": "蓝田县自然资源局",
        "homestead_permit": True,
        "homestead_number": "农宅字 2 号",
        "homestead_date": dt.date(2010, 2, 1),
        "homestead_issuer": "蓝关街道办事处",
        "property_certificate": True,
        "property_number": "陕（2018）蓝田县不动产权第 3 号",
        "property_date": dt.date(2018, 6, 1),
        "property_issuer": "蓝田县不动产登记中心",
        "owners": [
            {"name": "王甲", "id_number": id_number(7), "phone": None, "sex": "male",
             "relation": "99"},
        ],
        "occupants": [
            {"name": "王乙", "id_number": None, "phone": "029-86964499", "sex": None,
             "relation": None},
        ],
        "geological_hazard": True,
        "hazard_kinds": ("01", "04"),
        "seismic_design": True,
        "seismic_built": True,
        "seismic_kinds": ("02",),
        "strengthened": True,
        "strengthened_on": dt.date(2022, 4, 1),
        "damage_then": ("01",),
        "altered": True,
        "altered_times": 1,
        "altered_what": ("02",),
        "business": True,
        "business_approved": False,
        "business_kind": "01",
        "judged": Judged.APPRAISAL,
        "judged_by": "西安市房屋鉴定中心",
        "judged_by_code": "91350100M000100Y43",
        "seismic_judged": True,
        "seismic_judged_on": dt.date(2023, 6, 1),
        "seismic_result": Seismic.NOT_SATISFIED,
        "seismic_judged_by": "西安市房屋鉴定中心",
        "secured": True,
        "measure": Measure.SELF,
        "measure_year": SURVEYED.year,
    }  # fmt: skip


def texts(form: dict[str, Any]) -> dict[str, Any]:
    """The form as a browser holds it: texts, lists of texts, None."""
    return {name: to_json(value) for name, value in form.items()}


def complete(survey: Lookback, form: dict[str, Any], files: Iterable[str] = ()) -> Lookback:
    """Put the values and files of a form on a look-back row, past all permissions; 已录入."""
    with unscoped("tests fill surveys") as session:
        row = session.get_one(Lookback, survey.id)
        for name, value in form.items():
            setattr(row, name, value)
        row.state = State.DRAFT
        session.commit()
    attach(row, *files)
    return row


@contextmanager
def declared_here(*samples: Setting) -> Iterator[None]:
    """Settings that only these tests know: the pages of other tests do not show them."""
    for sample in samples:
        settings.declare(sample)
    try:
        yield
    finally:
        for sample in samples:
            del settings._declared[sample.name]
