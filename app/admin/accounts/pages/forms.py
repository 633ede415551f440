"""The form of an account: what was typed, its fields for the template, what it means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access.account import DEPARTMENTS
from app.access.accounts import managing
from app.access.accounts.managing import Role
from app.access.actor import Duty, Kind, RegisterAccess
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.admin.accounts.changing import Details
from app.core.clock import read_day
from app.core.i18n import _, translate
from app.core.types import nfc
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.rules import Problem
from app.kernel.kinds import formats
from app.kernel.rows.household import Household

_REGISTER = "register-"
_ALL, _SOME = "all", "some"


def day(text: str) -> dt.date | None:
    """The day that a form says; None where it says none."""
    try:
        return read_day(text)
    except ValueError:
        return None


def role_key(role: Role) -> str:
    """A role as addresses name it: ``county-ordinary``."""
    return f"{role[0].name.lower()}-{role[1].value}"


def role_named(key: str, among: tuple[Role, ...]) -> Role | None:
    """The role of that name, if it is one of these."""
    return next((role for role in among if role_key(role) == key), None)


def role_label(role: Role) -> str:
    """县级普通用户 … in the reader's language."""
    return translate(role_name(*role))


def listed_registers() -> list[Register]:
    """The registers that an account may be given or not: those with records of their own."""
    return [r for r in all_registers() if r.menus and r.model is not Household]


def details(form: MultiDict[str, str], level: Level, kind: Kind) -> Details:
    """What the form says. Names and phones are mended, as in every form."""
    known = {duty.value: duty for duty in Duty}
    duties = {known[v] for v in form.getlist("duties") if v in known}
    return Details(
        name=nfc(form.get("name", "")),
        phone=formats.mend_phone(form.get("phone", "")),
        department=DEPARTMENTS.get(form.get("department", ""), nfc(form.get("department", ""))),
        entry_person=formats.mend_name(form.get("entry_person", "")),
        review_person=formats.mend_name(form.get("review_person", "")),
        duties=frozenset(duties),
        registers=_registers(form) if managing.has_register_list(level, kind) else None,
    )


def _registers(form: MultiDict[str, str]) -> dict[str, str] | None:
    if form.get("scope", _ALL) != _SOME:
        return None
    given = {r.name: form.get(_REGISTER + r.name, "") for r in listed_registers()}
    return {name: access for name, access in given.items() if access}


def fields(
    role: Role, shown: Details, problems: list[Problem], typed: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The fields of a new or known account for ``register/_fields.html``."""
    level, kind = role
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.field, []).append(problem.message)

    def one(name: str, label: str, kind: str = "text", **more: Any) -> dict[str, Any]:
        value = more.pop("value", None)
        base = {"name": name, "label": label, "kind": kind, "errors": errors.get(name)}
        return base | {"value": getattr(shown, name) if value is None else value} | more

    departments = [{"value": v, "label": translate(text)} for v, text in DEPARTMENTS.items()]
    chosen = next((v for v, text in DEPARTMENTS.items() if text == shown.department), "")
    found = [
        one("name", _("姓名或单位名称"), required=True, length=50),
        one("phone", _("联系电话"), "phone"),
        one("department", _("所属部门"), "choice", value=chosen, options=departments),
        one("entry_person", _("录入人"), length=64, help=_("实际录入数据的人")),
        one("review_person", _("审核责任人"), length=64, help=_("对录入的数据负责的人")),
    ]
    if choice := managing.duties_to_choose(level, kind):
        options = [{"value": duty.value, "label": duty.label} for duty in choice]
        held = [duty.value for duty in shown.duties]
        help_ = _("信息审核员可以审核，信息采集员可以录入；都不选时只能查询统计。")
        found.append(one("duties", _("职责"), "many", value=held, options=options, help=help_))
    if managing.has_register_list(level, kind):
        found += _register_fields(shown, errors)
    return found


def _register_fields(shown: Details, errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    limited = shown.registers is not None
    scope = {
        "name": "scope",
        "label": _("可用模块"),
        "kind": "choice",
        "wide": True,
        "value": _SOME if limited else _ALL,
        "options": [
            {"value": _ALL, "label": _("全部模块（含以后新增的）")},
            {"value": _SOME, "label": _("只限下面指定的模块")},
        ],
        "errors": errors.get("registers"),
    }
    levels = [{"value": a.value, "label": a.label} for a in RegisterAccess]
    options = [*levels, {"value": "", "label": _("不开放")}]
    each = [
        {
            "name": _REGISTER + register.name,
            "label": register.label,
            "kind": "choice",
            "wide": True,
            "value": (shown.registers or {}).get(register.name, ""),
            "options": options,
            "hidden": not limited,
        }
        for register in listed_registers()
    ]
    return [scope, *each]


def region_field(
    role: Role, region: Region | None, problems: list[Problem], *, fixed: bool
) -> dict[str, Any]:
    """所属地区: chosen, or the manager's own."""
    errors = [p.message for p in problems if p.field == "region"]
    if fixed and region is not None:
        return {
            "name": "region",
            "label": _("所属地区"),
            "kind": "text",
            "value": region.full_name,
            "readonly": True,
            "wide": True,
            "errors": errors,
        }
    return {
        "name": "region",
        "label": _("所属地区"),
        "kind": "region",
        "required": True,
        "value": region.id if region else None,
        "text": region.full_name if region else "",
        "until": role[0].name.lower(),
        "errors": errors,
    }


def login_field(value: str, suggestion: str, problems: list[Problem]) -> dict[str, Any]:
    """系统账号, with the name that is taken when nothing is typed."""
    return {
        "name": "login",
        "label": _("系统账号"),
        "kind": "text",
        "value": value,
        "mask": suggestion,
        "length": 40,
        "help": _("不填时自动使用12位行政区划代码加两位序号；不能用汉字。"),
        "errors": [p.message for p in problems if p.field == "login"],
    }
