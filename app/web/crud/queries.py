"""What ``q`` of a generated API says, in rison or JSON as FAB documents it. FAB passes over names that it does not
know, takes any number for a page, and fails at some texts; here each is told.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import prison
from flask import request

from app.core.errors import BadInput
from app.core.i18n import _

_PLACES = {
    "page": {"type": "integer", "minimum": 0, "maximum": 999_999},
    "page_size": {"type": "integer", "minimum": 1, "maximum": 999_999},
}
#: What the readers raise at a text that they cannot read.
_UNREADABLE = (prison.decoder.ParserException, ValueError, TypeError, IndexError, RecursionError)


def takes_query(schema: dict[str, Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """In the place of FAB's ``@rison``: the method is told by ``rison=``.

    :raises BadInput: when it is called, with what is wrong.
    """
    strict = _strict(schema)

    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def asked(*args: Any, **kwargs: Any) -> Any:
            text = request.args.get("q", "")
            return method(*args, rison=_checked(_read(text), strict) if text else {}, **kwargs)

        return asked

    return wrap


def _read(text: str) -> Any:
    for read in (prison.loads, json.loads):
        try:
            return read(text)
        except _UNREADABLE:
            continue
    raise BadInput(_("参数 q 不是正确的 Rison 或 JSON。"), parameter="q")


def _checked(said: Any, schema: dict[str, Any]) -> Any:
    try:
        jsonschema.validate(said, schema)
    except jsonschema.ValidationError as error:
        what = error.message[:200]
        raise BadInput(_("请求有误：%(said)s", said=what), parameter="q") from None
    return said


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with no other names than its own, and with pages that there may be."""
    made = {name: _strict(one) if isinstance(one, dict) else one for name, one in schema.items()}
    if "properties" in made:
        named = made["properties"]
        made["properties"] = named | {n: one for n, one in _PLACES.items() if n in named}
        made["additionalProperties"] = False
    return made
