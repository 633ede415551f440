"""``/settings``: 参数设置, what managers may change without a new version of the program."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose

from app.access import policy, region_asked
from app.access.actor import Actor, Capability
from app.access.regions import Level, Region
from app.access.settings import DATE, NUMBER, YES_NO
from app.actions import settings
from app.actions.settings import Held
from app.core.clock import local
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _, lazy, translate
from app.registry.register import get_register
from app.web import shell

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
    default_view = "index"

    @expose("/")
    def index(self) -> Any:
        actor = policy.require(Capability.SETTINGS)
        region = _region(actor)
        rows = sorted(settings.held_in(region), key=lambda one: group_title(one.setting.name))
        ledger = {
            "name": "settings",
            "title": _("参数设置"),
            "count_text": _("%(n)s 项", n=len(rows)),
            "intro": _("下级没有另行设置的，按上级的设置执行；每次变更记入审计日志。"),
            "filters": [_region_filter(region)],
            "reset_url": request.path,
            "columns": [
                {"name": "label", "label": _("参数"), "kind": "text"},
                {"name": "group", "label": _("类别"), "kind": "text"},
                {"name": "value", "label": _("现行值"), "kind": "text"},
                {"name": "origin", "label": _("来源"), "kind": "text"},
                {"name": "default", "label": _("默认值"), "kind": "text"},
                {"name": "who", "label": _("设置人"), "kind": "text"},
            ],
            "rows": [_row(one, actor) for one in rows],
            "actions": _index_actions(actor),
            "empty": {"title": _("没有参数"), "hint": ""},
        }
        return self.render_template("anju/list.html", ledger=ledger)

    @expose("/<string:name>", methods=["GET", "POST"])
    def edit(self, name: str) -> Any:
        actor = policy.require(Capability.SETTINGS)
        region = _region(actor)
        held = settings.held(name, region)
        typed, errors, status = settings.said(held.own_value), [], 200
        if request.method == "POST":
            typed = request.form.get("value", "")
            seen = request.form.get("seen", "")
            try:
                if request.form.get("action") == "clear":
                    settings.clear(held, seen)
                else:
                    settings.change(held, typed, seen)
            except (Invalid, Conflict) as error:
                db.session.rollback()
                errors, status = [error.message], error.status
                held = settings.held(name, region)
            else:
                label = translate(held.setting.label)
                flash(_("“%(what)s”已保存，立即生效。", what=label), "success")
                return redirect(f"/settings/?region={region.id}")
        shell.at("/settings/")
        shell.crumb(translate(held.setting.label))
        page = _edit_page(held, actor, typed, errors)
        return self.render_template("anju/setting.html", page=page), status


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


def _region_filter(region: Region) -> dict[str, Any]:
    return {
        "name": "region",
        "label": _("行政区划"),
        "kind": "region",
        "value": region.id,
        "text": region.full_name,
    }


def _index_actions(actor: Actor) -> list[dict[str, Any]]:
    if actor.level != Level.NATION:
        return []
    return [{"label": _("选项表"), "url": "/settings/choices/", "icon": "edit"}]


def _row(one: Held, actor: Actor) -> dict[str, Any]:
    setting, url = one.setting, f"/settings/{one.setting.name}?region={one.region.id}"
    own = one.own
    word = _("修改") if settings.may_set(setting, one.region, actor) else _("查看")
    return {
        "id": setting.name,
        "url": url,
        "cells": [
            {"kind": "text", "text": translate(setting.label)},
            {"kind": "text", "text": group_title(setting.name)},
            {"kind": "text", "text": settings.shown(setting, one.value)},
            {"kind": "text", "text": origin_text(one)},
            {"kind": "text", "text": settings.shown(setting, setting.default)},
            {
                "kind": "text",
                "text": (own and own.set_by_name) or "",
                "sub": own and f"{local(own.set_at):%Y-%m-%d %H:%M}",
            },
        ],
        "actions": [{"label": word, "url": url, "primary": word == _("修改")}],
    }


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
    if one.setting.area is None:
        return _("这个参数由部级统一设置。")
    level = one.setting.area.label
    return _("这个参数只能设置到%(level)s，由该区划的管理用户设置。", level=level)


def _change(one: Held, entry: Any) -> dict[str, str]:
    old, new = (entry.detail or {}).get("changes", {}).get(one.setting.name, [None, None])
    return {
        "time": f"{local(entry.at):%Y-%m-%d %H:%M}",
        "who": entry.account_name or "",
        "before": settings.shown(one.setting, old),
        "after": settings.shown(one.setting, new),
    }
