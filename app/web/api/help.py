"""``/help/api``: the API told in words, from the same declarations as its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from flask_appbuilder import BaseView, expose
from flask_babel import get_locale

from app.core.clock import today
from app.core.i18n import _
from app.kernel.declare import choice_lists
from app.kernel.declare.offered import offered
from app.web.api import openapi
from app.web.frame import shell


@runtime_checkable
class Described(Protocol):
    """An API that tells itself in words."""

    def described(self) -> dict[str, Any] | None:
        """What the account may call of it; None: nothing."""


class ApiHelpView(BaseView):
    """One page for all; the parts of a language are rendered once a day."""

    route_base = "/help/api"
    default_view = "show"

    @expose("")
    def show(self) -> Any:
        shell.at("/tokens/")
        shell.crumb(_("接口说明"))
        key = ("api", str(get_locale()), choice_lists.version(), today())
        return self.render_template(
            "exchange/api.html", api=_Page(), key=key, generated=[*self._generated()]
        )

    def _generated(self) -> Iterator[dict[str, Any]]:
        """What the account may call of the APIs that FAB generates."""
        for view in self.appbuilder.baseviews:
            if isinstance(view, Described) and (said := view.described()) is not None:
                yield said


class _Page:
    """What the template shows; worked out only when its parts are not kept."""

    @property
    def codes(self) -> list[dict[str, Any]]:
        """The codes of errors, each with what to do."""
        return [
            {"code": code, "status": status, "text": text}
            for code, status, text in (
                (
                    "bad_input",
                    400,
                    _("网址参数、请求头或 JSON 不能识别；parameter 指出是哪个参数。"),
                ),
                ("csrf", 400, _("用登录状态写入时没有带 X-CSRFToken。")),
                ("too_wide", 400, _("筛选的范围过大，请先选择区县。")),
                ("signed_out", 401, _("没有登录，也没有令牌。")),
                ("token_refused", 401, _("令牌无效、过期、已收回，或所属账号已注销、封闭。")),
                ("forbidden", 403, _("账号或令牌没有这项权限。")),
                ("not_found", 404, _("不存在，或不在管辖范围内；越权的访问记入审计日志。")),
                (
                    "conflict",
                    409,
                    _("已被他人修改，或状态不允许；current 给出现在的版本和不同之处。"),
                ),
                ("try_again", 409, _("行政区划正在调整，请稍候重发。")),
                ("not_json", 415, _("内容不是 JSON。")),
                ("invalid", 422, _("内容不合规则；problems 逐项给出项目、规则编号和提示。")),
                ("version_required", 428, _("修改没有说明版本。")),
                ("too_many", 429, _("请求过于频繁，Retry-After 秒后再试。")),
            )
        ]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The operations by tag, in the order of the document."""
        made = openapi.made()
        found = {tag["name"]: {"title": tag["description"], "name": tag["name"], "operations": []}
                 for tag in made["tags"]}  # fmt: skip
        for path, methods in made["paths"].items():
            for method, said in methods.items():
                found[said["tags"][0]]["operations"].append(_operation(path, method, said))
        return list(found.values())

    @property
    def registers(self) -> list[dict[str, Any]]:
        """The fields that may be written, by register."""
        schemas = openapi.made()["components"]["schemas"]
        return [
            {
                "title": register.label,
                "name": register.name,
                "fields": [_field(n, f) for n, f in schemas[written]["properties"].items()],
            }
            for register in offered()
            if (written := f"{register.model.__name__}Change") in schemas
        ]


def _operation(path: str, method: str, said: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": p["name"], "text": p.get("description", ""), "type": _type(p["schema"])}
        for p in said["parameters"]
        if p["in"] != "path" and p["name"] != "lang"
    ]
    return {
        "method": method.upper(),
        "path": path,
        "title": said["summary"],
        "text": said.get("description", ""),
        "parameters": parameters,
    }


def _field(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    choices = [f"{code} {text}" for code, text in schema.get("x-choices", {}).items()]
    if schema.get("items", {}).get("properties"):
        rows = schema["items"]["properties"].items()
        choices = [f"{inner} {one['title']}" for inner, one in rows]
    return {
        "name": name,
        "label": schema["title"],
        "type": _type(schema),
        "text": schema.get("description", ""),
        "choices": choices,
    }


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    kinds = [k for k in (kind if isinstance(kind, list) else [kind]) if k != "null"]
    text = " / ".join(kinds)
    if "format" in schema:
        text += f" ({schema['format']})"
    if "maxLength" in schema:
        text += f" ≤ {schema['maxLength']}"
    if "minimum" in schema or "maximum" in schema:
        text += f" {schema.get('minimum', '')}–{schema.get('maximum', '')}"
    return text
