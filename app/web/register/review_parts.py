"""What the review page shows beside the record: the queue, reasons, what speaks against it."""

from __future__ import annotations

from math import ceil
from typing import Any
from urllib.parse import urlencode

from flask import session
from sqlalchemy import Row
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import local, now
from app.core.db import db
from app.core.i18n import _, done_word, step_word, translate
from app.kernel.declare.flow import Deciding, State, Transition, is_reviewed
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.lists import query as ledger_query
from app.kernel.lists.queue import Queue
from app.kernel.records import habits, history, steps
from app.kernel.rows.record import Standing

_AROUND = 12
_OFTEN = 3
#: Of a list's address what is no filter, and the state, which the queue sets itself.
_NO_FILTER = ("after", "before", "page", "size", "list", "state")


class Reviewing:
    """One reviewer at the queue of one list: its filters stay from record to record."""

    def __init__(self, register: Register, actor: Actor, args: MultiDict[str, str]) -> None:
        """:raises BadInput: a filter that cannot be read."""
        self.register, self.actor = register, actor
        self.review = review_of(register, actor)
        self.tail = tail(args)
        self.queue = Queue(
            db.session,
            register,
            actor,
            self.review.capability,
            (self.review.state,),
            ledger_query.parse(register, MultiDict(_filters(args)), db.session, actor),
        )

    def url(self, record_id: Any) -> str:
        """The review of one record, in this queue."""
        return f"/{self.register.name}/{record_id}/review{self.tail}"

    @property
    def menu(self) -> Menu | None:
        wanted = self.review.capability
        return next((m for m in self.register.menus if m.capability == wanted), None)

    @property
    def list_url(self) -> str:
        """The list that the queue comes from."""
        name = self.menu.name if self.menu else ""
        return f"/{self.register.name}/{name}{self.tail or '?list=1'}"

    def after(self, row: Any) -> str | None:
        """The address of the next one, None where none is left."""
        following = self.queue.beside(row)
        return self.url(following) if following else None

    def context(self, row: Any) -> dict[str, Any]:
        """The context of ``register/_review.html`` but for the record and its findings."""
        ahead = self.queue.ahead(row, _AROUND)
        before = self.queue.beside(row, back=True)
        following = self.url(ahead[1].id) if len(ahead) > 1 else self.after(row)
        return {
            "title": translate(self.menu.title) if self.menu else _("审核"),
            "left": str(self.queue.left()),
            "filtered": bool(self.tail),
            "queue": [self._line(one, row) for one in ahead],
            "list_url": self.list_url,
            "action_url": f"/{self.register.name}/{row.id}/decide{self.tail}",
            "approve_word": step_word(self._step(self.review.approve).label),
            "return_word": step_word(self._step(self.review.refuse).label_for(self.actor.level)),
            **self._reasons(),
            "prev_url": self.url(before) if before else None,
            "next_url": following,
            "blocked": blocked(self.register, row, self.actor),
        }

    def _line(self, one: Row[Any], row: Any) -> dict[str, Any]:
        since = f"{local(one.submitted_at):%m-%d %H:%M}" if one.submitted_at else ""
        return {
            "url": self.url(one.id),
            "title": one.head_name,
            "sub": " · ".join(part for part in (one.place, since) if part),
            "note": _("本账号上报") if _own(one.submitted_by, self.actor) else "",
            "active": one.id == row.id,
        }

    def _step(self, name: str) -> Transition:
        step = self.register.flow.get(name) if self.register.flow else None
        if step is None:
            raise LookupError(f"{self.register.name} has no step {name}")
        return step

    def _reasons(self) -> dict[str, list[str]]:
        """The declared reasons in their order, for each has its key; which of them this account and its
        office give ``often``.
        """
        given = habits.reasons(self.actor, self.register)
        declared = self._step(self.review.refuse).reasons
        most = sorted((r for r in declared if given[r]), key=lambda r: -given[r])[:_OFTEN]
        return {
            "reasons": [translate(reason) for reason in declared],
            "often": [translate(reason) for reason in most],
        }


def review_of(register: Register, actor: Actor) -> Deciding:
    """The review of the register that is this account's: the county's, or the town's check.

    :raises Forbidden: it is none's.
    """
    reviews = register.flow.reviews if register.flow else ()
    for review in reviews:
        if actor.has(review.capability, register.name):
            return review
    policy.require(Capability.REVIEW, register.name)
    raise LookupError(f"{register.name} is not reviewed")


def open_review(register: Register, row: Any, actor: Actor) -> Deciding | None:
    """The review for which the record waits, if it is this account's."""
    review = register.flow.review_of(row.state) if register.flow else None
    if review and not is_reviewed(register, row):
        return None
    if review and policy.may(review.capability, register.name, row, actor=actor):
        return review
    return None


def blocked(register: Register, row: Any, actor: Actor) -> str | None:
    """Why this account cannot decide on the record, said before it tries; None where it can."""
    if _own(row.submitted_by, actor):
        return _("这份%(what)s是本账号上报的，请由其他审核人员审核。", what=register.word)
    if row.standing == Standing.PENDING:
        return _("该户由主户分出，主户审核通过后才能审核。")
    return None


def _own(submitter: Any, actor: Actor) -> bool:
    return submitter == actor.account_id and not steps.self_review()


def tail(args: MultiDict[str, str]) -> str:
    """What the address of a review carries of the list that it is opened from."""
    kept = _filters(args)
    return f"?{urlencode(kept)}" if kept else ""


def _filters(args: MultiDict[str, str]) -> list[tuple[str, str]]:
    return [(k, v) for k, v in args.items(multi=True) if v and k not in _NO_FILTER]


def remember_decision(register: Register, row: Any, undo: str) -> None:
    """Keep the decision for the pages that follow, so that they offer to take it back by the step
    ``undo``.
    """
    session["decided"] = {
        "id": str(row.id),
        "register": register.name,
        "undo": undo,
        "name": row.head_name,
        "state": row.state.value,
        "version": row.version,
        "at": now().timestamp(),
    }


def undo(register: Register) -> dict[str, Any] | None:
    """The last decision of this session, while it can be taken back: asks the database nothing."""
    decided = session.get("decided")
    if not decided or decided.get("register") != register.name:
        return None
    step = register.flow.get(decided["undo"]) if register.flow else None
    if step is None:
        return None
    left = ceil(step.seconds - (now().timestamp() - decided["at"]))
    if left <= 0:
        session.pop("decided", None)
        return None
    state = State(decided["state"])
    return {
        "url": f"/{register.name}/{decided['id']}/undo",
        "text": _("%(name)s：%(state)s。", name=decided["name"], state=register.state_text(state)),
        "version": decided["version"],
        "seconds": left,
    }


def meanwhile(row: Any, review: Deciding) -> str:
    """What somebody else did with a record that was about to be decided."""
    entries = history.of(row)
    if not entries or row.state == review.state:
        return _("%(name)s的内容刚刚有改动，请看过现在的内容再审核。", name=row.head_name)
    last = entries[-1]
    return _(
        "%(name)s：%(who)s于 %(when)s %(step)s，您的决定没有写入。",
        name=row.head_name,
        who=last.person or last.account_name,
        when=f"{local(last.at):%H:%M}",
        step=done_word(last.label),
    )
