"""A form as a browser posts it, and what its page says of a field."""

from __future__ import annotations

import html
import re
from typing import Any

from tests import builders


def posted(form: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The form as a browser posts it."""
    data: dict[str, Any] = {}
    for name, value in builders.texts(form).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for number, row in enumerate(value):
                data |= {f"{name}-{number}-{k}": v for k, v in row.items() if v is not None}
        elif value is not None:
            data[name] = value
    return data | {"version": "1", "contact_name": "李明", "contact_phone": "13909180000"} | more


def errors_at(page: str) -> dict[str, str]:
    """What stands beside each field of which something is wrong, by the id of its input without ``f-``."""
    found = re.findall(r'id="(?:f-)?([\w-]+)-errors" data-errors>(.*?)</p>', page)
    return {name: html.unescape(re.sub("<[^>]*>", "", said)) for name, said in found}


def errors_of(page: str, field: str) -> str:
    """What stands beside the field."""
    return errors_at(page).get(field, "")
