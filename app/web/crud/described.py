"""A generated API in words, for ``/help/api``: what an account may call of it, its columns and filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from marshmallow.validate import Length

from app.access import policy
from app.core.i18n import _, lazy, translate
from app.web.crud.filters import word

if TYPE_CHECKING:
    from app.web.crud.api import CrudApi

#: Method of the view -> how it is called and what it does, in the order in which one reads of them.
_OPERATIONS = (
    ("get_list", "GET", "/", lazy("列表")), ("info", "GET", "/_info", lazy("各列与筛选方式")),
    ("get", "GET", "/{id}", lazy("查看")), ("post", "POST", "/", lazy("新增")),
    ("put", "PUT", "/{id}", lazy("修改")), ("delete", "DELETE", "/{id}", lazy("删除")),
)  # fmt: skip


def of_api(api: CrudApi) -> dict[str, Any] | None:
    """``{title, name, operations [{method, path, title}], columns [{name, label, type, uses, filters}]}``;
    None: the account may call nothing of it.
    """
    operations = [
        {"method": method, "path": f"{api.route_base}{path}", "title": title}
        for name, method, path, title in _OPERATIONS
        if api.allows(name)
    ]
    if not operations:
        return None
    subject = api.class_permission_name
    return {
        "title": translate(policy.VIEWS.get(subject, api.list_title)),
        "name": api.resource_name,
        "operations": operations,
        "columns": [_column(api, name) for name in _names(api)],
    }


def _names(api: CrudApi) -> Iterator[str]:
    shown = (*api.list_columns, *api.show_columns)
    yield from dict.fromkeys((*shown, *api.add_columns, *api.edit_columns, *api.search_columns))


def _column(api: CrudApi, name: str) -> dict[str, Any]:
    offered = api.conditions().get(name, ())
    return {
        "name": name,
        "label": str(api.label_columns.get(name, "")),
        "type": _type(api, name),
        "uses": [*_uses(api, name)],
        "filters": [f"{one.arg_name} {word(one)}" for one in offered],
    }


def _type(api: CrudApi, name: str) -> str:
    """As ``/_info`` says it."""
    for schema in (api.add_model_schema, api.edit_model_schema, api.show_model_schema):
        if (made := schema.fields.get(name)) is not None:
            longest = next(
                (v.max for v in made.validators if isinstance(v, Length) and v.max), None
            )
            return type(made).__name__ + (f" ≤ {longest}" if longest else "")
    return ""


def _uses(api: CrudApi, name: str) -> Iterator[str]:
    if name in api.list_columns:
        yield _("列表")
    if name in api.show_columns:
        yield _("查看")
    if name in api.add_columns and api.allows("post"):
        needed = api.add_model_schema.fields[name].required
        yield _("新增（必填）") if needed else _("新增")
    if name in api.edit_columns and api.allows("put"):
        yield _("修改")
    if name in api.order_columns:
        yield _("排序")
    if api.mask_of(name):
        yield _("掩码")
