"""接口令牌: by which other systems use the API in an account's name; made and revoked by managers."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.account import Account
from app.access.accounts.tokens import NAME_LENGTH, Token
from app.access.actor import SYSTEM, Actor, Capability, RegisterAccess
from app.access.divisions.regions import Region
from app.admin.accounts import changing as accounts
from app.admin.accounts import tokens
from app.admin.accounts.pages import forms as account_forms
from app.admin.accounts.tokens import Wanted
from app.core.clock import to_minute, today
from app.core.db import db
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel.declare.offered import subjects
from app.kernel.declare.register import all_registers
from app.kernel.declare.rules import Problem
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.listing import Action, Cell, Column, Empty, Listing, Row, cells

BASE = "/tokens"
_ACCESS = "access-"
_USUAL_DAYS = 180


class TokensView(BaseView):
    """``/tokens``: those of the manager's own account and of the accounts that it manages."""

    route_base = BASE
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @permission_name(Capability.MANAGE_USERS)
    def index(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        found = tokens.visible(actor)
        columns = _columns()
        listing = Listing(
            name="tokens",
            title=_("接口令牌"),
            count_text=_("%(n)s 个", n=len(found)),
            intro=_(
                "其他系统凭令牌、以所属账号的权限使用数据接口；账号注销、封闭或被重置密码，令牌随即失效。"
            ),
            columns=columns,
            rows=[_row(columns, one) for one in found],
            actions=[
                Action(_("接口说明"), "/help/api", icon="file-text"),
                Action(_("新建令牌"), f"{BASE}/new", primary=True, icon="plus"),
            ],
            empty=Empty(_("还没有接口令牌"), _("为对接的系统新建账号，再为该账号新建令牌。")),
        )
        return self.render_template("lists/list.html", ledger=listing)

    @expose("/new", methods=["GET", "POST"])
    @takes("account")
    @permission_name(Capability.MANAGE_USERS)
    def new(self) -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        wanted, problems = _asked_for(actor), []
        if request.method == "POST":
            try:
                with once() as click:
                    token, secret = tokens.create(wanted)
                    click.leads_to(f"{BASE}/", _seen_once(), "info")  # where it comes again
            except Invalid as error:
                problems = [_at_its_input(one) for one in error.problems]
            else:
                return self._secret_page(token, secret)
        title = _("新建令牌")
        shell.crumb(title)
        page = {
            "title": title,
            "fields": _fields(wanted, problems),
            "problems": problems,
            "action_url": f"{BASE}/new",
            "back_url": f"{BASE}/",
        }
        rendered = self.render_template("accounts/token_form.html", page=page)
        return (rendered, 422) if problems else rendered

    def _secret_page(self, token: Token, secret: str) -> Any:
        """The only time that a secret is seen."""
        shell.crumb(_("令牌已建立"))
        page = {"secret": secret, "facts": facts(token), "back_url": f"{BASE}/"}
        return self.render_template("accounts/token_secret.html", page=page)

    @expose("/<uuid:token_id>/revoke", methods=["POST"])
    def revoke(self, token_id: uuid.UUID) -> Any:
        with transaction():
            token = tokens.revoke(token_id)
        flash(_("令牌“%(name)s”已收回，立即失效。", name=token.name), "success")
        return redirect(shell.where_from(f"{BASE}/"))


def _seen_once() -> str:
    return _("令牌已建立，只显示一次；没有抄录的，请收回后重新建立。")


def facts(token: Token) -> list[dict[str, Any]]:
    """What a token is for."""
    region = db.session.get_one(Region, token.region_id)
    account = db.session.get_one(Account, token.account_id)
    return [
        {"label": _("用途"), "text": token.name},
        {"label": _("所属账号"), "text": f"{account.username} {account.first_name}"},
        {"label": _("可用模块"), "text": registers_text(token)},
        {"label": _("地区"), "text": region.full_name},
        {"label": _("截止日期"), "text": token.expires_on.isoformat()},
    ]


def registers_text(token: Token) -> str:
    """The registers that it opens, with what it may there."""
    labels = {register.name: register.label for register in all_registers()}
    labels |= {one.name: one.label for one in subjects()}
    texts = [
        _("%(label)s：%(value)s", label=labels[name], value=RegisterAccess(access).label)
        for name, access in token.registers.items()
        if name in labels
    ]
    return _("、").join(texts)


def state(token: Token) -> dict[str, str]:
    """有效, 已收回 or 已到期."""
    if token.open:
        return {"text": _("有效"), "tone": "good"}
    return {"text": _("已收回") if token.revoked_at else _("已到期"), "tone": "neutral"}


def used(token: Token) -> str:
    """When and from where it was used last."""
    if token.used_at is None:
        return _("从未使用")
    return f"{to_minute(token.used_at)} {token.used_from or ''}".strip()


def revoke_action(token: Token) -> Action | None:
    """The button that ends it."""
    if not token.open:
        return None
    text = _("收回后，使用“%(name)s”的系统立即不能访问。确定收回吗？", name=token.name)
    return Action(_("收回"), f"{BASE}/{token.id}/revoke", post=True, confirm=text)


def _columns() -> list[Column[Token]]:
    return [
        Column("name", _("用途"), lambda one: Cell(one.name, sub=f"…{one.hint}")),
        Column("account", _("所属账号"), _owner),
        Column("registers", _("可用模块"), registers_text),
        Column("region", _("地区"), lambda one: one.region.full_name),
        Column("expires", _("截止日期"), lambda one: one.expires_on.isoformat(), "date"),
        Column("used", _("最近使用"), used),
        Column("state", _("状态"), lambda one: Cell(**state(one)), "tag"),
    ]


def _owner(token: Token) -> Cell:
    return Cell(token.account.username, sub=token.account.first_name)


def _row(columns: Sequence[Column[Token]], token: Token) -> Row:
    action = revoke_action(token)
    url = f"/accounts/{token.account.uuid}"
    return Row(str(token.id), url, cells(columns, token), [action] if action else [])


# ---- the form -------------------------------------------------------------------------------


def _asked_for(actor: Actor) -> Wanted:
    """What was typed; on a new form the account that ``account`` names, else the manager's own."""
    form = request.form
    if request.method == "GET":
        return _first(actor)
    given = {one.name: form.get(_ACCESS + one.name, "") for one in subjects()}
    region = form.get("region", "")
    known = region.isascii() and region.isdecimal() and len(region) < 10
    return Wanted(
        name=form.get("name", ""),
        login=form.get("login", "").strip(),
        registers={name: access for name, access in given.items() if access},
        region_id=int(region) if known else None,
        expires_on=account_forms.day(form.get("expires_on", "")),
    )


def _first(actor: Actor) -> Wanted:
    login, region_id = actor.login, actor.region_id
    if key := _uuid(request.args.get("account", "")):
        account = accounts.get(key)
        login, region_id = account.username, account.region_id or region_id
    day = min(today() + dt.timedelta(days=_USUAL_DAYS), tokens.longest())
    return Wanted(login=login, region_id=region_id, expires_on=day)


def _fields(wanted: Wanted, problems: list[Problem]) -> list[dict[str, Any]]:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.field, []).append(problem.message)
    region = db.session.get(Region, wanted.region_id) if wanted.region_id else None
    actor = policy.require(Capability.MANAGE_USERS)
    if region is not None and not region.path.startswith(actor.path):
        region = None  # a foreign one's name is not shown
    none = {"value": "", "label": _("不开放")}
    registers = [
        {
            "name": _ACCESS + one.name,
            "label": one.label,
            "kind": "choice",
            "wide": True,
            "value": wanted.registers.get(one.name, ""),
            "errors": errors.get(_ACCESS + one.name),
            "options": [
                none,
                *({"value": a.value, "label": a.label} for a in one.access),
            ],
        }
        for one in subjects()
    ]
    return [
        {
            "name": "name", "label": _("用途"), "kind": "text", "required": True,
            "value": wanted.name, "length": NAME_LENGTH, "errors": errors.get("name"),
            "help": _("对接系统的名称，审计日志里会写明"),
        },
        {
            "name": "login", "label": _("所属账号"), "kind": "text", "required": True,
            "value": wanted.login, "length": 64, "errors": errors.get("login"),
            "help": _("您自己的账号，或由您管理的账号；令牌的权限不会超过它"),
        },
        *registers,
        {
            "name": "region", "label": _("地区"), "kind": "region", "required": True,
            "value": region.id if region else None, "text": region.full_name if region else "",
            "errors": errors.get("region"),
        },
        {
            "name": "expires_on", "label": _("截止日期"), "kind": "date", "required": True,
            "value": wanted.expires_on.isoformat() if wanted.expires_on else None,
            "min": today().isoformat(), "max": tokens.longest().isoformat(),
            "help": _("当天仍有效，过后自动失效"), "errors": errors.get("expires_on"),
        },
    ]  # fmt: skip


def _at_its_input(problem: Problem) -> Problem:
    """What is wrong with all registers stands at the first of them."""
    wrong = problem.field == "registers"
    return replace(problem, field=_ACCESS + subjects()[0].name) if wrong else problem


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
