"""The same picture once more, in another field, stage or household: told to who uploads it, at once. Of one
outside the own area it is told that there is one, and no more (spec 01, exception f).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from app.access import policy
from app.access.actor import Capability
from app.access.scope import joined
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.declare.register import Register, get_register
from app.kernel.rows.file import Attachment


@dataclass(frozen=True)
class Same:
    """Where the picture stands already; ``url`` leads there, if the reader may go."""

    text: str
    url: str = ""


def same_photo(register: Register, row: Any, file: Attachment) -> Same | None:
    """Does the picture of ``file``, a file of ``row``, stand elsewhere? A record of others is told before
    another field of this one. One statement, a second where the own area has none.
    """
    if not file.is_photo:
        return None
    own = Attachment.record_id == file.record_id
    found = db.session.scalar(
        select(Attachment).where(_same(file)).order_by(own, Attachment.id).limit(1)
    )
    if found is None:
        with joined("the same photo in two households is an auditors' finding") as everywhere:
            known = everywhere.scalar(select(Attachment.id).where(_same(file)).limit(1))
        return Same(_("同一张照片已在其他地区使用，请核实。")) if known else None
    if found.record_id == file.record_id:
        what = _label(register, found)
        return Same(_("与本记录“%(what)s”中的照片相同，请核实。", what=what), f"/files/{found.id}")
    return _in_another_record(row, found)


def _same(file: Attachment) -> ColumnElement[bool]:
    """Its picture in another place than its own field: that one may be about to be taken off. What was deleted
    stands nowhere, wherever one looks.
    """
    there = and_(Attachment.record_id == file.record_id, Attachment.field == file.field)
    present = Attachment.hidden_on.is_(None)
    return and_(Attachment.sha256 == file.sha256, Attachment.id != file.id, ~there, present)


def _in_another_record(row: Any, found: Attachment) -> Same:
    other = get_register(found.register)
    open_to_reader = other and policy.may(Capability.SEARCH, other.name, found)
    there = db.session.get(other.model, found.record_id) if other and open_to_reader else None
    if other is None or there is None:
        return Same(_("同一张照片已在本辖区另一条记录中使用，请核实。"))
    household = getattr(row, "household_id", None)
    same_household = household is not None and household == getattr(there, "household_id", None)
    text = _(
        "与%(whose)s的%(register)s“%(what)s”中的照片相同，请核实。",
        whose=_("本户") if same_household else other.named(there),
        register=other.label,
        what=_label(other, found),
    )
    return Same(text, f"/{other.name}/{there.id}")


def _label(register: Register, file: Attachment) -> str:
    made = register.fields.get(file.field)
    return translate(made.label) if made else ""
