"""The review of a register: one record after the other, decided with one key each.

Scripts ask for the page's middle alone (header ``X-Part``), and get a decision's outcome as JSON;
without them every answer is a page.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from flask import flash, jsonify, redirect, request, session
from flask_appbuilder import expose

from app.access import policy
from app.access.actor import Actor
from app.core.errors import BadInput, Conflict, Invalid
from app.core.i18n import _
from app.core.lazy import lazy
from app.core.transactions import transaction
from app.kernel.declare.register import Register
from app.kernel.records import habits, history_words, steps
from app.kernel.records import save as records
from app.kernel.rows.record import HistoryEntry
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.requests import wants_json
from app.web.frame.rights import of_reviews, one_of
from app.web.register import findings, review_parts, show
from app.web.register.page import RecordPage
from app.web.register.parsing import contact_of, version
from app.web.register.review_parts import Reviewing
from app.web.register.shared import Routes, Said, acting, conditions


class ReviewRoutes(Routes):
    """The routes of the review."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if register.flow is not None else frozenset()

    @expose("/<uuid:record_id>/review")
    @takes(conditions)
    @one_of(of_reviews)
    def review(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        review = review_parts.review_of(self.register, acting())
        actor = policy.require(review.capability, self.register.name, row)
        if row.state != review.state:
            if wants_json():
                return self._gone(Reviewing(self.register, actor, request.args), row)
            said = {"what": self.register.word, "state": self.register.state_text(row.state)}
            flash(_("该%(what)s现在是“%(state)s”。", **said), "warning")
            return redirect(f"/{self.register.name}/{row.id}")
        return self._review_page(row, actor)

    def _review_page(self, row: Any, actor: Actor, said: Said | None = None) -> Any:
        part = wants_json()
        reviewing = Reviewing(self.register, actor, request.args)
        context = reviewing.context(row)
        context["record"] = ReviewPage(self.register, row, actor).context()
        context |= (said or Said(contact_of(actor))).context
        context["undo"] = None if part else review_parts.undo(self.register)
        shell.at(self._menu_url(reviewing.review.capability))
        shell.crumb(row.head_name)
        page = "register/_review.html" if part else "register/review.html"
        return self.render_template(page, review=context), 422 if said else 200

    @expose("/<uuid:record_id>/decide", methods=["POST"])
    @takes(conditions)
    @one_of(of_reviews)
    def decide(self, record_id: uuid.UUID) -> Any:
        """审核通过 or 退回补正; the next one opens at once."""
        actor = acting()
        review = review_parts.review_of(self.register, actor)
        asked = request.form.get("action", "")
        if asked not in ("approve", "return"):
            raise BadInput(_("没有这一操作。"))
        name = review.approve if asked == "approve" else review.refuse
        said = self._said(name, actor)
        reviewing = Reviewing(self.register, actor, request.args)
        try:
            with transaction():
                if said.reasons:  # kept with the decision, or not at all
                    habits.remember_reasons(actor, self.register, said.reasons)
                row = steps.transition(
                    self.register, record_id, name, version(request.form.get("version")),
                    said.contact, said.opinion if asked == "return" else "", said.reasons,
                )  # fmt: skip
        except Invalid as error:
            if wants_json():
                return jsonify(message=error.message, errors=_by_input(error)), error.status
            row = records.get(self.register, record_id)
            return self._review_page(row, actor, replace(said, problems=error.problems))
        except Conflict:
            return self._gone(reviewing, records.get(self.register, record_id))
        review_parts.remember_decision(self.register, row, review.undo)
        if wants_json():
            undo = review_parts.undo(self.register)
            return jsonify(left=str(reviewing.queue.left()), undo=undo)
        return redirect(reviewing.after(row) or reviewing.list_url)

    def _gone(self, reviewing: Reviewing, row: Any) -> Any:
        """The record was withdrawn, changed or decided a moment ago: says so, the next one opens."""
        message = review_parts.meanwhile(row, reviewing.review)
        waits = row.state == reviewing.review.state
        url = reviewing.url(row.id) if waits else reviewing.after(row) or reviewing.list_url
        if wants_json():
            return jsonify(message=message, url=url, left=str(reviewing.queue.left())), 409
        flash(message, "danger")
        return redirect(url)

    @expose("/<uuid:record_id>/undo", methods=["POST"])
    @takes(conditions)
    @one_of(of_reviews)
    def undo(self, record_id: uuid.UUID) -> Any:
        """Take the last decision back, for some seconds."""
        actor = acting()
        session.pop("decided", None)
        reviewing = Reviewing(self.register, actor, request.args)
        try:
            with transaction():
                row = steps.transition(
                    self.register, record_id, reviewing.review.undo,
                    version(request.form.get("version")), contact_of(actor),
                )  # fmt: skip
        except Conflict as error:
            if wants_json():
                raise
            flash(error.message, "warning")
            return redirect(f"/{self.register.name}/{record_id}")
        message = _("已撤销对%(name)s的审核决定。", name=row.head_name)
        if wants_json():
            left = str(reviewing.queue.left())
            return jsonify(message=message, url=reviewing.url(row.id), left=left)
        flash(message, "success")
        return redirect(reviewing.url(row.id))


class ReviewPage(RecordPage):
    """A record as its reviewer reads it: marked with what it says otherwise than when it was
    submitted before, and with what to look at.
    """

    @lazy
    def compared(self) -> tuple[HistoryEntry | None, HistoryEntry | None]:
        """The last two submissions."""
        return show.last_submissions(self.entries, self.entry_before)

    @lazy
    def changes(self) -> list[Any]:
        """What differs between them."""
        before, now = self.compared
        if before is None or now is None:
            return []
        return history_words.changes(self.register, before, now, whole=self.whole)

    @property
    def doubts(self) -> list[dict[str, str]]:
        """They stand among the findings."""
        return super().doubts if self.household is None else []

    @lazy
    def findings(self) -> list[dict[str, str]]:
        """What a reviewer should look at."""
        if self.household is None:
            return []
        return findings.of(
            self.register, self.row, self.household, self.evaluation, self.entries, self.changes,
            self.said,
        )  # fmt: skip

    def context(self) -> dict[str, Any]:
        """The context of ``register/_review.html``'s ``record``."""
        return self.read() | {"changes": self.changes, "findings": self.findings}


def _by_input(error: Invalid) -> dict[str, str]:
    return {problem.field: problem.message for problem in error.problems}
