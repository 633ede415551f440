"""Chinese is the source language: msgids are the official Chinese texts.

``_`` marks and translates a text now; ``lazy`` marks one that is translated when shown;
``translate`` translates a text that a declaration holds (labels of fields, states, registers),
which the catalogue command collects from the declarations themselves.
"""

from __future__ import annotations

from flask import has_request_context
from flask_babel import gettext, lazy_gettext

_ = gettext
lazy = lazy_gettext


def translate(text: str, **values: object) -> str:
    """The text in the language of the request; outside of one the Chinese text itself."""
    if not text:
        return text
    if not has_request_context():
        return text % values if values else text
    return str(gettext(text, **values))
