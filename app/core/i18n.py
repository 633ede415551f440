"""Chinese is the source language: msgids are the official Chinese texts.

``_`` marks and translates a text now; ``lazy`` marks one that is translated when shown;
``translate`` translates a text that a declaration holds (labels of fields, states, registers),
which the catalogue command collects from the declarations themselves.
"""

from __future__ import annotations

from flask import g, has_app_context, has_request_context
from flask_babel import gettext, lazy_gettext

_ = gettext
lazy = lazy_gettext


def translate(text: str, /, **values: object) -> str:
    """The text in the language of the request or background job; outside both the Chinese text."""
    if not text:
        return text
    if not has_request_context() and not (has_app_context() and "forced_babel_locale" in g):
        return text % values if values else text
    return str(gettext(text, **values))
