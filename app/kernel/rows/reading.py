"""A stored record as the rules read it: a dict of values, or SQL columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, literal, null, select

from app.kernel.declare.expressions import FACT, KEPT
from app.kernel.declare.field import Field
from app.kernel.declare.quality import BROKEN
from app.kernel.declare.terms import Columns
from app.kernel.kinds.choice import holds
from app.kernel.rows.file import Attachment


def values_of(row: Any, attachments: Iterable[Attachment] = ()) -> dict[str, Any]:
    """All declared fields of ``row`` by name; files as lists of their attachments."""
    files: dict[str, list[Attachment]] = {}
    for attachment in attachments:
        files.setdefault(attachment.field, []).append(attachment)
    return {
        name: getattr(row, name) if made.kind.stored else files.get(name, [])
        for name, made in row.__fields__.items()
    }


def columns_of(
    model: Any,
    register: str,
    facts: Mapping[str, Any] = MappingProxyType({}),
    counted: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
) -> Columns:
    """Columns of a mapped model by name; ``?name`` whether given, ``#name`` how many. ``facts`` are those of the place
    where the rows lie, by their names; of others nobody knows. ``counted`` says how many files a field has, where
    the statement asked that already (:func:`files_counted`).
    """

    def lookup(name: str) -> ColumnElement[Any]:
        if name.startswith(KEPT):
            return holds(getattr(model, BROKEN), name.removeprefix(KEPT))
        if name.startswith(FACT):
            return literal(facts[name]) if name in facts else null()
        mark, plain = name[:1] if name[:1] in "?#" else "", name.lstrip("?#")
        made: Field = model.__fields__[plain]
        if not made.stored and mark:
            count = (
                counted[plain] if plain in counted else _attachment_count(model, register, plain)
            )
            return count > 0 if mark == "?" else count
        column = getattr(model, plain)
        if mark == "#":
            return made.kind.compared(column)
        return made.kind.given(made, column) if mark == "?" else column

    return lookup


def files_counted(model: Any, register: str) -> list[ColumnElement[Any]]:
    """How many files each field of files has, called as the field is: for a statement whose conditions ask
    for some of them many times.
    """
    fields = model.__fields__.items()
    return [
        _attachment_count(model, register, name).label(name)
        for name, made in fields
        if not made.kind.stored
    ]


def _attachment_count(model: Any, register: str, field: str) -> ColumnElement[Any]:
    files = Attachment.__table__
    return (
        select(func.count())
        .select_from(files)
        .where(files.c.register == register, files.c.record_id == model.id, files.c.field == field)
        .correlate(model.__table__)
        .scalar_subquery()
    )
