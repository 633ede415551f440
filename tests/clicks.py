"""What a view does with actions, where a test calls them itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.core.transactions import transaction
from app.kernel.records import files as attachments
from app.kernel.records.files import Attachment

T = TypeVar("T")


def click(action: Callable[..., T], *args: object, **options: object) -> T:
    """The action in a transaction of its own."""
    with transaction():
        return action(*args, **options)


def take_in(*what: Any) -> Attachment:
    """Receive a file for a record's field, then add it."""
    received = attachments.receive(*what)
    return click(attachments.add, *what[:2], received)
