"""Photos and papers of a record: taken in, turned, ordered, taken off; only through their owner."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import func, select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.files.storage import discard, storage
from app.core.files.uploads import TURNS, Upload, inspect_upload, turn_photo
from app.core.i18n import _, translate
from app.core.transactions import orphaned, rest, stored
from app.kernel.declare import stages
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register
from app.kernel.records import history, renewals
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment

#: What a copy of a file in another record says as the file does.
_OF_FILE = (
    "register", "field", "name", "mime", "size", "sha256", "width", "height", "turned", "pages",
    "taken_at", "latitude", "longitude", "device",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A file as its sender describes it. ``key`` is the sender's own name of it: sent once more, after
    a line broke off, it is the same file. ``turned``: degrees clockwise from where the camera held it.
    """

    stream: BinaryIO
    name: str
    key: uuid.UUID | None = None
    turned: int = 0


@dataclass(frozen=True)
class Received:
    """A file that was looked at and stored; :func:`add` makes it one of the record's."""

    made: Field
    sent: Sent
    upload: Upload
    keys: tuple[str, str]


def receive(
    register: Register, record_id: uuid.UUID, field: str, sent: Sent
) -> Attachment | Received:
    """Look at a file for a field of a record, before the transaction: to read a photo takes long, and
    nobody waits meanwhile; what the record would not take is not looked at. What was taken in before
    under the same key is given as it is.

    :raises BadInput: no such field, too many files, or not what was asked for.
    """
    made = register.fields.get(field)
    if made is None or made.stored:
        raise NotFound(_("没有这个上传项。"))
    _require_own(register, record_id)
    _require_quarter(sent.turned)
    before = _sent_before(register, record_id, sent)
    if before is None:
        row, _actor = _editable(register, record_id, field)
        _next_position(row, made)
    rest()
    if before is not None:
        return before
    upload = inspect_upload(
        sent.stream, "photo" if made.accept == "photo" else "paper", sent.turned
    )
    return Received(made, sent, upload, _keep(upload))


def add(register: Register, record_id: uuid.UUID, received: Attachment | Received) -> Attachment:
    """Take a file that was received into an editable record; one that is there is given as it is.

    :raises BadInput: too many files.
    """
    if isinstance(received, Attachment):
        return received
    stored(*received.keys)
    attachment = _attach(register, record_id, received)
    db.session.flush()  # it has its key
    if attachment.key not in received.keys:  # the same file arrived twice at the same time
        orphaned(received.keys)
    return attachment


def give_up(received: Iterable[Attachment | Received]) -> None:
    """These are taken into no record."""
    for one in received:
        if isinstance(one, Received):
            _discard(one.keys)


#: A paper of the record before with new keys of its own, of it and of its small picture.
Copy = tuple[Attachment, tuple[str, str | None]]


def copies(register: Register, record_id: uuid.UUID, field: str) -> list[Copy]:
    """Copies of the papers of the record before, made before the transaction: :func:`reuse` takes
    them.

    :raises NotFound: no such field of papers.
    """
    made = register.fields.get(field)
    if made is None or made.accept != "paper":
        raise NotFound(_("没有这个上传项。"))
    row = records.get(register, record_id)
    policy.require(Capability.ENTER, register.name, row)
    found = [file for file in renewals.papers(register, row) if file.field == field]
    rest()
    with ExitStack() as undo:
        copied = [(file, _copy(file, undo)) for file in found]
        undo.pop_all()
    return copied


def reuse(
    register: Register, record_id: uuid.UUID, field: str, copied: Sequence[Copy]
) -> list[Attachment]:
    """Take copies of papers into the same field of a new record, each once only. Gives those that
    were added.

    :raises BadInput: there are none to take, or too many.
    """
    made = register.fields[field]
    stored(*(key for _file, keys in copied for key in keys if key))
    row, actor = _editable(register, record_id, field, lock=True)
    there = [file.sent_key for file in records.attachments_of(row) if file.field == field]
    new = [(file, keys) for file, keys in copied if file.id not in there]
    if not new:
        raise BadInput(_("上次的记录中没有可沿用的材料。"))
    if made.high is not None and len(there) + len(new) > made.high:
        label = translate(made.label)
        raise BadInput(_("“%(label)s”最多%(n)s个文件，请先移除。", label=label, n=made.high))
    added = [
        _take_over(row, actor, file, keys, len(there) + number)
        for number, (file, keys) in enumerate(new, 1)
    ]
    for file in added:
        detail = {"added": file.key, "field": field, "sha256": file.sha256}
        audit.record(db.session, Act.FILE, register=register.name, row=row, detail=detail)
    records.follow_files(register, row)
    for file, keys in copied:  # what was there already
        if file.id in there:
            orphaned(key for key in keys if key)
    return added


