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
from flask_appbuilder.security.decorators import permission_name

from app.access.actor import Capability
from app.core.clock import local, read_day, today
from app.core.errors import BadInput, Conflict
from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.records import renewals
from app.web.frame.clicks import once
from app.web.register import show
from app.web.register.page import RecordPage
from app.web.register.shared import Routes

_WITHOUT = ("head_name", "head_id", "state")


class RenewalRoutes(Routes):
    """The route of a new record after another one."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if register.renewal else frozenset()

    @expose("/<uuid:record_id>/renew", methods=["POST"])
    @permission_name(Capability.ENTER)
    def renew(self, record_id: uuid.UUID) -> Any:
        """A new record after an approved one: its form opens."""
        try:
            with once() as click:
                row = renewals.renew(self.register, record_id)
                click.leads_to(f"/{self.register.name}/{row.id}/edit")
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"/{self.register.name}/{record_id}")
        return click.answer()


def chain(page: RecordPage) -> dict[str, Any] | None:
    """The context of ``register/_chain.html``: the household's records and what held on a day, which
    is the address's ``on``. None where records do not follow one another.
    """
    register, row = page.register, page.row
    if not register.renewal:
        return None
    day = _day(request.args.get("on"))
    held = renewals.on_day(register, row.household_id, day) if day else None
    return {
        "records": [_link(register, one, row) for one in renewals.chain(register, row)],
        "day": day.isoformat() if day else "",
        "today": today().isoformat(),
        "asked": day is not None,
        "held": held and _held(register, held),
    }


def _link(register: Register, one: Any, row: Any) -> dict[str, Any]:
    on = one.surveyed_on.isoformat() if one.surveyed_on else ""
    decided = f"{local(one.decided_at):%Y-%m-%d}" if one.decided_at else ""
    return {
        "url": f"/{register.name}/{one.id}",
        "active": one.id == row.id,
        "title": on or _("未填写监测时间"),
        "state": show.state_tag(register, one.state),
        "current": one.current,
        "text": _summary(register, lambda name: one.__fields__[name].text(getattr(one, name))),
        "decided": decided,
    }


def _held(register: Register, held: renewals.Held) -> dict[str, Any]:
    def text(name: str) -> str:
        made = register.fields.get(name)
        if made is None:
            return ""
        return made.said(held.said.get(name), held.approved_at)

    return {
        "url": f"/{register.name}/{held.record.id}",
        "approved": f"{local(held.approved_at):%Y-%m-%d}",
        "text": _summary(register, text),
    }


def _summary(register: Register, texts: Callable[[str], str]) -> str:
    """What the lists show of a record, but for whose it is and its state."""
    fields = register.fields
    shown = [n for n in ("died", *register.lists.ledger.split()) if n in fields]
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
        return read_day(text)
    except ValueError:
        raise BadInput(_("请填写日期，例如 2024-09-07。")) from None
