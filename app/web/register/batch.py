"""Several records decided at once, after a look at each in short (spec 02: 批量审核)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import expose
from markupsafe import Markup
from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor
from app.access.divisions.regions import Region
from app.core.clock import local
from app.core.db import db
from app.core.errors import AnjuError, BadInput, NotFound
from app.core.i18n import _, done_word, mark, step_word, translate
from app.core.transactions import transaction
from app.kernel.declare.flow import Deciding, Transition
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.lists import columns as ledger_columns
from app.kernel.records import habits, history, history_words, steps
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.kernel.rows.record import HistoryEntry
from app.web.frame import shell
from app.web.frame.rights import of_reviews, one_of
from app.web.register import findings
from app.web.register import show as record_pages
from app.web.register.parsing import parse_uuid
from app.web.register.review_parts import blocked
from app.web.register.shared import Routes, Said, back_to

_MOST_AT_ONCE = 100
_MOST_PHOTOS = 4


class BatchRoutes(Routes):
    """The routes of a decision on several records."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if register.flow is not None else frozenset()

    @expose("/batch/<string:name>", methods=["POST"])
    @one_of(of_reviews)
    def batch(self, name: str) -> Any:
        """The same step for the ticked records of a list; each stands for itself. They are shown in
        short first, with who decides.
        """
        step, review = self._decision(name)
        actor = policy.require(step.capability, self.register.name)
        ids = [i for i in map(parse_uuid, request.form.getlist("id")) if i is not None]
        if len(ids) > _MOST_AT_ONCE:
            raise BadInput(_("一次最多处理%(n)s户。", n=_MOST_AT_ONCE))
        said = self._said(name, actor)
        looked = "contact_name" in request.form
        back = request.form.get("back") if looked else None
        problems = self._batch_problems(step, said) if looked else []
        if not ids:
            flash(_("请先勾选农户。"), "warning")
        elif problems or not looked:
            said = replace(said, problems=problems)
            return self._batch_page(step, review, actor, ids, said)
        else:
            self._decide_all(step, ids, said)
            if said.reasons:
                with transaction():
                    habits.remember_reasons(actor, self.register, said.reasons)
        return redirect(self._list_of(step, back))

    def _decision(self, name: str) -> tuple[Transition, Deciding]:
        """The step of that name, and the review to which it belongs."""
        step, flow = self._step(name), self.register.flow
        review = flow.review_by(step.capability) if flow and step else None
        if step is None or review is None:
            raise NotFound(_("没有这一操作。"))
        return step, review

    def _list_of(self, step: Transition, back: str | None) -> str:
        """The list that the batch began in; an address that is none of ours is not followed."""
        own = self._menu_url(step.capability)
        if back is not None:
            return back if back.partition("?")[0] == own else f"{own}?list=1"
        return back_to(f"{own}?list=1")

    def _batch_problems(self, step: Transition, said: Said) -> list[Problem]:
        found = history.contact_problems(said.contact)
        if step.opinion and not (said.opinion or said.reasons):
            text = _("请勾选退回原因或填写意见，说明需要修改什么。")
            found.append(Problem("opinion", "opinion.required", text))
        return found

    def _decide_all(self, step: Transition, ids: Sequence[uuid.UUID], said: Said) -> None:
        names = self._names(ids)
        opinion = said.opinion if step.opinion else ""
        done, refused = 0, defaultdict(list)
        for record_id in ids:
            seen = request.form.get(f"version-{record_id}", "")
            version = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else None
            try:
                with transaction():  # one a record: what is refused undoes no other
                    steps.transition(
                        self.register,
                        record_id,
                        step.name,
                        version,
                        said.contact,
                        opinion,
                        said.reasons,
                    )
                done += 1
            except AnjuError as error:
                refused[error.message].append(names.get(record_id, _("未知农户")))
        if done:
            flash(_("已处理%(n)s户。", n=done), "success")
        if refused:
            n = sum(map(len, refused.values()))
            lines = [
                _("%(names)s：%(why)s", names=_("、").join(who), why=why)
                for why, who in refused.items()
            ]
            why = Markup("<br>").join(lines)
            flash(shell.page_text(mark("%(n)s户没有处理：%(why)s"), n=n, why=why), "warning")

    def _names(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        model = self.register.model
        found = db.session.execute(select(model.id, model.head_name).where(model.id.in_(ids)))
        return {row.id: row.head_name for row in found}

    # ---- the look -------------------------------------------------------------------------------
    def _batch_page(
        self, step: Transition, review: Deciding, actor: Actor, ids: Sequence[uuid.UUID],
        said: Said,
    ) -> Any:  # fmt: skip
        own = db.session.get_one(Region, actor.region_id)
        shown = self._shown(step, ids, actor, own)
        may = [one for one in shown if not one["blocked"]]
        approving, returning = map(self._step, (review.approve, review.refuse))
        context = said.context | {
            "title": _("批量审核"),
            "action_url": f"/{self.register.name}/batch/{step.name}",
            "back_url": self._list_of(step, request.form.get("back")),
            "rows": may,
            "blocked": [one for one in shown if one["blocked"]],
            "total": _("共 %(n)s 户", n=len(may)),
            "approve": approving
            and {
                "url": f"/{self.register.name}/batch/{review.approve}",
                "word": step_word(approving.label),
            },
            "return": returning
            and {
                "url": f"/{self.register.name}/batch/{review.refuse}",
                "word": step_word(returning.label_for(actor.level)),
                "reasons": [translate(reason) for reason in returning.reasons],
            },
        }
        shell.at(self._menu_url(step.capability))
        shell.crumb(context["title"])
        return self.render_template(
            "register/batch.html", page=context
        ), 422 if said.problems else 200

    def _shown(
        self, step: Transition, ids: Sequence[uuid.UUID], actor: Actor, own: Region
    ) -> list[dict[str, Any]]:
        """Each record in short: a constant number of statements for all of them."""
        model = self.register.model
        rows = db.session.execute(
            select(model, Region.full_name, Household)
            .join(Region, Region.id == model.region_id)
            .join(Household, Household.id == model.household_id)
            .where(model.id.in_(ids))
            .order_by(model.path, model.id)
        ).all()
        files: dict[uuid.UUID, list[Attachment]] = defaultdict(list)
        order = (Attachment.record_id, Attachment.field, Attachment.position, Attachment.id)
        for file in db.session.scalars(
            select(Attachment).where(Attachment.record_id.in_(ids)).order_by(*order)
        ):
            files[file.record_id].append(file)
        entries: dict[uuid.UUID, list[HistoryEntry]] = defaultdict(list)
        for entry in db.session.scalars(
            select(HistoryEntry)
            .where(HistoryEntry.record_id.in_(ids))
            .order_by(HistoryEntry.at, HistoryEntry.id)
        ):
            entries[entry.record_id].append(entry)
        return [
            self._short(step, row, household, files[row.id], entries[row.id], actor)
            | {"place": place.removeprefix(own.full_name)}
            for row, place, household in rows
        ]

    def _short(
        self,
        step: Transition,
        row: Any,
        household: Household,
        files: Sequence[Attachment],
        entries: Sequence[HistoryEntry],
        actor: Actor,
    ) -> dict[str, Any]:
        evaluation = records.evaluate(self.register, row, files=files)
        before, after = record_pages.last_submissions(entries)
        changes = (
            history_words.changes(self.register, before, after, whole=False)
            if before is not None and after is not None
            else []
        )
        submitted = next((e for e in reversed(entries) if e.snapshot is not None), None)
        photos = [f for f in files if f.mime.startswith("image/") and f.field in evaluation.shown]
        return {
            "id": str(row.id),
            "url": f"/{self.register.name}/{row.id}/review",
            "name": row.head_name,
            "version": row.version,
            "facts": self._facts(row, evaluation.shown),
            "submitted": _(
                "%(who)s %(when)s %(step)s",
                who=submitted.person or submitted.account_name,
                when=f"{local(submitted.at):%m-%d %H:%M}",
                step=done_word(submitted.label),
            )
            if submitted
            else "",
            "changes": changes,
            "findings": findings.of(self.register, row, household, evaluation, entries, changes),
            "photos": [
                {"url": f"/files/{f.id}", "thumb": f"/files/{f.id}/thumb", "name": f.name}
                for f in photos[:_MOST_PHOTOS]
            ],
            "blocked": self._why_not(step, row, actor),
        }

    def _facts(self, row: Any, shown: set[str]) -> list[dict[str, str]]:
        """What the list's columns say of the record, and what its figures tell apart."""
        found = []
        for name in self.register.lists.ledger.split():
            made = self.register.model.__fields__[name]
            if name in ("head_name", "state", ledger_columns.REGION) or not made.stored:
                continue
            if name in self.register.fields and name not in shown:
                continue
            value = getattr(row, name)
            text = made.mask(value) if made.masked else made.text(value, row.said_at)
            if text:
                found.append({"label": translate(made.label), "text": text})
        return found

    def _why_not(self, step: Transition, row: Any, actor: Actor) -> str | None:
        if row.state not in step.sources:
            return _("现在是“%(state)s”", state=self.register.state_text(row.state))
        return blocked(self.register, row, actor)