def _copy(file: Attachment, undo: ExitStack) -> tuple[str, str | None]:
    """New keys of a file and of its small picture, given up with ``undo``."""
    keys = [storage().copies(key, 1)[0] for key in file.keys]
    undo.callback(_discard, keys)
    return keys[0], keys[1] if file.thumb_key else None


def _take_over(
    row: Any, actor: Actor, file: Attachment, keys: tuple[str, str | None], position: int
) -> Attachment:
    same = {name: getattr(file, name) for name in _OF_FILE}
    made = Attachment(
        record_id=row.id, region_id=row.region_id, position=position, key=keys[0],
        thumb_key=keys[1], sent_key=file.id, added_by=actor.account_id, **same,
    )  # fmt: skip
    db.session.add(made)
    return made


@dataclass(frozen=True)
class Turned:
    """A photo as it stands turned, stored; :func:`turn` puts it in the place of the other."""

    photo: Attachment
    by: int
    old: list[str]
    upload: Upload
    keys: tuple[str, str]


def turned(
    register: Register, record_id: uuid.UUID, file_id: uuid.UUID, by: int
) -> Attachment | Turned:
    """A photo that shall stand ``by`` degrees from where the camera held it, made before the
    transaction; the photo itself where it stands so.

    :raises BadInput: no such photo, or no quarter turn.
    """
    _require_own(register, record_id)
    _require_quarter(by)
    photo = db.session.get(Attachment, file_id)
    if photo is None or photo.record_id != record_id or not photo.is_photo:
        audit.refused(register=register.name, detail={"file": str(file_id)})
        raise NotFound(_("没有找到该照片，它可能已被移除。"), noted=True)
    policy.require(Capability.ENTER, register.name, photo)
    rest()
    if photo.turned == by:
        return photo
    with storage().open(photo.key) as stream:
        upload = turn_photo(stream.read(), (by - photo.turned) % 360)
    return Turned(photo, by, photo.keys, upload, _keep(upload))


def turn(register: Register, it: Turned) -> Attachment:
    """Let a photo stand as it was turned.

    :raises Conflict: somebody changed it meanwhile.
    """
    stored(*it.keys)
    _replace(register, it.photo, it.old, it.upload, it.keys)
    it.photo.turned = it.by
    orphaned(it.old)
    return it.photo


def _replace(
    register: Register,
    attachment: Attachment,
    old: list[str],
    upload: Upload,
    keys: tuple[str, str],
) -> None:
    row, _actor = _editable(register, attachment.record_id, attachment.field, lock=True)
    db.session.refresh(attachment)
    if attachment.keys != old:
        raise Conflict(_("这张照片刚被他人修改，请刷新后再试。"), row=row)
    attachment.key, attachment.thumb_key = keys
    attachment.sha256, attachment.size = upload.sha256, len(upload.content)
    attachment.width, attachment.height = upload.width, upload.height
    detail = {"file": str(attachment.id), "field": attachment.field, "sha256": upload.sha256}
    audit.record(db.session, Act.FILE, register=register.name, row=row, detail=detail)


def _require_own(register: Register, record_id: uuid.UUID) -> None:
    """Where it matters who entered a record, that is asked before a file is looked at."""
    if register.owned:
        row = records.get(register, record_id)
        records.require_entry(register, row)


def _require_quarter(turned: int) -> None:
    if turned not in TURNS:
        raise BadInput(_("照片只能按90度旋转。"))


def _sent_before(register: Register, record_id: uuid.UUID, sent: Sent) -> Attachment | None:
    if sent.key is None:
        return None
    theirs = (Attachment.record_id == record_id, Attachment.sent_key == sent.key)
    found: Attachment | None = db.session.scalar(select(Attachment).where(*theirs))
    if found is not None:
        policy.require(Capability.ENTER, register.name, found)
    return found


