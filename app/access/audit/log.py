"""The audit log (spec 01): who did what to what, when, from where. Append-only.

Entries are added to the caller's session, so that a change and its entry stand or fall together;
:func:`note` writes at once in a session of its own, for things that are no change (a refused
request, a look at masked data). What is refused is gathered: the first of an account and network address
within a minute has its entry at once, and one more tells how many came after it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import has_request_context, request
from sqlalchemy import JSON, Index, Integer, String, delete, event, text
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column

from app.access.scope import current_actor, unscoped
from app.core import transactions
from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model, db, read_only, upsert
from app.core.jobs.table import JobContext, daily_job
from app.core.types import CodeType, NfcText, PathType, UtcDateTime, UuidType


class Act(Choices):
    """Kinds of entries."""

    LOGIN = "login", "登录"
    LOGIN_FAILED = "login_failed", "登录失败"
    LOGOUT = "logout", "退出登录"
    LOCKED_OUT = "locked_out", "登录锁定"
    SESSION = "session", "结束登录"
    PASSWORD = "password", "修改密码"
    VIEW = "view", "查看记录"
    REVEAL = "reveal", "查看完整个人信息"
    CREATE = "create", "新增"
    UPDATE = "update", "修改"
    DELETE = "delete", "删除"
    RESTORE = "restore", "恢复"
    TRANSITION = "transition", "流程操作"
    IMPORT = "import", "导入"
    TAKE_BACK = "take_back", "撤回导入"
    EXPORT = "export", "导出"
    REFUSED = "refused", "越权访问"
    PERMISSION = "permission", "权限变更"
    LOCK = "lock", "封闭账号"
    UNLOCK = "unlock", "解除封闭"
    DUPLICATE = "duplicate", "查重"
    FILE = "file", "附件"
    SETTING = "setting", "参数变更"
    NOTICE = "notice", "发送通知"


#: Lengths of paths that hold many entries: provinces, cities, counties (see Region).
AREA_WIDTHS = (5, 8, 11)


class AuditEntry(Model):
    """One line. ``path`` is the division it happened in (or the account's own)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_place", "path", "at"),
        Index("ix_audit_entry_account", "account_id", "at"),
        Index("ix_audit_entry_record", "record_id", "at"),
        # A search by area is one short range for each kind of act: see app.access.audit.search.
        Index("ix_audit_entry_act", "act", "at", "id"),
        Index("ix_audit_entry_register", "register", "act", "at", "id"),
        *(
            Index(f"ix_audit_entry_area_{n}", text(f"substr(path, 1, {n})"), "act", "at", "id")
            for n in AREA_WIDTHS
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    act: Mapped[Act] = mapped_column(CodeType(Act), nullable=False)
    account_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    account_name: Mapped[str | None] = mapped_column(NfcText(128))
    path: Mapped[str | None] = mapped_column(PathType)
    address: Mapped[str | None] = mapped_column(String(64))
    register: Mapped[str | None] = mapped_column(String(32))
    record_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSON)


@event.listens_for(Session, "before_flush")
def _keep(session: Session, _context: Any, _instances: Any) -> None:
    for entry in (*session.dirty, *session.deleted):
        if isinstance(entry, AuditEntry) and (
            entry in session.deleted or session.is_modified(entry)
        ):
            raise RuntimeError("the audit log is only added to")


@event.listens_for(Session, "do_orm_execute")
def _keep_all(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete) and any(
        mapper.class_ is AuditEntry for mapper in state.all_mappers
    ):
        raise RuntimeError("the audit log is only added to")


def record(
    session: Session,
    act: Act,
    *,
    register: str | None = None,
    row: Any = None,
    path: str | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry to ``session``; ``row`` gives its key and place, ``path`` another place."""
    entry = entry_of(act, register=register, row=row, path=path, detail=detail)
    session.add(entry)
    return entry


def entry_of(
    act: Act,
    *,
    register: str | None = None,
    row: Any = None,
    path: str | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """An entry about what this account does now, to be written by :func:`write` or a session."""
    actor = current_actor()
    if actor and actor.token:
        detail = {**(detail or {}), "token": actor.token}
    return AuditEntry(
        at=now(),
        act=act,
        account_id=actor.account_id if actor else None,
        account_name=f"{actor.login} {actor.name}" if actor else None,
        path=path or getattr(row, "path", None) or (actor.path if actor else None),
        address=request.remote_addr if has_request_context() else None,
        register=register,
        record_id=getattr(row, "id", None),
        detail=detail,
    )


def note(act: Act, **kwargs: Any) -> None:
    """Write an entry whatever becomes of the caller's transaction: at once, or when that is over."""
    entry = entry_of(act, **kwargs)
    if transactions.is_open():
        transactions.apart(lambda: write(entry))
    else:
        write(entry)


def refused(**kwargs: Any) -> None:
    """Note that something was asked for which is not in the actor's area, or not there. What the
    session holds outside a request's transaction is given up before.
    """
    entry = entry_of(Act.REFUSED, **kwargs)
    transactions.apart(lambda: write(entry))


def write(entry: AuditEntry) -> None:
    """Write one entry in a transaction of its own."""
    with read_only(value=False), unscoped("the log takes refused requests too") as session:
        if entry.act == Act.REFUSED and entry.account_id is not None:
            _gather(session, entry)
        else:
            session.add(entry)
        session.commit()


# ---- what is refused -------------------------------------------------------------------------

_GATHERED_FOR = dt.timedelta(minutes=1)


class Refusals(Model):
    """What an account was refused from one network address since an entry told of it: ``n`` times."""

    __tablename__ = "refusals"

    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    address: Mapped[str] = mapped_column(String(64), primary_key=True)  # empty: none, in a job
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    last: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    n: Mapped[int] = mapped_column(Integer, nullable=False)
    account_name: Mapped[str | None] = mapped_column(NfcText(128))
    path: Mapped[str | None] = mapped_column(PathType)


def _gather(session: Session, entry: AuditEntry) -> None:
    """Add an entry of a refusal, or count it where one told of the account within the minute."""
    tell_gathered(session)
    mine = {"account_id": entry.account_id, "address": entry.address or ""}
    first = upsert(session, Refusals).values(
        **mine, since=entry.at, last=entry.at, n=0,
        account_name=entry.account_name, path=entry.path,
    )  # fmt: skip
    counted = first.on_conflict_do_update(
        index_elements=["account_id", "address"],
        set_={"n": Refusals.n + 1, "last": entry.at},
    ).returning(Refusals.n)
    if session.scalar(counted) == 0:
        session.add(entry)


def tell_gathered(session: Session) -> None:
    """An entry for each account and address whose minute is over, of how much came after the first."""
    over = delete(Refusals).where(Refusals.since <= now() - _GATHERED_FOR).returning(Refusals)
    for gathered in session.scalars(over).all():
        if gathered.n:
            session.add(
                AuditEntry(
                    at=gathered.last,
                    act=Act.REFUSED,
                    account_id=gathered.account_id,
                    account_name=gathered.account_name,
                    path=gathered.path,
                    address=gathered.address or None,
                    detail={"more_refused": gathered.n},
                )
            )


@daily_job("audit.refusals", title="登记一分钟内的其余越权访问")
def tell_the_rest(_job: JobContext) -> None:
    """Tell of refusals after which nobody was refused anything."""
    with transactions.transaction():
        tell_gathered(db.session())
