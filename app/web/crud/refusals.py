"""What a database refuses of a generated view, in words: which column, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.exc import DataError, IntegrityError

from app.core.errors import AnjuError, Conflict, Invalid
from app.core.i18n import _
from app.kernel.declare.rules import Problem

if TYPE_CHECKING:
    from app.web.crud.interface import ScopedInterface

#: PostgreSQL's classes of refusals: https://www.postgresql.org/docs/current/errcodes-appendix.html
_NOT_NULL, _FOREIGN_KEY, _UNIQUE = "23502", "23503", "23505"
_OF_SQLITE = {
    "NOT NULL constraint failed": _NOT_NULL,
    "FOREIGN KEY constraint failed": _FOREIGN_KEY,
    "UNIQUE constraint failed": _UNIQUE,
}
_KEYS = re.compile(r"\(([^()]*)\)=\(")


def of_integrity(datamodel: ScopedInterface, error: IntegrityError, *, deleting: bool) -> AnjuError:
    """An error of ours for what a constraint refused."""
    if deleting:
        return Conflict(_("还有其他内容与它关联，请先处理那些内容。"))
    state, columns = _read(error)
    if state == _FOREIGN_KEY:
        return Conflict(_("选择的内容刚刚被删除，请重新选择。"))
    name = _of_form(datamodel, columns)
    label = _("、").join(datamodel.label(_of_form(datamodel, [c])) for c in columns)
    if state == _UNIQUE:
        said = _("“%(what)s”已经存在，请核对。", what=label or _("同样的内容"))
        return _at(name, "unique", said)
    if state == _NOT_NULL:
        return _at(name, "required", _("请填写“%(label)s”。", label=label))
    return _at("", "check", _("内容不符合要求，没有保存。请核对后再保存。"))


def of_value(_error: DataError) -> Invalid:
    """An error of ours for a value that no column holds."""
    return _at("", "value", _("有内容过长，或超出了允许的范围，没有保存。请核对后再保存。"))


def _at(name: str, code: str, text: str) -> Invalid:
    return Invalid(text, [Problem(name, f"{name}.{code}", text)])


def _read(error: IntegrityError) -> tuple[str, list[str]]:
    """The class of the refusal, and the columns that it names."""
    origin: Any = error.orig
    if (state := getattr(origin, "sqlstate", None)) is not None:
        diagnosed = origin.diag
        keys = _KEYS.search(diagnosed.message_detail or "")
        named = keys[1] if keys else (diagnosed.column_name or "")
        return state, [one.strip(' "') for one in named.split(",") if one]
    said, _colon, named = str(origin).partition(": ")
    columns = [one.strip().rpartition(".")[2] for one in named.split(",") if one]
    return _OF_SQLITE.get(said, ""), columns


def _of_form(datamodel: ScopedInterface, columns: list[str]) -> str:
    """The name under which a form has the first of these columns: of a key the relation."""
    if not columns:
        return ""
    for relation in inspect(datamodel.obj).relationships:
        if columns[0] in {column.name for column in relation.local_columns if column.foreign_keys}:
            return str(relation.key)
    return columns[0]