def _editable(
    register: Register, record_id: uuid.UUID, field: str, *, lock: bool = False
) -> tuple[Any, Actor]:
    """The record, and who may change its files in this field."""
    row = records.get(register, record_id, lock=lock)
    actor = records.require_entry(register, row)
    if not stages.is_open(register, row):
        raise Conflict(
            _(
                "该%(what)s现在是“%(state)s”，不能上传。",
                what=register.word,
                state=register.state_text(row.state),
            ),
            row=row,
        )
    _require_unlocked(register, row, {field})
    return row, actor


def _require_unlocked(register: Register, row: Any, fields: set[str]) -> None:
    if fields & stages.locked(register, row):
        raise Conflict(_("所属阶段已审核通过，文件不能改动。"), row=row)


def _attach(register: Register, record_id: uuid.UUID, received: Received) -> Attachment:
    made, sent, upload = received.made, received.sent, received.upload
    row, actor = _editable(register, record_id, made.name, lock=True)
    if before := _sent_before(register, record_id, sent):
        return before
    position = _next_position(row, made)
    latitude, longitude = upload.place or (None, None)
    attachment = Attachment(
        register=register.name,
        record_id=row.id,
        region_id=row.region_id,
        field=made.name,
        position=position,
        name=_plain_name(sent.name, upload.suffix),
        mime=upload.media_type,
        size=len(upload.content),
        key=received.keys[0],
        thumb_key=received.keys[1],
        sha256=upload.sha256,
        sent_key=sent.key,
        width=upload.width,
        height=upload.height,
        pages=upload.pages,
        turned=sent.turned if upload.suffix == "jpg" else 0,
        taken_at=upload.taken_at,
        latitude=latitude,
        longitude=longitude,
        device=upload.device or None,
        added_by=actor.account_id,
    )
    db.session.add(attachment)
    detail = {"added": attachment.key, "field": made.name, "sha256": upload.sha256}
    audit.record(db.session, Act.FILE, register=register.name, row=row, detail=detail)
    records.follow_files(register, row)
    return attachment


def _next_position(row: Any, made: Field) -> int:
    """Where the next file of a field stands. Raises BadInput where it has as many as it may."""
    mine = (Attachment.record_id == row.id, Attachment.field == made.name)
    count, last = db.session.execute(
        select(func.count(), func.max(Attachment.position)).where(*mine)
    ).one()
    if made.high is not None and count >= made.high:
        label = translate(made.label)
        raise BadInput(_("“%(label)s”最多%(n)s个文件，请先移除再上传。", label=label, n=made.high))
    return (last or 0) + 1


def _keep(upload: Upload) -> tuple[str, str]:
    """Store a file and its small picture; gives both keys, or keeps neither."""
    key = storage().put(io.BytesIO(upload.content), upload.suffix)
    with ExitStack() as undo:
        undo.callback(discard, key)
        small = storage().put(io.BytesIO(upload.thumb), "jpg")
        undo.pop_all()
    return key, small


def _discard(keys: Iterable[str]) -> None:
    for key in keys:
        discard(key)


def arrange(register: Register, row: Any, removed: Sequence[str], order: Sequence[str]) -> None:
    """Drop the files that were taken off the form of a record that is locked, as a save leaves it, and
    keep the rest in its order.

    :raises Conflict: the record was submitted before; its files stay as they were seen.
    """
    if not removed and not order:
        return
    records.require_entry(register, row)
    if not stages.is_open(register, row):
        text = _(
            "该%(what)s现在是“%(state)s”，文件没有改动。",
            what=register.word,
            state=register.state_text(row.state),
        )
        raise Conflict(text, row=row)
    kept = {str(a.id): a for a in records.attachments_of(row)}
    gone = [kept.pop(i) for i in removed if i in kept]
    _require_unlocked(register, row, {attachment.field for attachment in gone})
    for position, file_id in enumerate(i for i in order if i in kept):
        kept[file_id].position = position + 1
    for attachment in gone:
        db.session.delete(attachment)
        audit.record(
            db.session, Act.FILE, register=register.name, row=row,
            detail={"removed": str(attachment.id), "field": attachment.field},
        )  # fmt: skip
    if gone:
        records.follow_files(register, row)
    if gone and not history.of(row):  # else an earlier submission may still point at them
        orphaned(key for attachment in gone for key in attachment.keys)


def _plain_name(name: str, suffix: str) -> str:
    """The last part of what a browser calls the file, with the suffix that its content has."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = "".join(c for c in last.rsplit(".", 1)[0] if c.isprintable()).strip()[:80]
    stem = stem or _("文件")
    return f"{stem}.{suffix}"
