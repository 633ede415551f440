"""``/settings``: 参数设置, what managers may change without a new version of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region
from app.access.settings import DATE, NUMBER, YES_NO
from app.core.clock import to_minute
from app.core.errors import Conflict, Invalid
from app.core.i18n import _, lazy, translate
from app.core.transactions import transaction
from app.kernel.declare.register import get_register
from app.kernel.settings import changing as settings
from app.kernel.settings.changing import Held
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.listing import Action, Cell, Column, Empty, Filter, Listing, Row, cells

_GROUPS = {
    "users": lazy("账号数量"),
    "signin": lazy("登录安全"),
    "unusual": lazy("异常操作"),
    "review": lazy("审核"),
    "personal": lazy("个人信息"),
    "map": lazy("地图"),
    "tokens": lazy("数据接口"),
}
_MOST_DIGITS = 9


class SettingsView(BaseView):
    """All settings as they stand in a division, and one of them to be set."""

    route_base = "/settings"
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes("region")
    @permission_name(Capability.SETTINGS)
    def index(self) -> Any:
        actor = policy.require(Capability.SETTINGS)
        region = _region(actor)
        rows = sorted(settings.held_in(region), key=lambda one: group_title(one.setting.name))
        columns = _columns()
        listing = Listing(
            name="settings",
            title=_("参数设置"),
            count_text=_("%(n)s 项", n=len(rows)),
            intro=_("下级没有另行设置的，按上级的设置执行；每次变更记入审计日志。"),
            filters=[Filter.region("region", _("行政区划"), region)],
            reset_url=request.path,
            columns=columns,
            rows=[_row(columns, one, actor) for one in rows],
            actions=_index_actions(actor),
            empty=Empty(_("没有参数")),
        )
        return self.render_template("lists/list.html", ledger=listing)

    @expose("/<string:name>", methods=["GET", "POST"])
    @takes("region")
    @permission_name(Capability.SETTINGS)
    def edit(self, name: str) -> Any:
        actor = policy.require(Capability.SETTINGS)
        region = _region(actor)
        held = settings.held(name, region)
        typed, errors, status = settings.said(held.own_value), [], 200
        if request.method == "POST":
            typed = request.form.get("value", "")
            seen = request.form.get("seen", "")
            try:
                with transaction():
                    held = settings.held(name, region)
                    if request.form.get("action") == "clear":
                        settings.clear(held, seen)
                    else:
                        settings.change(held, typed, seen)
            except (Invalid, Conflict) as error:
                errors, status = [error.message], error.status
                held = settings.held(name, region)
            else:
                label = translate(held.setting.label)
                flash(_("“%(what)s”已保存，立即生效。", what=label), "success")
                return redirect(f"/settings/?region={region.id}")
        shell.at("/settings/")
        shell.crumb(translate(held.setting.label))
        page = _edit_page(held, actor, typed, errors)
        return self.render_template("settings/setting.html", page=page), status


def group_title(name: str) -> str:
    """What a setting is about: a register's title, or the name of its group."""
    group = name.partition(".")[0]
    register = get_register(group)
    if register is not None:
        return register.label
    return str(_GROUPS.get(group, group))


def _region(actor: Actor) -> Region:
    text = request.args.get("region", "")
    return settings.place(region_asked.read_key(text) if text else actor.region_id)


def _index_actions(actor: Actor) -> list[Action]:
    if actor.level != Level.NATION:
        return []
    return [Action(_("选项表"), "/settings/choices/", icon="edit")]


def _columns() -> list[Column[Held]]:
    return [
        Column("label", _("参数"), lambda one: translate(one.setting.label)),
        Column("group", _("类别"), lambda one: group_title(one.setting.name)),
        Column("value", _("现行值"), lambda one: settings.shown(one.setting, one.value)),
        Column("origin", _("来源"), origin_text),
        Column(
            "default", _("默认值"), lambda one: settings.shown(one.setting, one.setting.default)
        ),
        Column("who", _("设置人"), _set_by),
    ]


def _set_by(one: Held) -> Cell:
    own = one.own
    if own is None:
        return Cell("")
    return Cell(own.set_by_name, sub=to_minute(own.set_at))


def _row(columns: Sequence[Column[Held]], one: Held, actor: Actor) -> Row:
    name, region = one.setting.name, one.region
    url = f"/settings/{name}?region={region.id}"
    may = settings.may_set(one.setting, region, actor)
    action = Action(_("修改") if may else _("查看"), url, primary=may)
    return Row(name, url, cells(columns, one), [action])


def origin_text(one: Held) -> str:
    """Who has set what holds here."""
    if one.own is not None:
        return _("本级设置")
    return one.origin.full_name if one.origin else _("默认值")


def _edit_page(one: Held, actor: Actor, typed: str, errors: list[str]) -> dict[str, Any]:
    setting = one.setting
    facts = [
        {"label": _("类别"), "text": group_title(setting.name)},
        {"label": _("行政区划"), "text": one.region.full_name},
        {"label": _("现行值"), "text": settings.shown(setting, one.value)},
        {"label": _("来源"), "text": origin_text(one)},
        {"label": _("默认值"), "text": settings.shown(setting, setting.default)},
    ]
    if one.region.level > Level.NATION:
        above = settings.shown(setting, one.inherited)
        facts.append({"label": _("上级的设置"), "text": above})
    if setting.kind is NUMBER and setting.lowest is not None and setting.highest is not None:
        limits = _("%(low)s 至 %(high)s", low=setting.lowest, high=setting.highest)
        facts.append({"label": _("允许范围"), "text": limits})
    may = settings.may_set(setting, one.region, actor)
    return {
        "title": translate(setting.label),
        "help": translate(setting.help),
        "facts": facts,
        "kind": {YES_NO: "yes_no", DATE: "date", NUMBER: "number"}.get(setting.kind, "text"),
        "unit": translate(setting.unit),
        "value": typed,
        "seen": settings.said(one.own_value),
        "errors": errors,
        "may_set": may,
        "why_not": "" if may else _why_not(one),
        "clear_label": _clear_label(one) if one.own else None,
        "action_url": f"/settings/{setting.name}?region={one.region.id}",
        "back_url": f"/settings/?region={one.region.id}",
        "changes": [_change(one, entry) for entry in settings.changes_of(one)],
    }


def _clear_label(one: Held) -> str:
    return _("恢复默认值") if one.region.level == Level.NATION else _("恢复为上级的设置")


def _why_not(one: Held) -> str:
    if one.setting.area is None or one.setting.by_ministry:
        return _("这个参数由部级统一设置。")
    level = one.setting.area.label
    return _("这个参数只能设置到%(level)s，由该区划的管理用户设置。", level=level)


def _change(one: Held, entry: Any) -> dict[str, str]:
    old, new = (entry.detail or {}).get("changes", {}).get(one.setting.name, [None, None])
    return {
        "time": to_minute(entry.at),
        "who": entry.account_name or "",
        "before": settings.shown(one.setting, old),
        "after": settings.shown(one.setting, new),
    }
