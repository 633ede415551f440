"""A form that is sent is done once, however often it comes: by a double click, or sent again because
the answer was lost. Each form of a page brings a key that was made with the page::

    try:
        with once() as click:
            row = things.add(…)
            click.leads_to(f"/things/{row.id}", _("已新增。"))
    except Invalid as error:
        return self._page(error.problems)      # nothing came of it: the key is as it was
    return click.answer()

What the click leads to and says is told inside, where it is kept with what was done, and reaches the
browser when that is true. A form that comes again is answered with the same, and the view goes no
further; of two at the same moment the second waits. Where the view tells nothing nothing is kept.

A form needs it that makes something, or whose answer would be another one the second time. One that
sets what it says (a column that is shown, an account that is closed) is done twice without harm.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from flask import Flask, flash, redirect, request, session
from flask.json.tag import TaggedJSONSerializer
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug import Response

from app.access import repeats
from app.access.scope import current_actor
from app.core.clock import uuid7
from app.core.errors import BadInput, Conflict
from app.core.i18n import _

#: The input of a form that brings its key.
FIELD = "form_key"
#: It changes while a page stands, and says nothing of what is asked for.
_OF_SESSION = "csrf_token"
_KEY = re.compile(r"[0-9a-f]{32}")
_LEADS = 302
_FLASHES = "_flashes"  # where Flask keeps them in the session
_PIECE = 1 << 20
_json = TaggedJSONSerializer()  # a message may be HTML


@dataclass
class Click:
    """Where a form that was sent leads to, and what is said there."""

    url: str = ""
    said: list[tuple[str, str]] = field(default_factory=list)

    def leads_to(self, url: str, text: str = "", tone: str = "success") -> None:
        """The page that opens, with a message."""
        self.url = url
        if text:
            self.says(text, tone)

    def says(self, text: str, tone: str) -> None:
        self.said.append((text, tone))

    @contextmanager
    def hears(self) -> Iterator[None]:
        """What is flashed inside, by code that knows no clicks, the click says: if it comes true, and again
        when the form comes again.
        """
        before = session.pop(_FLASHES, [])
        try:
            yield
            for tone, text in session.get(_FLASHES, []):
                self.says(text if isinstance(text, Markup) else str(text), tone)
        finally:
            session.pop(_FLASHES, None)
            if before:
                session[_FLASHES] = before

    def tell(self) -> None:
        """Say it on the page that is made next."""
        for text, tone in self.said:
            flash(text, tone)

    def answer(self) -> Response:
        self.tell()
        return redirect(self.url, _LEADS)


@contextmanager
def once(*files: str) -> Iterator[Click]:
    """A transaction that a form's key begins; ``files`` are the keys of what was stored for it.

    :raises Repeated: the form came before; answered by :func:`install`'s handler.
    :raises Conflict: the key came with another form. :raises BadInput: no page made it.
    """
    click = Click()
    try:
        with repeats.once(_sent(), files) as outcome:
            yield click
            if click.url:
                outcome.status = _LEADS
                outcome.answer = _json.dumps([click.url, click.said])
    except repeats.Reused as error:
        text = _("这个页面的内容已经提交过，之后又改动了。请刷新页面，核对后再提交。")
        raise Conflict(text) from error


def require_first() -> None:
    """Before a view refuses what is asked, maybe for what the same form did: an error asks it too.

    :raises Repeated: the form came before, and was done.
    """
    if request.method != "POST":
        return
    try:
        sent = _sent()
    except BadInput:  # no key of ours
        return
    if sent is not None:
        repeats.require_first(sent)


def install(app: Flask) -> None:
    """Answer what came before; give templates what their forms bring."""
    app.register_error_handler(repeats.Repeated, again)
    app.jinja_env.globals["form_inputs"] = form_inputs


def form_inputs() -> Markup:
    """What each form of a page brings: the token of its session, and its key."""
    one = Markup('<input type="hidden" name="{}" value="{}">')
    return one.format(_OF_SESSION, generate_csrf()) + one.format(FIELD, uuid7().hex)


def again(repeated: repeats.Repeated) -> Response:
    """What the form was answered the first time."""
    url, said = _json.loads(repeated.outcome.answer or '["/", []]')
    response = Click(url, [(text, tone) for text, tone in said]).answer()
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _sent() -> repeats.Sent | None:
    actor = current_actor()
    if actor is None or FIELD not in request.form:
        return None
    if not _KEY.fullmatch(request.form[FIELD]):
        raise BadInput(_("页面已过期，请刷新后再操作。"))
    return repeats.Sent(actor.account_id, request.form[FIELD], digest())


def digest() -> str:
    """Of the address and all that the form says, with its files."""
    typed = sorted((n, t) for n, t in request.form.items(multi=True) if n != _OF_SESSION)
    files = [(n, f.filename, _of_file(f.stream)) for n, f in request.files.items(multi=True)]
    told = json.dumps([request.method, request.full_path, typed, files])
    return hashlib.sha256(told.encode()).hexdigest()


def _of_file(stream: IO[bytes]) -> str:
    found = hashlib.sha256()
    stream.seek(0)  # what was stored was read
    for piece in iter(lambda: stream.read(_PIECE), b""):
        found.update(piece)
    stream.seek(0)
    return found.hexdigest()
