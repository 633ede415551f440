"""What the addresses of lists and tables may say: what is not known there is an error, no silence.

A wrong name would else show all rows to somebody who believes that they are filtered.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.core.errors import BadInput
from app.core.i18n import _

#: What pages add by themselves, whatever is asked: the place in a list, its page and menu entry, the way
#: back to it, the record from which one goes on to the next.
ADDED = frozenset(
    {
        "after", "before", "page", "size", "list", "menu", "as_seen",
        "walk", "of", "at", "walk_from", "walk_at", "walk_of", "walk_back",
    }
)  # fmt: skip


def require_known(args: Iterable[str], *known: str) -> None:
    """:raises BadInput: a parameter that neither the page knows nor pages add."""
    for name in args:
        if name not in ADDED and name not in known:
            text = _("没有参数“%(name)s”。", name=name[:40])
            raise BadInput(text, parameter=name[:40])
