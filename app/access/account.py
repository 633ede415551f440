"""Accounts: FAB's user with a level, a kind, a division and a stable key of its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from typing import Any, cast

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, Boolean, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.security import generate_password_hash

from app.access.actor import Kind
from app.access.divisions.regions import Level, Region
from app.core.clock import uuid7
from app.core.i18n import mark
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType

#: 所属部门 (spec 01 §Users): as forms name it -> as it is stored and, translated, shown.
DEPARTMENTS = {
    "housing": mark("住建"),
    "civil_affairs": mark("民政"),
    "rural": mark("乡村振兴"),
    "resettlement": mark("移民"),
    "other": mark("其他"),
}
#: None is mistaken for another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Account(User):
    """One account. ``uuid`` is what records and the audit log keep: FAB's integer ids collide
    when provincial databases flow together. ``first_name`` is the unit's or person's name.

    ``registers`` says what the account may do in each register (name -> ``RegisterAccess``); one
    that is not named is closed to it. None, as for all managers, is every register.
    """

    __tablename__ = "ab_user"

    uuid: Mapped[uuid.UUID] = mapped_column(
        UuidType, default=uuid7, unique=True, nullable=False, index=True
    )
    kind: Mapped[Kind] = mapped_column(CodeType(Kind), nullable=False, default=Kind.ORDINARY)
    level: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=int(Level.VILLAGE))
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), nullable=True)
    path: Mapped[str | None] = mapped_column(PathType, nullable=True, index=True)
    phone: Mapped[str | None] = mapped_column(NfcText(32))
    department: Mapped[str | None] = mapped_column(NfcText(32))
    must_change_password: Mapped[bool] = mapped_column(Boolean, nullable=False, default=True)
    demo: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    contact_name: Mapped[str | None] = mapped_column(NfcText(64))
    contact_phone: Mapped[str | None] = mapped_column(NfcText(32))
    #: 封闭, beside 正常 and 注销: since when, and why (app.access.accounts.unusual.reason_of tells it).
    locked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    lock_reason: Mapped[str | None] = mapped_column(NfcText(200))
    #: 录入人 and 审核责任人 of the account (2020 manual §五, 录入人台账).
    entry_person: Mapped[str | None] = mapped_column(NfcText(64))
    review_person: Mapped[str | None] = mapped_column(NfcText(64))
    registers: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    #: Which columns the account sees in a list, in its order: ``register/menu`` -> names of fields.
    list_columns: Mapped[dict[str, list[str]] | None] = mapped_column(JSON(none_as_null=True))

    #: What policy.rights_of said when the account was read, for one request.
    rights = cast("str | None", None)
    #: The row of app.access.session under which it is signed in, for one request.
    opened = cast("Any", None)

    region: Mapped[Any] = relationship(Region, lazy="raise", foreign_keys=[region_id])

    def get_id(self) -> str:
        """What a session keeps: the account, and which password it was opened with."""
        opened_with = hashlib.sha256((self.password or "").encode()).hexdigest()[:16]
        return f"{self.id}-{opened_with}"

    def __repr__(self) -> str:
        return f"<Account {self.username}>"


#: The locked ones are few among all accounts, and asked for at every manager's desk.
Index(
    "ix_ab_user_locked",
    Account.path,
    sqlite_where=Account.locked_at.is_not(None),
    postgresql_where=Account.locked_at.is_not(None),
)
Index("ix_ab_user_place", Account.path, Account.id)  # the order of lists


def first_password() -> str:
    """Twelve characters, letters and digits, easy to read from paper."""
    while True:
        made = "".join(secrets.choice(_LETTERS) for _ in range(12))
        if any(c.isdigit() for c in made) and any(c.isalpha() for c in made):
            return made


def hashed(password: str) -> str:
    """What is stored of a password; takes some 70 ms on purpose."""
    method = current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
    return generate_password_hash(password, method=method)
