"""One part of an import taken back: a household with all that is about it, or a single row.

It goes as a whole or stays as a whole. It stays where somebody changed a row of it since, where it lies
outside the account's area by now, or where a rule refuses what is undone; then the reason is told.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.access import policy
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import regions
from app.access.scope import Hides, joined
from app.core.clock import to_minute
from app.core.db import db
from app.core.errors import AnjuError
from app.core.i18n import _, mark, translate
from app.core.transactions import attempt
from app.kernel import hooks
from app.kernel.declare.register import Register, register_of
from app.kernel.exchange.taking_back.images import ImportImage, ImportRun, Wrote
from app.kernel.kinds.values import to_json
from app.kernel.records import hiding, history
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.kernel.rows.record import Draft, HistoryEntry

GONE, RESTORED, STAYS, ABSENT = "gone", "restored", "stays", "absent"
#: What histories of records call it.
STEP = mark("撤回导入")


@hooks.step_words.listen()
def step_words() -> tuple[str, ...]:
    """Steps that stand in no flow."""
    return (STEP,)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a unit, and of one that stays why."""

    outcome: str
    name: str = ""
    place: str = ""
    why: str = ""


class Units:
    """Some units of a run, locked: what each statement asks it asks for all of them."""

    def __init__(
        self,
        run: ImportRun,
        subject: tuple[Capability, str],
        units: Sequence[list[ImportImage]],
        reason: str,
    ) -> None:
        """``subject``: the right that the import asked for, and of which register."""
        self.run, self.subject, self.reason = run, subject, reason
        images = [image for unit in units for image in unit]
        self.rows = _locked(db.session(), images)
        keys = [image.key for image in images]
        added = Attachment.added_at >= run.made_at
        self.files = _owners(Attachment.record_id, keys, added)
        self.typed = _owners(Draft.record_id, keys)
        lost = [image for image in images if image.key not in self.rows]
        self.elsewhere = _elsewhere(lost)

    def undo(self, images: Sequence[ImportImage]) -> Outcome:
        """Take a unit back, or say why it stays."""
        rows = [self.rows[image.key] for image in images if image.key in self.rows]
        here = bool(rows) or any(image.key in self.elsewhere for image in images)
        if not here and all(image.wrote == Wrote.MADE for image in images):
            return Outcome(ABSENT)
        said = {"name": _name(rows), "place": _place(rows)}
        if why := next(self._why_stays(images), ""):
            return Outcome(STAYS, why=why, **said)
        if refused := _tried(lambda: self._undo(images)):
            return Outcome(STAYS, why=refused, **said)
        made = any(_is_root(image) and image.wrote == Wrote.MADE for image in images)
        return Outcome(GONE if made else RESTORED, **said)

    def _why_stays(self, images: Sequence[ImportImage]) -> Iterator[str]:
        known = {image.key: image.version for image in images}
        for image in images:
            row = self.rows.get(image.key)
            if row is None and image.wrote != Wrote.DELETED:
                yield translate(_LEFT if image.key in self.elsewhere else _DELETED)
            elif row is not None and row.version != image.version:
                yield _changed(image.key, self.run)
            elif row is not None and not policy.may(*self.subject, row):
                yield translate(_LEFT)
            if image.key in self.files:
                yield translate(_FILES)
            if row is not None and image.wrote == Wrote.MADE:
                if image.key in self.typed:
                    yield translate(_TYPED)
                yield from hooks.why_keep(db.session(), row, known)

    def _undo(self, images: Sequence[ImportImage]) -> None:
        session = db.session()
        ordered = sorted(
            images, key=lambda image: (image.table_name != Household.__tablename__, image.key)
        )
        for image in ordered:
            row = self.rows.get(image.key)
            if image.wrote == Wrote.DELETED:
                session.add(image.model(id=image.key, **image.said()))
            elif image.wrote == Wrote.CHANGED:
                self._restore(row, image)
            elif row not in session.deleted and inspect(row).persistent:
                self._remove(row)
        session.flush()
        for image in ordered:
            if image.wrote == Wrote.CHANGED:
                hooks.restored(session, self.rows[image.key], image.said())
        session.flush()

    def _restore(self, row: Any, image: ImportImage) -> None:
        """The values of before; what follows from them follows."""
        register = register_of(type(row))
        if register is not None and register.name == self.run.register:
            records.require_editable(register, row)
        state = row.state
        said = image.said()
        shown = row.__fields__.keys() & said.keys()
        changes = {n: [to_json(getattr(row, n)), to_json(said[n])] for n in said if n in shown}
        for name, value in said.items():
            setattr(row, name, value)
        self._note(Act.UPDATE, register, row, changes)
        actor = policy.current_actor()
        if register is not None and register.flow is not None and actor is not None:
            history.note(
                register, row, actor, "taken_back", STEP, source=state, opinion=self.reason
            )

    def _remove(self, row: Any) -> None:
        """What the import made goes, with what hangs on it."""
        register, session = register_of(type(row)), db.session()
        if register is not None and register.creates is not None and not register.of_households:
            if register.keeps:
                hiding.hide(register, row.id, row.version, self.reason or translate(STEP))
            else:
                records.clear(register, row.id, row.version)
            return
        changes = {n: [to_json(getattr(row, n)), None] for n in _told_of(register)}
        self._note(Act.DELETE, register, row, changes)
        hooks.unmade(session, row)
        if row not in session.deleted:
            for model in (HistoryEntry, Draft):
                session.execute(delete(model).where(model.record_id == row.id))
            session.delete(row)

    def _note(self, act: Act, register: Register | None, row: Any, changes: dict[str, Any]) -> None:
        name = register.name if register else row.__tablename__
        detail = {"changes": changes, "taken_back": str(self.run.id), "reason": self.reason}
        audit.record(db.session, act, register=name, row=row, detail=detail)


