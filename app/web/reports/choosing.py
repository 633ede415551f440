"""The choice of a year and of what divides it, above tables that count by both: 快速查询 is what a page opens with,
通用查询 any (spec 06 "Rankings and progress").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.figures import statistics
from app.kernel.figures.statistics import ALL_KINDS

#: More years than these stand in a select, not as links beside each other.
_MOST_LINKS = 8
#: The address of the page with another year and kind of it; None: all years.
Address = Callable[[int | None, str], str]


def is_long(register: Register) -> bool:
    """Are there so many years that they are chosen from a select?"""
    return register.years is not None and len(register.years.offered()) > _MOST_LINKS


def form(
    register: Register,
    year: int | None,
    kind: str,
    url_of: Address,
    kept: Mapping[str, Any],
    *,
    whole: bool = True,
) -> dict[str, Any] | None:
    """For reports/_choosing.html; None: the register counts by no year. ``kept`` is what else the address
    says; ``whole``: all years, and all kinds of one, may be asked for.
    """
    years = register.years
    if years is None:
        return None
    kinds = [(ALL_KINDS, _("全部"))] if whole else []
    kinds += [(code, register.kind_label(code)) for code in register.kinds]
    now = kind or ALL_KINDS
    return {
        "quick": _quick(register, year, kind, url_of),
        "all": {"label": _("全部年度"), "url": url_of(None, ""), "active": year is None}
        if whole
        else None,
        "kept": kept,
        "years": [
            {"value": one, "label": _("%(year)s年", year=one), "active": one == year}
            for one in years.offered()
        ],
        "unchosen": year is None,
        "kinds_label": kinds_label(register),
        "kinds": [
            {"value": code, "label": label, "active": year is not None and code == now}
            for code, label in kinds
        ] if register.kinds else [],
    }  # fmt: skip


def _quick(
    register: Register, year: int | None, kind: str, url_of: Address
) -> dict[str, Any] | None:
    """What the page opens with, as one link."""
    usual = statistics.year_asked_for(register, None)
    if usual is None:
        return None
    usual_kind = statistics.kind_asked_for(register, usual, None)
    what = _("%(year)s年", year=usual)
    if usual_kind:
        what = _("%(year)s，%(kind)s", year=what, kind=register.kind_label(usual_kind))
    return {
        "label": _("快速查询：%(what)s", what=what),
        "url": url_of(usual, usual_kind),
        "active": (year, kind) == (usual, usual_kind),
    }


def kinds_label(register: Register) -> str:
    """What it is that divides the years."""
    by = register.years.by if register.years else ""
    return translate(register.model.__fields__[by].label) if by else ""


__all__ = ["form", "is_long", "kinds_label"]
