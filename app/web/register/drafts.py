"""What is typed into a form and not saved yet, kept by the page's script. Of a record that takes no
changes any more it stands beside the record, read-only, and can be copied.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, jsonify, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access.actor import Capability
from app.core.clock import local, to_minute
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.core.transactions import transaction
from app.kernel.declare.register import Register
from app.kernel.kinds.values import to_json
from app.kernel.records import drafts
from app.kernel.records import save as records
from app.kernel.rows.record import Draft
from app.web.register import form_parts, parsing
from app.web.register.parsing import Typed, version
from app.web.register.shared import Routes

_MOST_BYTES = 300_000


class DraftRoutes(Routes):
    """The routes of a form's draft."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if register.entered else frozenset()

    @expose("/<uuid:record_id>/draft", methods=["POST"])
    @permission_name(Capability.ENTER)
    def draft(self, record_id: uuid.UUID) -> Any:
        """Keep what is typed. It is kept, and refused, where the record takes no changes any more: the
        page says so, and shows it beside the record once it is asked to save.
        """
        body = sent()
        typed = parsing.clean_draft(self.register, body.get("values"))
        with transaction():
            moment = drafts.keep(self.register, record_id, version(body.get("version")), typed)
        records.require_editable(self.register, records.get(self.register, record_id))
        return jsonify(saved_at=f"{local(moment):%H:%M}")

    @expose("/<uuid:record_id>/discard", methods=["POST"])
    @permission_name(Capability.ENTER)
    def discard(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = records.require_entry(self.register, row)
        with transaction():
            records.forget_draft(actor, row.id)
        flash(_("草稿已放弃。"), "success")
        return redirect(f"/{self.register.name}/{row.id}/edit")


def sent() -> dict[str, Any]:
    """The draft that this request brings.

    :raises BadInput: it is none, or too large.
    """
    if (request.content_length or 0) > _MOST_BYTES:
        raise BadInput(_("草稿内容过大。"))
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # brackets in brackets, and no draft of ours
        body = None
    if not isinstance(body, dict):
        raise BadInput(_("草稿内容有误。"))
    return body


def restored(draft: Draft, discard_url: str) -> dict[str, Any]:
    """What a form says that shows a draft."""
    return {
        "saved_at": f"{local(draft.saved_at):%H:%M}",
        "restored": True,
        "discard_url": discard_url,
    }


# ---- beside the record -------------------------------------------------------------------------


def keep_aside(register: Register, row: Any) -> None:
    """Keep the form that was posted to a record that takes no changes any more, as far as its writer
    typed it.
    """
    typed = parsing.read(register, request.form).typed
    touched = form_parts.touched(register, request.form)
    mine = {n: v for n, v in typed.items() if touched is None or n in touched}
    mine = _differing(register, row, mine)
    if mine:
        with transaction():
            base = version(request.form.get("version"))
            drafts.keep(register, row.id, base, parsing.clean_draft(register, mine))


def beside(register: Register, row: Any, draft: Draft | None) -> dict[str, Any] | None:
    """The context of ``register/_typed.html``; None where nothing was typed but what is stored."""
    mine = _differing(register, row, draft.values) if draft is not None else {}
    if draft is None or not mine:
        return None
    lines = [
        _("%(label)s：%(value)s", label=translate(made.label), value=made.said(mine[name]))
        for name, made in register.fields.items()
        if name in mine
    ]
    return {
        "lines": lines,
        "saved_at": to_minute(draft.saved_at),
        "discard_url": f"/{register.name}/{row.id}/discard",
    }


def _differing(register: Register, row: Any, typed: Typed) -> Typed:
    return {
        name: value
        for name, value in typed.items()
        if name in register.fields and (value or None) != (to_json(getattr(row, name)) or None)
    }
