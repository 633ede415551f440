"""负责人与责任人名单 (2009 annex 2): who answers for the system in a division down to the county, and
who does the work. Kept by the division's manager, read upward; a change is told to the level above.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.choices import Choices
from app.core.clock import now
from app.core.db import Model
from app.core.i18n import mark
from app.core.types import CodeType, NfcText, UtcDateTime, UuidType


class Post(Choices):
    """The two lines of the form."""

    LEADER = "leader", "负责人"
    OPERATOR = "operator", "责任人"


#: The columns of the form in its order: name -> (label, longest).
FIELDS: dict[str, tuple[str, int]] = {
    "name": (mark("姓名"), 64),
    "employer": (mark("工作单位"), 100),
    "position": (mark("职务职称"), 64),
    "office_phone": (mark("办公电话"), 32),
    "fax": (mark("传真"), 32),
    "mobile": (mark("手机"), 32),
    "email": (mark("电子邮箱"), 100),
}


#: Numbers of persons, masked like all others (spec 01 "Personal data"); a fax is an office's.
PHONES = ("office_phone", "mobile")


class Officer(Model):
    """One of the two persons of a division. It names the division by its key and follows it."""

    __tablename__ = "officer"

    region_id: Mapped[int] = mapped_column(
        ForeignKey("region.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    post: Mapped[Post] = mapped_column(CodeType(Post), primary_key=True)
    name: Mapped[str] = mapped_column(NfcText(64), nullable=False)
    employer: Mapped[str | None] = mapped_column(NfcText(100))
    position: Mapped[str | None] = mapped_column(NfcText(64))
    office_phone: Mapped[str | None] = mapped_column(NfcText(32))
    fax: Mapped[str | None] = mapped_column(NfcText(32))
    mobile: Mapped[str | None] = mapped_column(NfcText(32))
    email: Mapped[str | None] = mapped_column(NfcText(100))
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    changed_by: Mapped[uuid.UUID | None] = mapped_column(UuidType)

    def values(self) -> dict[str, str]:
        """What stands in the form."""
        return {name: getattr(self, name) or "" for name in FIELDS}
