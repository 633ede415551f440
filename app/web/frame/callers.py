"""Who calls the API: another system by its token, or a signed-in browser with its CSRF token."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context, request, session

from app.access.accounts import tokens
from app.access.scope import set_actor
from app.core.errors import BadInput
from app.core.i18n import _
from app.kernel.declare import choice_lists
from app.web.frame import problems

_LANGUAGES = ("zh", "en")
#: Beside the API itself a token opens the files of records.
_FILES = ("FileView.show", "FileView.thumb")

_ENTER = tokens.asked(choice_lists.in_force())


def by_token() -> bool:
    """Does the request bring a token, where one is taken? Then no cookie counts."""
    here = request.path.startswith(problems.PREFIX) or request.endpoint in _FILES
    return here and problems.brings_token()


def enter() -> None:
    """Set who acts by the token.

    :raises TokenRefused: none that is valid. :raises TooMany: used too often.
    """
    secret = request.headers["Authorization"][len(problems.SCHEME) :].strip()
    actor, found = tokens.enter(_ENTER, secret, request.remote_addr or "")
    choice_lists.expect(found[-1])
    set_actor(actor)


def language() -> str | None:
    """The language that a request to the API asks for: ``lang``, else Accept-Language, else that of
    the session; None where there is no request, or it is of no API.
    """
    if not has_request_context() or not problems.is_api():
        return None
    asked = request.args.get("lang", "")
    if asked in _LANGUAGES:
        return asked
    if request.accept_languages:
        return request.accept_languages.best_match(_LANGUAGES, _LANGUAGES[0])
    return str(session.get("locale") or _LANGUAGES[0])


def require_known_language() -> None:
    """:raises BadInput: ``lang`` is none of ours."""
    if request.args.get("lang", "zh") not in _LANGUAGES:
        raise BadInput(_("lang 只能是 zh 或 en。"), parameter="lang")


def install(app: Flask) -> None:
    """The language of the API's answers, which writes nothing into a session."""
    babel: Any = app.extensions["babel"]
    of_pages = babel.locale_selector
    babel.locale_selector = lambda: language() or of_pages()
