"""Photos and papers of a record: taken in, ordered, taken off; only through their owner."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from typing import Any, BinaryIO

from sqlalchemy import func, select

from app.access import audit, policy
from app.access.actor import Capability
from app.access.audit import Act
from app.actions import records
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import _, translate
from app.core.storage import discard, storage
from app.core.uploads import Upload, inspect_upload
from app.registry.attachments import Attachment
from app.registry.field import FILES, Field
from app.registry.flow import EDITABLE
from app.registry.register import Register


def add(
    register: Register, record_id: uuid.UUID, field: str, stream: BinaryIO, name: str
) -> Attachment:
    """Take a file into a field of an editable record. Commits.

    :raises BadInput: no such field, too many files, or not what was asked for.
    """
    made = register.fields.get(field)
    if made is None or made.kind != FILES:
        raise NotFound(_("没有这个上传项。"))
    upload = inspect_upload(stream, "photo" if made.accept == "photo" else "paper")
    key = storage().put(io.BytesIO(upload.content), upload.suffix)
    try:
        attachment = _attach(register, record_id, made, upload, key)
        attachment.name = _plain_name(name, upload.suffix)
        db.session.commit()
    except Exception:
        discard(key)
        raise
    return attachment


def _attach(
    register: Register, record_id: uuid.UUID, made: Field, upload: Upload, key: str
) -> Attachment:
    row = records.get(register, record_id, lock=True)
    actor = policy.require(Capability.ENTER, register.name, row)
    if row.state not in EDITABLE:
        raise Conflict(_("该档案现在是“%(state)s”，不能上传。", state=row.state.label), row=row)
    mine = (Attachment.record_id == row.id, Attachment.field == made.name)
    count, last = db.session.execute(
        select(func.count(), func.max(Attachment.position)).where(*mine)
    ).one()
    if made.high is not None and count >= made.high:
        label = translate(made.label)
        raise BadInput(_("“%(label)s”最多%(n)s个文件，请先移除再上传。", label=label, n=made.high))
    attachment = Attachment(
        register=register.name,
        record_id=row.id,
        region_id=row.region_id,
        field=made.name,
        position=(last or 0) + 1,
        name=made.name,
        mime=upload.media_type,
        size=len(upload.content),
        key=key,
        sha256=upload.sha256,
        added_by=actor.account_id,
    )
    db.session.add(attachment)
    detail = {"added": key, "field": made.name, "sha256": upload.sha256}
    audit.record(db.session, Act.FILE, register=register.name, row=row, detail=detail)
    return attachment


def arrange(register: Register, row: Any, removed: Sequence[str], order: Sequence[str]) -> None:
    """After a save: drop the files that were taken off the form, keep the rest in its order.

    :raises Conflict: somebody submitted the record since; its files stay as they were seen.
    """
    row = records.get(register, row.id, lock=True)
    if row.state not in EDITABLE:
        text = _("该档案现在是“%(state)s”，文件没有改动。", state=row.state.label)
        raise Conflict(text, row=row)
    kept = {str(a.id): a for a in records.attachments_of(row)}
    gone = [kept.pop(i) for i in removed if i in kept]
    for position, file_id in enumerate(i for i in order if i in kept):
        kept[file_id].position = position + 1
    for attachment in gone:
        db.session.delete(attachment)
        audit.record(
            db.session, Act.FILE, register=register.name, row=row,
            detail={"removed": str(attachment.id), "field": attachment.field},
        )  # fmt: skip
    submitted_before = bool(gone) and bool(records.history(row))
    db.session.commit()
    if not submitted_before:  # else an earlier submission may still point at them
        for attachment in gone:
            discard(attachment.key)


def _plain_name(name: str, suffix: str) -> str:
    """The last part of what a browser calls the file, with the suffix that its content has."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = "".join(c for c in last.rsplit(".", 1)[0] if c.isprintable()).strip()[:80]
    stem = stem or _("文件")
    return f"{stem}.{suffix}"
