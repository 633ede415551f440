"""What is typed into a form and not saved yet, kept by the page's script."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, jsonify, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access.actor import Capability
from app.core.clock import local
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel.declare.register import Register
from app.kernel.records import drafts
from app.kernel.records import save as records
from app.kernel.rows.record import Draft
from app.web.register import parsing
from app.web.register.shared import Routes, version

_MOST_BYTES = 300_000


class DraftRoutes(Routes):
    """The routes of a form's draft."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if register.entered else frozenset()

    @expose("/<uuid:record_id>/draft", methods=["POST"])
    @permission_name(Capability.ENTER)
    def draft(self, record_id: uuid.UUID) -> Any:
        body = sent()
        typed = parsing.clean_draft(self.register, body.get("values"))
        with transaction():
            draft = drafts.keep(self.register, record_id, version(body.get("version")), typed)
        return jsonify(saved_at=f"{local(draft.saved_at):%H:%M}")

    @expose("/<uuid:record_id>/discard", methods=["POST"])
    @permission_name(Capability.ENTER)
    def discard(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = records.require_entry(self.register, row)
        with transaction():
            drafts.drop(actor, row.id)
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
