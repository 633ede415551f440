"""Records that follow one another: entering a new one, the earlier ones with their dates, what held on
a day.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import expose

from app.access.actor import Actor
from app.core.clock import local, today
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.i18n import _, translate
from app.kernel.records import renewals
from app.web.register import show as record_pages
from app.web.register.shared import RegisterPages

_WITHOUT = ("head_name", "head_id", "state")


class RenewalPages(RegisterPages):
    """What the pages of a register have where its records follow one another."""

    @expose("/<uuid:record_id>/renew", methods=["POST"])
    def renew(self, record_id: uuid.UUID) -> Any:
        """A new record after an approved one: its form opens."""
        try:
            row = renewals.renew(self.register, record_id)
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "danger")
            return redirect(f"/{self.register.name}/{record_id}")
        return redirect(f"/{self.register.name}/{row.id}/edit")

    def _renew_action(self, row: Any, actor: Actor) -> list[dict[str, Any]]:
        if not (self.register.renewal and renewals.may_renew(self.register, row, actor)):
            return []
        label, url = self.register.renewal.label, f"/{self.register.name}/{row.id}/renew"
        return [{"label": label, "url": url, "post": True, "primary": True, "icon": "plus"}]

    def _chain_context(self, row: Any, actor: Actor) -> dict[str, Any] | None:
        """The context of ``register/_chain.html``: the household's records and what held on a day."""
        register = self.register
        if not register.renewal:
            return None
        whole = record_pages.sees_all(register, row, actor)
        day = _day(request.args.get("on"))
        held = renewals.on_day(register, row.household_id, day) if day else None
        return {
            "records": [self._in_chain(one, row) for one in renewals.chain(register, row)],
            "day": day.isoformat() if day else "",
            "today": today().isoformat(),
            "asked": day is not None,
            "held": held and self._held(held, whole=whole),
        }

    def _in_chain(self, one: Any, row: Any) -> dict[str, Any]:
        on = one.surveyed_on.isoformat() if one.surveyed_on else ""
        decided = f"{local(one.decided_at):%Y-%m-%d}" if one.decided_at else ""
        return {
            "url": f"/{self.register.name}/{one.id}",
            "active": one.id == row.id,
            "title": on or _("未填写监测时间"),
            "state": record_pages.state_tag(self.register, one.state),
            "current": one.current,
            "text": self._summary(lambda name: one.__fields__[name].text(getattr(one, name))),
            "decided": decided,
        }

    def _held(self, held: renewals.Held, *, whole: bool) -> dict[str, Any]:
        def text(name: str) -> str:
            made = self.register.fields.get(name)
            if made is None:
                return ""
            return made.said(held.said.get(name), held.approved_at)

        return {
            "url": f"/{self.register.name}/{held.record.id}",
            "approved": f"{local(held.approved_at):%Y-%m-%d}",
            "text": self._summary(text),
        }

    def _summary(self, texts: Callable[[str], str]) -> str:
        """What the lists show of a record, but for whose it is and its state."""
        fields = self.register.fields
        shown = [n for n in ("died", *self.register.ledger.split()) if n in fields]
        parts = []
        for name in shown:
            if name in _WITHOUT or not (value := texts(name)):
                continue
            if name == "died" and value == _("否"):
                continue
            label = translate(fields[name].label)
            parts.append(_("%(label)s：%(value)s", label=label, value=value))
        return _("；").join(parts)


def _day(text: str | None) -> dt.date | None:
    """:raises BadInput: no day."""
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(_("请填写日期，例如 2024-09-07。")) from None
