"""What an address may say: what is not known there is an error, no silence.

A wrong name would else show all rows to somebody who believes that they are filtered. A page says with
:func:`takes` what its address may say beside :data:`ADDED`; one that says nothing takes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from flask import current_app, request
from werkzeug.routing import IntegerConverter

from app.access.divisions import asked as region_asked
from app.core.errors import BadInput
from app.core.i18n import _
from app.web.frame import callers, problems

#: What pages add by themselves, whatever is asked: the place in a list, its page and menu entry, the way
#: back to it, the record from which one goes on to the next.
ADDED = frozenset(
    {
        "after", "before", "page", "size", "list", "menu", "as_seen",
        "walk", "of", "at", "walk_from", "walk_at", "walk_of", "walk_back",
    }
)  # fmt: skip
#: What every address of the API takes; of the names above it takes none.
_OF_API = frozenset({"lang"})
#: No pages: files of the program, whose addresses say their version, and what monitors ask.
_NO_PAGES = frozenset({"static", "appbuilder.static", "health"})

#: A name, or who knows them: asked with the view and what its path says.
Known = str | Callable[..., Iterable[str]]
_MOST_DIGITS = 9
TOO_LONG = 10**_MOST_DIGITS
_View = TypeVar("_View", bound=Callable[..., Any])
_SAID = "takes"


def takes(*known: Known) -> Callable[[_View], _View]:
    """Declare the parameters of an exposed method, beside those that pages add."""

    def declare(view: _View) -> _View:
        setattr(view, _SAID, known)
        return view

    return declare


class Whole(IntegerConverter):
    """A key in a path. One that is too long for the database is read as :data:`TOO_LONG`."""

    def to_python(self, value: str) -> int:
        return int(super().to_python(value)) if len(value) <= _MOST_DIGITS else TOO_LONG


def require_readable() -> None:
    """Before a request is answered.

    :raises BadInput: its path has a number that is no key of anything, or its division is none.
    """
    if TOO_LONG in (request.view_args or {}).values():
        raise BadInput(_("网址中的编号过长，请从页面上重新打开。"))
    if (region := request.args.get("region")) and request.endpoint not in _NO_PAGES:
        region_asked.read_key(region)


def require_known() -> None:
    """Before a request is answered.

    :raises BadInput: its address has a parameter that neither the page takes nor pages add.
    """
    if not request.args or request.endpoint is None or request.endpoint in _NO_PAGES:
        return
    api = problems.is_api()
    if api:
        callers.require_known_language()
    known = frozenset(known_of(current_app.view_functions[request.endpoint]))
    known |= _OF_API if api else ADDED
    name = next((name[:40] for name in request.args if name not in known), None)
    if name is not None and api:
        raise BadInput(_("没有参数“%(name)s”。", name=name), parameter=name)
    if name is not None:
        raise BadInput(_("没有参数“%(name)s”。请从网址中去掉它，或从菜单重新打开页面。", name=name))


def known_of(view: Callable[..., Any]) -> Iterator[str]:
    """What the address of the present request may say, as its view declares."""
    for said in getattr(view, _SAID, ()):
        if isinstance(said, str):
            yield said
        else:
            yield from said(getattr(view, "__self__", None), **(request.view_args or {}))
