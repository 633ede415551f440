"""Records that carry on where a record of another register ended (spec 04: a dossier its application)."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Mapped, mapped_column

from app.core.types import UuidType
from app.kernel.declare import fields as f


class Continuing(f.Declared):
    """``source_id`` is the record that opened this one; there is one for each. While that one is not
    approved, this one is ``suspended``: it stands in no list and counts in no figure.
    """

    source_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    suspended = f.system(f.yes_no("是否暂停"), default=False)
