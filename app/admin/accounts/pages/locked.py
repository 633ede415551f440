"""``/locked``: accounts that were locked for unusual acts, and their unlocking with a reason."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.account import Account
from app.access.accounts import unusual
from app.access.actor import SYSTEM, Capability
from app.core.clock import to_minute
from app.core.i18n import _
from app.core.transactions import transaction
from app.core.types import nfc
from app.web.frame import shell

_LONGEST = 200


class LockedView(BaseView):
    """封闭账号: those that this manager may unlock."""

    route_base = "/locked"
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @permission_name(Capability.MANAGE_USERS)
    def index(self) -> Any:
        return self._page()

    @expose("/<uuid:account_id>/unlock", methods=["POST"])
    @permission_name(Capability.MANAGE_USERS)
    def unlock(self, account_id: uuid.UUID) -> Any:
        account = unusual.get_locked(account_id)
        reason = nfc(request.form.get("reason", ""))
        if not reason:
            return self._page(account, reason, _("请填写解除封闭的理由。"))
        if len(reason) > _LONGEST:
            message = _("最多 %(n)s 个字，现有 %(m)s 个。", n=_LONGEST, m=len(reason))
            return self._page(account, reason, message)
        with transaction():
            unusual.unlock(unusual.get_locked(account_id, lock=True), reason)
        flash(_("账号%(login)s已解除封闭。", login=account.username), "success")
        return redirect(url_for("LockedView.index"))

    def _page(self, wrong: Account | None = None, typed: str = "", error: str = "") -> Any:
        actor = policy.require(Capability.MANAGE_USERS)
        shell.at("/accounts/")
        shell.crumb(_("封闭账号"))
        accounts = [
            {
                "key": account.uuid,
                "name": account.first_name,
                "facts": [
                    {"label": _("账号"), "text": account.username},
                    {"label": _("所属地区"), "text": account.region.full_name},
                    {"label": _("封闭时间"), "text": to_minute(account.locked_at)},
                    {"label": _("封闭原因"), "text": unusual.reason_of(account)},
                ],
                "url": url_for("LockedView.unlock", account_id=account.uuid),
                "typed": typed if account is wrong else "",
                "error": error if account is wrong else "",
            }
            for account in unusual.locked(actor)
            if account.locked_at is not None
        ]
        page = self.render_template("accounts/locked.html", accounts=accounts)
        return page, 422 if wrong else 200
