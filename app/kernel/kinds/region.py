"""A division of the nation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Integer
from sqlalchemy.types import TypeEngine

from app.access.divisions import match, regions
from app.access.divisions.regions import Region
from app.core.i18n import mark, translate
from app.kernel.kinds import formats
from app.kernel.kinds.kind import Described, OneText, Widget


class Division(OneText):
    """The key of a division of the field's level; one that is merged is followed."""

    __slots__ = ()
    name = "region"
    asks = mark("请选择%(label)s。")
    widget = Widget("region", wide=True)
    in_rows = False  # nothing in a row follows a division

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return Integer()

    def foreign_key(self) -> ForeignKey:
        return ForeignKey(Region.id)

    def read(self, made: Described, text: str) -> int:
        """The key that a form's key, a code or a full name means."""
        found = match.meant(formats.half_width(text), made.level)
        if found is None:
            raise ValueError(
                translate(
                    "没有“%(text)s”这个行政区划，请从列表中选择，或填写全称。", text=text[:60]
                )
            )
        if found.level != made.level:
            raise ValueError(
                translate(
                    "“%(name)s”不是%(level)s行政区划，请选择到%(level)s。",
                    name=found.full_name,
                    level=made.level.label,
                )
            )
        return found.id

    def text(self, made: Described, value: Any, at: Any) -> str:
        found = regions.get(value)
        return found.full_name if found else ""


REGION = Division()
