"""The review of a register: one record after the other, decided with one key each."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from flask import flash, redirect, request, session
from flask_appbuilder import expose

from app.access import policy
from app.access.actor import Actor, Capability
from app.actions import records
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, Invalid
from app.core.i18n import _
from app.registry.flow import State
from app.web import review_pages, shell
from app.web.parcel_views import ParcelPages
from app.web.register_pages import (
    Said,
    acting,
    contact_of,
    region_argument,
    version,
)


class ReviewPages(ParcelPages):
    """The routes of the review."""

    @expose("/<uuid:record_id>/review")
    def review(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.REVIEW, self.register.name, row)
        if row.state != State.SUBMITTED:
            flash(_("该档案现在是“%(state)s”。", state=row.state.label), "warning")
            return redirect(f"/{self.register.name}/{row.id}")
        return self._review_page(row, actor)

    def _review_page(self, row: Any, actor: Actor, said: Said | None = None) -> Any:
        context = review_pages.context(self.register, row, actor, region_argument())
        context["record"] = self._record_context(row, actor, marked=True)
        context["record"]["notices"] += self._parcel_notices(row)
        context |= (said or Said(contact_of(actor))).context
        shell.at(self._menu_url(Capability.REVIEW))
        shell.crumb(row.head_name)
        return self.render_template("anju/review.html", review=context), 422 if said else 200

    @expose("/<uuid:record_id>/decide", methods=["POST"])
    def decide(self, record_id: uuid.UUID) -> Any:
        """审核通过 or 退回补正; the next one opens at once."""
        actor = acting()
        name = request.form.get("action", "")
        if name not in ("approve", "return"):
            raise BadInput(_("没有这一操作。"))
        said = self._said(name, actor)
        row = records.get(self.register, record_id)
        following = review_pages.neighbour(self.register, row, actor, region_argument())
        try:
            row = records.transition(
                self.register, record_id, name, version(request.form.get("version")),
                said.contact, said.opinion if name == "return" else "", said.reasons,
            )  # fmt: skip
        except Invalid as error:
            db.session.rollback()
            row = records.get(self.register, record_id)
            return self._review_page(row, actor, replace(said, problems=error.problems))
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "danger")
        else:
            review_pages.remember_reasons(said.reasons)
            session["decided"] = {
                "id": str(row.id),
                "register": self.register.name,
                "state": row.state.value,
                "at": now().timestamp(),
            }
        region = region_argument()
        tail = f"?region={region.id}" if region else ""
        if following is None:
            return redirect(self._menu_url(Capability.REVIEW) + (tail or "?list=1"))
        return redirect(f"/{self.register.name}/{following}/review{tail}")

    @expose("/<uuid:record_id>/undo", methods=["POST"])
    def undo(self, record_id: uuid.UUID) -> Any:
        """Take the last decision back, for some seconds."""
        session.pop("decided", None)
        try:
            row = records.take_back(self.register, record_id)
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "warning")
            return redirect(f"/{self.register.name}/{record_id}")
        flash(_("已撤销对%(name)s的审核决定。", name=row.head_name), "success")
        return redirect(f"/{self.register.name}/{row.id}/review")
