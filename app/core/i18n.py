"""Chinese is the source language: msgids are the official Chinese texts.

``_`` marks and translates a text now; ``lazy`` marks one that is translated when shown;
``translate`` translates a text that a declaration holds (labels of fields, states, registers),
which the catalogue command collects from the declarations themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, has_app_context, has_request_context
from flask_babel import get_domain, get_locale, gettext, lazy_gettext

_ = gettext
lazy = lazy_gettext


def translate(text: str, /, **values: object) -> str:
    """The text in the language of the request or background job; outside both the Chinese text."""
    if not text:
        return text
    if not has_request_context() and not (has_app_context() and "forced_babel_locale" in g):
        return text % values if values else text
    translated = catalog().get(text, text)
    return translated % values if values else translated


def catalog() -> Mapping[str, str]:
    """The translations into the language of this request or job, looked up once for each: a form
    asks for some 800 texts.
    """
    locale = getattr(g.get("_flask_babel"), "babel_locale", None)  # where Flask-Babel keeps it
    kept: tuple[Any, Mapping[str, str]] | None = g.get("catalog")
    if kept is None or locale is None or kept[0] is not locale:
        locale = get_locale()
        texts = getattr(get_domain().get_translations(), "_catalog", {})
        kept = g.catalog = (locale, texts)
    return kept[1]
