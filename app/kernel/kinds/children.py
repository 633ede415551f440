"""Rows of children, kept with the record as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ColumnElement, Integer, func
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.core.choices import Choices
from app.core.i18n import translate
from app.kernel.kinds.kind import Described, Kind, Widget
from app.kernel.kinds.values import is_missing


class RowsType(TypeDecorator[Any]):
    """Rows of children as JSON, which knows neither days nor amounts: these are kept as their text
    and read as what they are.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kept_as_text: tuple[tuple[str, Kind], ...]) -> None:
        super().__init__(none_as_null=True)
        self.kept_as_text = kept_as_text

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if not value or not self.kept_as_text:
            return value
        return [{n: self._text(v) for n, v in row.items()} for row in value]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        if not value or not self.kept_as_text:
            return value
        return [row | self._said(row) for row in value]

    @staticmethod
    def _text(value: Any) -> Any:
        if isinstance(value, dt.date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value

    def _said(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            name: kind.from_json(row[name])
            for name, kind in self.kept_as_text
            if row.get(name) is not None
        }


class Rows(Kind):
    """Rows of the field's fields: a list of dicts, without those in which nothing is said."""

    __slots__ = ()
    name = "children"
    widget = Widget("children", wide=True, grouped=True)
    wide = True
    counted = True
    compares_as_text = False
    in_rows = False

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return RowsType(tuple((f.name, f.kind) for f in made.rows if f.kind.json_text))

    def given(self, made: Described, column: Any) -> ColumnElement[bool]:
        return self.compared(column) > 0

    def compared(self, column: Any) -> ColumnElement[int]:
        # Not func.json_array_length: a package that FAB brings has a class of that name, uncached.
        length: ColumnElement[int] = Function("json_array_length", column, type_=Integer)
        return func.coalesce(length, 0)

    def parse(self, made: Described, raw: Any) -> list[dict[str, Any]]:
        if not isinstance(raw or [], list | tuple) or not all(
            isinstance(i, dict) for i in raw or ()
        ):
            raise ValueError(translate("内容格式不正确，请刷新页面后重新填写。"))
        rows = []
        for item in raw or []:
            row = {f.name: f.parse(item.get(f.name)) for f in made.rows}
            if not all(is_missing(v) for v in row.values()):
                rows.append({k: v.value if isinstance(v, Choices) else v for k, v in row.items()})
        return rows

    def text(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        return translate("；").join(
            " ".join(f.text(row.get(f.name), at) for f in made.rows if row.get(f.name))
            for row in value
        )

    def listed(self, made: Described, value: Any, at: dt.datetime | None) -> str:
        return translate("；").join(
            " ".join(f.listed(row.get(f.name), at) for f in made.rows if row.get(f.name))
            for row in value
        )

    def holds_names(self, made: Described) -> bool:
        return any(part.kind.holds_names(part) for part in made.rows)

    def renewed(self, made: Described, value: Any) -> Any:
        parts = [part for part in made.rows if part.kind.holds_names(part)]
        return value and [
            row | {p.name: p.kind.renewed(p, row[p.name]) for p in parts if p.name in row}
            for row in value
        ]

    def as_typed(self, typed: Any) -> str:
        return translate("；").join(" ".join(str(v) for v in row.values() if v) for row in typed)

    def choices_in(self, made: Described, value: Any) -> Iterator[tuple[Described, str]]:
        for row in value or ():
            for part in made.rows:
                yield from part.kind.choices_in(part, row.get(part.name))


CHILDREN = Rows()
