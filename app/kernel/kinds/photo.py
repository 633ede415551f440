"""Photos and papers: files of the record, which have rows of their own and are sent by themselves."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.types import NullType, TypeEngine

from app.core.i18n import mark, translate
from app.kernel.kinds.kind import Described, Kind, Widget


class Files(Kind):
    """Their value is a list of files; where only their number is read, it is that."""

    __slots__ = ()
    name = "files"
    asks = mark("请上传%(label)s。")
    widget = Widget("files", wide=True, grouped=True)
    wide = True
    stored = False
    counted = True
    compares_as_text = False
    in_rows = False

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return NullType()

    def parse(self, made: Described, raw: Any) -> None:
        """No text is a file."""

    def listed(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        return translate("%(n)s个文件", n=value) if value else ""

    def said(self, made: Described, typed: Any, at: dt.datetime | None) -> str:
        return translate("%(n)s个文件", n=len(typed))


FILES = Files()
