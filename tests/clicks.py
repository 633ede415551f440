"""What a view does with actions, where a test calls them itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

from app.core.jobs.table import Job
from app.core.transactions import transaction
from app.kernel.exchange import inbox, ledger_export
from app.kernel.records import files as attachments
from app.kernel.records.files import Attachment

T = TypeVar("T")


def click(action: Callable[..., T], *args: object, **options: object) -> T:
    """The action in a transaction of its own."""
    with transaction():
        return action(*args, **options)


def begin_import(start: Callable[..., Job], stream: BinaryIO, name: str, **chosen: bool) -> Job:
    """Keep the file and queue its import."""
    return click(start, inbox.keep(stream, name), **chosen)


def begin_export(*what: Any, keys: bool = False) -> Job:
    """Read what a ledger's export asks for and queue it."""
    return click(ledger_export.start, ledger_export.asked(*what, keys=keys))


def take_in(*what: Any) -> Attachment:
    """Receive a file for a record's field, then add it."""
    received = attachments.receive(*what)
    return click(attachments.add, *what[:2], received)
