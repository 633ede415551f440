"""The grid of 任务管理: the own number beside the sum that was given on, a number for each division below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, Region
from app.core.errors import AnjuError, Invalid
from app.core.i18n import _
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.figures import statistics
from app.kernel.quotas import giving, telling
from app.kernel.quotas.giving import Line, Numbers, Plan
from app.kernel.reports.shares import UNKNOWN
from app.web.reports import choosing

_INPUT = re.compile(r"(n|seen)-([0-9]{1,9})")


@dataclass(frozen=True)
class Asked:
    """What an address asks for: a division, a year, a kind of it."""

    register: Register
    region: Region
    year: int
    kind: str

    def url(self, name: str = "", region_id: int = 0) -> str:
        """The page itself, or one beside it, of this year and kind."""
        asked: dict[str, Any] = {"region": region_id or self.region.id, "year": self.year}
        asked |= {"kind": self.kind} if self.kind else {}
        return f"/quotas/{self.register.name}/{name}?{urlencode(asked)}"


@dataclass
class Typed:
    """What a form brought: texts as they were typed, and what its page had shown, by the key of a division."""

    texts: dict[int, str] = field(default_factory=dict)
    seen: dict[int, int | None] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # by the key as text
    failed: AnjuError | None = None

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> Typed:
        """Of the inputs ``n-<key>`` and ``seen-<key>``; what a page never shows says nothing."""
        made = cls()
        for name, text in form.items():
            if found := _INPUT.fullmatch(name):
                key = int(found[2])
                if found[1] == "n":
                    made.texts[key] = text[:20]
                else:
                    made.seen[key] = int(text) if re.fullmatch("[0-9]{1,9}", text) else None
        return made

    def numbers(self) -> Numbers:
        """The numbers. :raises Invalid: some are none; each problem's field is the key of its division."""
        found, problems = {}, []
        for key, text in self.texts.items():
            try:
                found[key] = giving.read_number(text)
            except ValueError:
                problems.append(Problem(str(key), "quota.n", giving.not_a_number()))
        if problems:
            raise Invalid(_("请改正标出的内容。"), problems)
        return found

    def meanwhile(self, now: Numbers) -> None:
        """Somebody has set these: each is told beside its field, and what was typed may be saved over it."""
        for key, n in now.items():
            text = _("刚刚被他人改为 %(n)s。", n=_told(n))
            self.errors[str(key)] = text
            self.seen[key] = n


def page(asked: Asked, made: Plan, actor: Actor, typed: Typed) -> dict[str, Any]:
    """The context of quotas/grid.html."""
    register, region = asked.register, asked.region
    may = giving.may_give(register, region, actor)
    rankings = telling.ranking_url(register, region, asked.year, asked.kind)
    return {
        "title": _("任务管理"),
        "intro": register.label,
        "trail": [
            {"title": one.label, "url": asked.url(region_id=one.id)}
            for one in statistics.trail(actor, region)
        ],
        "choosing": choosing.form(
            register,
            asked.year,
            asked.kind,
            lambda year, kind: Asked(register, region, year or asked.year, kind).url(),
            {"region": region.id},
            whole=False,
        ),
        "facts": _facts(made.own, region),
        "may_give": may,
        "why_not": "" if may else _("任务量由“%(name)s”的管理用户下达。", name=region.label),
        "action_url": asked.url(),
        "error": typed.failed.message if typed.failed else "",
        "lines": [_line(asked, line, typed) for line in made.below],
        "deeper": region.level < Level.COUNTY,
        "excel_url": asked.url("excel"),
        "import_url": f"/quotas/{register.name}/import/" if may else None,
        "ranking_url": rankings if actor.has(Capability.SEARCH, register.name) else None,
    }


def _facts(own: Line, region: Region) -> list[dict[str, Any]]:
    """What the division was given, what it gave on, and what is left of it."""
    facts = [
        {"label": _("本级任务量"), "text": _told(own.n)},
        {"label": _("已分解到下级"), "text": _told(own.passed)},
    ]
    if region.level == Level.NATION:
        return facts[1:]  # nobody stands above it
    return [*facts, {"label": _("差额"), **_left(own)}]


def _left(line: Line) -> dict[str, str]:
    """What was not given on, in words; red where more was given than there was."""
    left = line.left
    if left is None:
        return {"text": UNKNOWN, "tone": ""}
    if left < 0:
        return {"text": _("多分解 %(n)s", n=f"{-left:,}"), "tone": "bad"}
    return {
        "text": _("未分解 %(n)s", n=f"{left:,}") if left else _("已全部分解"),
        "tone": "warn" if left else "good",
    }


def _line(asked: Asked, line: Line, typed: Typed) -> dict[str, Any]:
    key, region = line.region.id, line.region
    number = "" if line.n is None else str(line.n)
    seen = typed.seen.get(key, line.n)
    return {
        "id": key,
        "name": region.label,
        "url": asked.url(region_id=key) if region.level <= Level.COUNTY else None,
        "n": _told(line.n),
        "value": typed.texts.get(key, number),
        "seen": "" if seen is None else seen,
        "error": typed.errors.get(str(key), ""),
        "passed": _told(line.passed),
        "left": _left(line),
    }


def _told(n: int | None) -> str:
    return UNKNOWN if n is None else f"{n:,}"


__all__ = ["Asked", "Typed", "page"]