_LEFT = mark("已不在您的管辖范围内。")
_DELETED = mark("其中的记录导入后已被删除。")
_FILES = mark("导入后上传了照片或材料。")
_TYPED = mark("有人正在填写，还没有保存。")
_TAKEN = mark("恢复后的内容与其他记录重复。")


def _tried(do: Any) -> str:
    """Why what ``do`` does is refused; nothing is left of it then."""
    try:
        refused: AnjuError | None = attempt(do)
    except (IntegrityError, StaleDataError):
        return translate(_TAKEN)
    return refused.message if refused else ""


def _locked(session: Session, images: Sequence[ImportImage]) -> dict[uuid.UUID, Any]:
    """The rows of the own area; households last, as who saves a record locks them."""
    keys: dict[Any, list[uuid.UUID]] = defaultdict(list)
    for image in images:
        keys[image.model].append(image.key)
    found = {}
    for model in sorted(keys, key=lambda one: (one is Household, one.__tablename__)):
        query = select(model).where(model.id.in_(keys[model])).order_by(model.id).with_for_update()
        for row in session.scalars(query.execution_options(populate_existing=True)):
            found[row.id] = row
    return found


def _owners(column: Any, keys: Sequence[uuid.UUID], *where: Any) -> set[uuid.UUID]:
    return set(db.session.scalars(select(column).where(column.in_(keys), *where)))


def _elsewhere(lost: Collection[ImportImage]) -> set[uuid.UUID]:
    """Which of the rows that are not here lie outside the area."""
    found: set[uuid.UUID] = set()
    if not lost:
        return found
    with joined(
        "who takes an import back is told whether a row left the area or is gone"
    ) as session:
        for model in {image.model for image in lost}:
            keys = [image.key for image in lost if image.model is model]
            there = select(model.id).where(model.id.in_(keys))
            if issubclass(model, Hides):  # hidden is gone
                there = there.where(model.hidden_on.is_(None))
            found |= set(session.scalars(there))
    return found


def _changed(key: uuid.UUID, run: ImportRun) -> str:
    """Who changed it last, where the log tells."""
    query = select(AuditEntry.account_name, AuditEntry.at).where(
        AuditEntry.record_id == key, AuditEntry.at > run.made_at
    )
    last = db.session.execute(query.order_by(AuditEntry.at.desc()).limit(1)).first()
    if last is None or not last.account_name:
        return translate("导入后已被修改。")
    when = to_minute(last.at)
    return _("导入后已被修改（最后一次：%(who)s，%(when)s）。", who=last.account_name, when=when)


def _is_root(image: ImportImage) -> bool:
    """Is it what the unit is about?"""
    return image.key == image.unit


def _told_of(register: Register | None) -> Sequence[str]:
    """What the log keeps of a row that goes."""
    if register is None:
        return ()
    return [n for n in dict.fromkeys((register.name_field, register.number_field)) if n]


def _place(rows: Sequence[Any]) -> str:
    """Where it lies."""
    region = regions.get(rows[0].region_id) if rows else None
    return region.full_name if region is not None else ""


def _name(rows: Sequence[Any]) -> str:
    """Whom or what the unit is about."""
    for row in rows:
        register = register_of(type(row))
        names = ("head_name", register.name_field if register else "", "name", "number")
        for name in filter(None, names):
            if text := getattr(row, name, None):
                return str(text)
    return ""
