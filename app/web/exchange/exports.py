"""``/exchange/export/<register>``: what will be exported, why, and into the background."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from flask_login import current_user

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.core.errors import NotFound
from app.core.i18n import _, lazy, translate
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import ledger_export
from app.kernel.exchange.columns import REFERENCE
from app.kernel.lists import chosen_columns, combined
from app.kernel.lists.columns import REGION, REGION_LABEL
from app.kernel.lists.query import ALL, BESIDE, DECIDED_FROM, DECIDED_FROM_LABEL, PLACE_NAMES
from app.web.exchange import export_form
from app.web.frame import shell
from app.web.frame.addresses import takes

#: What most exports are for; the reason may also be typed.
REASONS = (lazy("工作调度"), lazy("上级要求报送"), lazy("入户核实"), lazy("资料留存"))


def _known(_view: BaseView, name: str) -> Iterator[str]:
    """What the address of the register's lists says."""
    register = get_register(name)
    yield from BESIDE
    yield from register.lists.filters.split() if register else ()


class LedgerExportView(BaseView):
    """The page between a list and its Excel file: how many, with full numbers, for what reason."""

    route_base = "/exchange/export"
    class_permission_name = SYSTEM
    default_view = "ask"

    @expose("/<string:name>", methods=["GET", "POST"])
    @takes(_known)
    @permission_name(Capability.EXPORT)
    def ask(self, name: str) -> Any:
        register = get_register(name)
        if register is None:
            raise NotFound(_("没有这个模块。"))
        actor = policy.require(Capability.EXPORT, register.name)
        args = args_of(_known(self, name))

        def start(reason: str) -> Any:
            keys = register.of_households and "keys" in request.form
            asked = ledger_export.asked(register, args, reason, _columns(register), keys=keys)
            return export_form.in_background(lambda: ledger_export.start(asked))

        def told() -> dict[str, Any]:
            with ledger_export.reading(register, args, actor) as found:
                region, count, where = found.query.region, found.count(), found.query.where
            words = combined.sentence(register, where)
            return {
                "title": _("导出%(what)s", what=register.ledger_title),
                "count_label": _("记录数（%(unit)s）", unit=translate(register.unit)),
                "count": str(count),
                "key_column": register.of_households and translate(REFERENCE.label),
                "area": region.full_name if region else None,
                "filters": [*filters_said(register, args, words), *_as_seen(register)],
                "back_url": _back(register),
            }

        shell.crumb(_("导出台账"))
        return export_form.ask(self, REASONS, start, told)


def _columns(register: Register) -> tuple[str, ...] | None:
    """What the account sees in the list that the address names; None: everything."""
    menu = next((m for m in register.menus if m.name == request.args.get("as_seen")), None)
    return chosen_columns.kept(current_user, register, menu) if menu else None


def args_of(known: Iterable[str]) -> dict[str, list[str]]:
    """What the address of a list asks for, of these parameters."""
    said = {"menu", *known}
    args = {name: request.args.getlist(name) for name in request.args if name in said}
    if ALL in args.get("state", ()):
        del args["state"]  # asks for nothing less than everything
    return args


def filters_said(
    register: Register, args: dict[str, list[str]], where: str
) -> list[dict[str, str]]:
    """The filters in words, as they will stand in the audit log too; ``where``: what is asked of every field."""
    lines = []
    for name, values in args.items():
        made = register.model.__fields__.get(name)
        if name == "figure" and values[0]:
            text = register.figure_label(values[0])
            lines.append({"label": _("统计项"), "text": text})
        elif name == DECIDED_FROM and values[0]:
            lines.append({"label": _(DECIDED_FROM_LABEL), "text": values[0][:10]})
        elif name == "found" and values[0]:
            lines.append({"label": _("范围"), "text": _("后台查询的结果")})
        elif name in PLACE_NAMES and values[0]:
            lines.append({"label": _(PLACE_NAMES[name][0]), "text": values[0][:30]})
        elif made is not None and any(values):
            texts = (_filter_text(made, v) for v in values)
            lines.append(
                {"label": translate(made.label), "text": _("、").join(t for t in texts if t)}
            )
    if where:
        lines.append({"label": _(combined.LABEL), "text": where})
    return lines


def _as_seen(register: Register) -> list[dict[str, str]]:
    names = _columns(register)
    if names is None:
        return []
    labels = (translate(register.model.__fields__[n].label) for n in names if n != REGION)
    return [{"label": _("列"), "text": _("、").join([_(REGION_LABEL), *labels])}]


def _filter_text(made: Field, value: str) -> str:
    try:
        return made.text(made.parse(value))
    except ValueError:  # part of a name or number, which finds what it finds
        return value[:64]


def _back(register: Register) -> str:
    found = (m.name for m in register.menus if m.capability == Capability.SEARCH)
    return f"/{register.name}/{next(found, '')}"
