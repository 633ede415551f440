"""Whatever a test writes into the audit log says nothing that people read as a word of the program: a
key of ``detail`` without its word in :mod:`app.kernel.households.audit_words` fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import event

from app.access import settings
from app.access.actor import SYSTEM
from app.access.audit.log import AuditEntry
from app.kernel.declare.register import get_register
from app.kernel.households.audit_words import LABELS

#: Whose keys are fields of the register, settings or parameters of an address.
_OF_FIELDS = ("changes", "filter", "raw")
#: Whose keys are names of registers, which have titles.
_OF_REGISTERS = ("registers",)


def install() -> None:
    """Every entry is looked at when it is written."""
    event.listen(AuditEntry, "before_insert", _look)


def _look(_mapper: Any, _connection: Any, entry: AuditEntry) -> None:
    unknown = sorted(unnamed(entry))
    assert not unknown, f"keys of the audit log without a word: {', '.join(unknown)}"


def unnamed(entry: AuditEntry) -> Iterator[str]:
    """The keys that a page would show as they are."""
    register = get_register(entry.register or "")
    fields = set(register.model.__fields__) if register else set()
    fields |= {setting.name for setting in settings.declared()}
    for key, value in (entry.detail or {}).items():
        if key != "changes" and key not in LABELS:
            yield key
        if key == "changes" and register is None and entry.register == SYSTEM:
            continue  # of a model that a test made up
        if isinstance(value, Mapping) and key not in _OF_REGISTERS:
            known = fields if key in _OF_FIELDS else set()
            known |= {one for one in value if not one.isascii()}  # words already
            yield from (f"{key}.{one}" for one in value if one not in known and one not in LABELS)
