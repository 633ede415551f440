"""Photos that stand more than once, and what photos say."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.kernel.declare.field import Compared
from app.kernel.declare.groups import HIDDEN
from app.kernel.declare.register import Register
from app.kernel.figures import shared_values
from app.kernel.figures.comparing import saying
from app.kernel.figures.shared_values import Value
from app.kernel.rows.file import Attachment


def twice(
    session: Session, register: Register, wanted: Mapping[uuid.UUID, Mapping[str, bool]]
) -> set[tuple[uuid.UUID, str]]:
    """Records of these that have another photo which stands twice, where the one that changed does not."""
    found: set[tuple[uuid.UUID, str]] = set()
    for code, rule in register.shared.items():
        keys = [k for k, codes in wanted.items() if codes.get(code) is False]
        if rule.kind == Compared.PHOTO and keys:
            found |= {(key, code) for key in shared(session, register, code, keys)}
    return found


def shared(
    session: Session, register: Register, code: str, keys: Sequence[uuid.UUID] | None = None
) -> set[uuid.UUID]:
    """Records, of these or of all, a photo of which stands so often."""
    files, rule = Attachment.__table__, register.shared[code]
    mine = files.c.register == register.name, files.c.field.in_(rule.fields.split())
    picture = and_(files.c.mime.like("image/%"), files.c[HIDDEN].is_(None))
    often = select(files.c.sha256).where(*mine, picture)
    if keys is not None:
        theirs = select(files.c.sha256).where(*mine, picture, files.c.record_id.in_(keys))
        often = often.where(files.c.sha256.in_(theirs))
    often = often.group_by(files.c.sha256).having(func.count() >= saying.least_of(session, rule))
    found = select(files.c.record_id).where(*mine, picture, files.c.sha256.in_(often))
    found = found if keys is None else found.where(files.c.record_id.in_(keys))
    return set(session.connection().scalars(found))


def said(
    session: Session, register: Register, keys: Sequence[uuid.UUID]
) -> Iterator[tuple[Value, str, str]]:
    """What photos of these records say, but for those that were deleted: value, file and record."""
    rules = {c: r for c, r in register.shared.items() if r.kind == Compared.PHOTO}
    theirs = Attachment.register == register.name, Attachment.record_id.in_(keys)
    query = select(Attachment).where(*theirs, getattr(Attachment, HIDDEN).is_(None))
    files = session.scalars(query) if rules and keys else ()
    for file in files:
        for code, rule in rules.items():
            if file.is_photo and file.field in rule.fields.split():
                value = shared_values.value(rule.kind, f"{register.name}.{code}", file.sha256)
                yield value, file.id.hex, file.record_id.hex
