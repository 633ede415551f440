"""Setting what a division gives, and telling those to whom it is given."""

from __future__ import annotations

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.divisions.regions import Region
from app.core.db import db
from app.kernel.declare.register import Register
from app.kernel.quotas import giving
from app.kernel.quotas.giving import Numbers


def give(
    register: Register, region: Region, year: int, kind: str, numbers: Numbers, seen: Numbers
) -> int:
    """As :func:`app.kernel.quotas.giving.give`; each division hears of its own new number, once, with the way
    to the page that ranks by it. Gives how many changed; the caller commits.
    """
    changed = giving.give(register, region, year, kind, numbers, seen)
    for one in changed:
        n = numbers[one.id]
        notices.tell(
            db.session(), one.id, NoticeKind.QUOTA, ranking_url(register, one, year, kind),
            giver=region.full_name, year=str(year), what=_in_chinese(register, kind),
            n="—" if n is None else f"{n:,}",
        )  # fmt: skip
    return len(changed)


def _in_chinese(register: Register, kind: str) -> str:
    """A notice is translated for who reads it."""
    made = register.kinds.get(kind)
    choices = made.choices if made else None
    return choices(kind).zh if choices else register.record_word


def ranking_url(register: Register, region: Region, year: int, kind: str) -> str:
    """The table that divides by what was given, for a division."""
    table = next((table.name for table in register.tables if table.quotas), "")
    asked = f"region={region.id}&year={year}" + (f"&kind={kind}" if kind else "")
    return f"/{register.name}/statistics/{table}?{asked}" if table else ""
