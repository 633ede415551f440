"""A stored record as the rules read it: a dict of values, or SQL columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, func, select
from sqlalchemy.sql.functions import Function

from app.core.i18n import _
from app.core.types import NfcText
from app.kernel.declare.expressions import Columns
from app.kernel.declare.field import CHILDREN, FILES, MANY, Field
from app.kernel.kinds.values import is_missing
from app.kernel.rows.file import Attachment


def values_of(row: Any, attachments: Iterable[Attachment] = ()) -> dict[str, Any]:
    """All declared fields of ``row`` by name; files as lists of their attachments."""
    files: dict[str, list[Attachment]] = {}
    for attachment in attachments:
        files.setdefault(attachment.field, []).append(attachment)
    return {
        name: files.get(name, []) if made.kind == FILES else getattr(row, name)
        for name, made in row.__fields__.items()
    }


def said(made: Field, value: Any, at: dt.datetime | None = None) -> str:
    """What a snapshot, a draft or the audit log says of a field, as people read it;
    ``at`` is when it was said.
    """
    if is_missing(value):
        return ""
    if made.kind == FILES:
        return _("%(n)s个文件", n=len(value))
    try:
        return made.text(made.parse(value), at)
    except ValueError:  # typed wrongly, or an old code that is offered no more
        if made.kind == CHILDREN:
            return _("；").join(" ".join(str(v) for v in row.values() if v) for row in value)
        return _("、").join(value) if made.kind == MANY else str(value)


def listed(made: Field, value: Any, at: dt.datetime | None = None) -> str:
    """A value as lists show it to everybody: masked; of files, which are given as their number,
    how many.
    """
    if is_missing(value):
        return ""
    if made.masked:
        return made.mask(value)
    if made.kind == FILES:
        return _("%(n)s个文件", n=value) if value else ""
    if made.kind == CHILDREN:
        return _("；").join(
            " ".join(listed(f, row.get(f.name), at) for f in made.rows if row.get(f.name))
            for row in value
        )
    return made.text(value, at)


def columns_of(model: Any, register: str) -> Columns:
    """Columns of a mapped model by name; ``?name`` whether given, ``#name`` how many."""

    def lookup(name: str) -> ColumnElement[Any]:
        mark, plain = name[:1] if name[:1] in "?#" else "", name.lstrip("?#")
        made: Field = model.__fields__[plain]
        if made.kind in (FILES, CHILDREN) and mark:
            count = (
                _attachment_count(model, register, plain)
                if made.kind == FILES
                else func.coalesce(_rows(getattr(model, plain)), 0)
            )
            return count > 0 if mark == "?" else count
        column = getattr(model, plain)
        return _given(made, column) if mark == "?" else column

    return lookup


def _rows(column: Any) -> ColumnElement[int]:
    # Not func.json_array_length: a package that FAB brings has a class of that name, uncached.
    return Function("json_array_length", column, type_=Integer)


def _given(made: Field, column: Any) -> ColumnElement[bool]:
    if isinstance(made.sql_type(), NfcText) and made.kind != MANY:
        return and_(column.is_not(None), column != "")
    return column.is_not(None)


def _attachment_count(model: Any, register: str, field: str) -> ColumnElement[Any]:
    files = Attachment.__table__
    return (
        select(func.count())
        .select_from(files)
        .where(files.c.register == register, files.c.record_id == model.id, files.c.field == field)
        .correlate(model.__table__)
        .scalar_subquery()
    )
