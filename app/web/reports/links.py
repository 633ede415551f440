"""Where numbers of tables lead: to the records that they count, and to other tables."""

from __future__ import annotations

from urllib.parse import urlencode

from app.access.actor import Capability
from app.kernel.declare.register import Register
from app.kernel.figures.statistics import ALL_KINDS, ALL_YEARS


def ledger_url(register: Register) -> str | None:
    """The list that shows rows of every state to everybody who may search."""
    menus = (menu for menu in register.menus if menu.capability == Capability.SEARCH)
    menu = next(menus, None)
    return f"/{register.name}/{menu.name}" if menu else None


def of_dim(register: Register, year: int | None, kind: str) -> dict[str, object]:
    """Year and kind, or all of them, as an address says them."""
    asked: dict[str, object] = {"year": year or ALL_YEARS} if register.years else {}
    return asked | ({"kind": kind or ALL_KINDS} if register.kinds and year else {})


def address(register: Register, table: str, region_id: int, year: int | None, kind: str) -> str:
    """A table of a division, of a year and kind or of all."""
    asked = {"region": region_id} | of_dim(register, year, kind)
    return f"/{register.name}/statistics/{table}?{urlencode(asked)}"


__all__ = ["address", "ledger_url", "of_dim"]
