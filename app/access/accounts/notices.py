"""Short notices to a division: what changed that its people must know of.

Each is told once, to the division; each of its accounts sees it on the desk until it has taken note
itself: what one has read is new for another. What concerns the division's accounts and persons in
charge is its managers' alone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    ScalarSelect,
    String,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.access.account import Account
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region
from app.core.choices import Choices
from app.core.clock import now, uuid7
from app.core.db import Model, upsert
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.core.types import CodeType, UtcDateTime, UuidType


class NoticeKind(Choices):
    """What a notice tells; its text takes the values of ``Notice.values``."""

    CROWDED = "crowded", "%(place)s合并后有%(used)s个%(what)s，最多%(most)s个，请注销多余的账号。"
    OFFICERS = "officers", "%(place)s更新了负责人与责任人名单：%(what)s"
    MOVE_ASKED = "move_asked", "%(name)s户申请从%(from)s迁往%(to)s，请审批"
    MOVE_DONE = "move_done", "%(name)s户已从%(from)s迁入%(to)s"
    MOVE_REFUSED = "move_refused", "%(name)s户从%(from)s迁往%(to)s的申请未获同意"
    MOVE_WITHDRAWN = "move_withdrawn", "%(name)s户从%(from)s迁往%(to)s的申请已撤回"
    HANDOVER_ASKED = "handover_asked", "%(who)s申请把%(name)s的工匠信息转入%(to)s，请答复"
    HANDOVER_GIVEN = "handover_given", "%(name)s的工匠信息已由%(who)s转出，归您处管理"
    HANDOVER_KEPT = "handover_kept", "%(who)s未同意转出%(name)s的工匠信息"
    RESETTLE = (
        "resettle",
        "%(place)s有%(homes)s户改以排查时间最近的住房安全信息为准（%(names)s），%(day)s起自动调整：%(what)s",
    )
    RESURVEY = "resurvey", "%(name)s户的%(what)s已于%(day)s验收合格，请重新入户排查"
    QUOTA = "quota", "%(giver)s下达%(year)s年%(what)s任务量：%(n)s"
    URGED = (
        "urged",
        "%(giver)s提醒：%(register)s%(rate)s第%(place)s名，请补齐%(what)s。附言：%(message)s",
    )
    TAKEN_BACK = "taken_back", "%(who)s撤回了导入“%(name)s”，原因：%(reason)s"
    CERTIFICATES = "certificates", "%(place)s有%(n)s名工匠的证书将在90天内到期或已过期，请提醒换证"


#: Told to whoever manages the division's accounts, and to nobody else.
TO_MANAGERS = (NoticeKind.CROWDED, NoticeKind.OFFICERS)


class Notice(Model):
    """One notice to the accounts of ``region_id``."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_told", "region_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    region_id: Mapped[int] = mapped_column(
        ForeignKey("region.id", ondelete="CASCADE"), nullable=False
    )
    kind: Mapped[NoticeKind] = mapped_column(CodeType(NoticeKind), nullable=False)
    values: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    url: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)

    @property
    def text(self) -> str:
        """The sentence in the reader's language."""
        values = {k: _said(v) for k, v in self.values.items()}
        return translate(self.kind.zh, **values)


class NoticeSeen(Model):
    """An account has taken note of a notice."""

    __tablename__ = "notice_seen"

    notice_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)


def _said(value: Any) -> str:
    """A value in the reader's language: a text, or texts with how many households each concerns."""
    if not isinstance(value, list):
        return translate(str(value))
    return _("；").join(_("%(what)s%(n)s户", what=translate(what), n=n) for what, n in value)


def tell(
    session: Session,
    region_id: int,
    kind: NoticeKind,
    url: str,
    **values: str | Sequence[tuple[str, int]],
) -> Notice:
    """Tell the accounts of a division; the caller commits. ``values`` are texts, or texts with the
    number of households that each concerns.
    """
    made = Notice(region_id=region_id, kind=kind, url=url, values=values)
    session.add(made)
    return made


def tell_each(
    session: Session, region_ids: Iterable[int | None], kind: NoticeKind, url: str, **values: str
) -> None:
    """Tell several divisions, each once; the caller commits."""
    for region_id in sorted({one for one in region_ids if one is not None}):
        tell(session, region_id, kind, url, **values)


def tell_once(session: Session, region_id: int, kind: NoticeKind, url: str, **values: str) -> None:
    """Tell a division, unless it was told of this page before; the caller commits."""
    known = select(Notice.id).where(
        Notice.region_id == region_id, Notice.kind == kind, Notice.url == url
    )
    if session.scalar(known.limit(1)) is None:
        tell(session, region_id, kind, url, **values)


def home_of(session: Session, account_id: uuid.UUID | None) -> int | None:
    """The division of an account, where it is told what became of what it asked for."""
    return session.scalar(select(Account.region_id).where(Account.uuid == account_id))


def region_above(session: Session, path: str) -> int | None:
    """The division above the one at ``path``, whose managers are told what changed there."""
    above = path[:-1].rpartition(".")[0]
    if not above:
        return None
    query = select(Region.id).where(Region.path == f"{above}.", ~Region.structural)
    return session.scalar(query)


def unseen(session: Session, actor: Actor, start: int = 0, most: int = 20) -> Sequence[Notice]:
    """What the actor was told and has not taken note of, newest first, from the one at ``start``."""
    query = select(Notice).where(*_new_to(actor)).order_by(Notice.at.desc(), Notice.id.desc())
    return session.scalars(query.offset(start).limit(most)).all()


def number_unseen(actor: Actor) -> ScalarSelect[int]:
    """SQL: how many the actor has not taken note of."""
    query = select(func.count()).select_from(Notice)
    return query.where(*_new_to(actor)).scalar_subquery()


def take_note(session: Session, actor: Actor, notice_id: uuid.UUID) -> None:
    """The actor has read it; the caller commits. :raises NotFound: it was told to somebody else."""
    if session.scalar(select(Notice.id).where(Notice.id == notice_id, *_told(actor))) is None:
        raise NotFound(_("没有找到这条通知。"))
    seen = upsert(session, NoticeSeen).values(notice_id=notice_id, account_id=actor.account_id)
    session.execute(seen.on_conflict_do_nothing())  # a second click changes nothing


def take_note_of_all(session: Session, actor: Actor, until: dt.datetime) -> None:
    """The actor has read all that it was told until then; the caller commits."""
    mine = literal(actor.account_id, UuidType), literal(now(), UtcDateTime)
    rows = select(Notice.id, *mine).where(*_new_to(actor), Notice.at <= until)
    seen = upsert(session, NoticeSeen).from_select(["notice_id", "account_id", "at"], rows)
    session.execute(seen.on_conflict_do_nothing())


def _new_to(actor: Actor) -> list[ColumnElement[bool]]:
    seen = select(NoticeSeen.notice_id).where(
        NoticeSeen.notice_id == Notice.id, NoticeSeen.account_id == actor.account_id
    )
    return [*_told(actor), ~seen.exists()]


def _told(actor: Actor) -> list[ColumnElement[bool]]:
    here = [Notice.region_id == actor.region_id]
    if not actor.has(Capability.MANAGE_USERS):
        here.append(Notice.kind.not_in(TO_MANAGERS))
    return here
