"""Chinese is the source language: msgids are the official Chinese texts.

``_`` marks and translates a text now; ``lazy`` marks one that is translated when shown;
``mark`` only tells the catalogue of a text that code keeps and hands to ``translate`` later;
``translate`` translates a text that a declaration holds (labels of fields, states, registers),
which the catalogue command collects from the declarations themselves.

审核通过 and 退回补正 name a state, the step that leads there and what was done. Chinese needs one
word for all three, other languages do not: ``step_word`` stands on a button ("Approve"),
``done_word`` in a history ("Approved"), ``translate`` gives the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, has_app_context, has_request_context
from flask_babel import get_domain, get_locale, lazy_gettext

lazy = lazy_gettext
STEP, DONE = "step", "done"
_NO_TEXTS: Mapping[str, str] = {}


def mark(text: str) -> str:
    """The text itself."""
    return text


def translate(text: str, /, **values: object) -> str:
    """The text in the language of the request or background job; outside both the Chinese text."""
    if not text:
        return text
    translated = catalog().get(text, text)
    return translated % values if values else translated


_ = translate


def step_word(text: str) -> str:
    """What a step of a flow is called where one does it: Approve."""
    return _in_context(STEP, text)


def done_word(text: str) -> str:
    """What a step of a flow is called after it was done: Approved."""
    return _in_context(DONE, text)


def in_english() -> bool:
    """Is the request or background job answered in English?"""
    return _has_language() and str(get_locale()) == "en"


def catalog() -> Mapping[str, str]:
    """The translations into the language of this request or job, looked up once for each: a form
    asks for some 800 texts. None outside both.
    """
    if not has_app_context():
        return _NO_TEXTS
    here: Any = g._get_current_object()  # looking through the proxy again and again is not cheap
    kept: tuple[Any, Mapping[str, str]] | None = here.get("catalog")
    if kept is None or kept[0] is not getattr(here.get("_flask_babel"), "babel_locale", None):
        if not _has_language():
            return _NO_TEXTS
        locale = get_locale()
        texts = getattr(get_domain().get_translations(), "_catalog", _NO_TEXTS)
        kept = here.catalog = (locale, texts)
    return kept[1]


def _has_language() -> bool:
    return has_request_context() or (
        has_app_context() and hasattr(_kept_by_babel(), "forced_babel_locale")
    )


def _kept_by_babel() -> Any:
    """What Flask-Babel keeps for this request or application context, None before it was asked."""
    return g.get("_flask_babel")


def _in_context(context: str, text: str) -> str:
    # gettext's files join a context and its msgid with the end-of-transmission mark
    return catalog().get(f"{context}\x04{text}", text)
