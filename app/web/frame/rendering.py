"""How templates read: contexts are dicts, so a dict's item is looked at before an attribute."""

from __future__ import annotations

from typing import Any

from flask.templating import Environment


class DictFirst(Environment):
    """``a.b`` of a dict is its item. Jinja tries the attribute first and pays for an exception each
    time; a list page looks up some 3,000 items.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                pass
        return super().getattr(obj, attribute)
