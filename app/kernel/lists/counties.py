"""Which counties a page of a list touches, told by counters: a rare figure and page N are found there
without looking at rows.
"""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Integer, cast, func, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, subtree
from app.kernel.declare.figures import parted
from app.kernel.figures.tally import lines_of, slot_of, tally

_MOST = 24  # counties that one page touches


class Counties:
    """The counties of the area ``path`` that hold rows of a register."""

    def __init__(self, session: Session, register: str, path: str) -> None:
        self.session, self.register, self.path = session, register, path

    def all(self, figure: str) -> list[tuple[str, int]]:
        """All of them in order: path and how many."""
        n, lines = self._lines(figure)
        query = select(tally.c.path, n).where(*lines, n > 0).order_by(tally.c.path)
        return [(path, many) for path, many in self.session.execute(query)]

    def window(self, figure: str, offset: int, limit: int) -> list[tuple[str, int]]:
        """The counties that hold rows offset … offset+limit, as (path, rows to skip there)."""
        if not offset:  # without adding up all that come after
            return self._filled(figure, self.path, limit)
        n, lines = self._lines(figure)
        whole = func.sum(cast(n, Integer))  # PostgreSQL adds up large numbers as decimals
        upto = whole.over(order_by=tally.c.path).label("upto")
        found = select(tally.c.path, n.label("n"), upto).where(*lines, n > 0).subquery()
        before = found.c.upto - found.c.n
        query = (
            select(found.c.path, before)
            .where(found.c.upto > offset, before < offset + limit)
            .order_by(found.c.path)
            .limit(_MOST)
        )
        return [
            (path, max(0, offset - int(passed))) for path, passed in self.session.execute(query)
        ]

    def beside(
        self, figure: str, place: str, limit: int, *, backward: bool
    ) -> list[tuple[str, int]]:
        """The county of the path ``place`` and those next to it that fill a page, as (path, 0)."""
        own = self._county_of(figure, place)
        return self._filled(figure, own or place, limit, own=own, backward=backward)

    def _filled(
        self, figure: str, start: str, limit: int, *, own: str | None = None, backward: bool = False
    ) -> list[tuple[str, int]]:
        """The counties from the path ``start`` on that fill a page, beside ``own``."""
        on = tally.c.path <= start if backward else tally.c.path >= start
        n, lines = self._lines(figure)
        query = (
            select(tally.c.path, n)
            .where(*lines, n > 0, on)
            .order_by(tally.c.path.desc() if backward else tally.c.path)
            .limit(_MOST)
        )
        wanted, filled = [], 0
        for path, many in self.session.execute(query):
            wanted.append((path, 0))
            filled += many if path != own else 0  # how many of its own county are left is unknown
            if filled >= limit:
                break
        return wanted

    def _county_of(self, figure: str, path: str) -> str | None:
        _n, lines = self._lines(figure)
        query = select(tally.c.path).where(*lines, tally.c.path <= path)
        found = self.session.scalar(query.order_by(tally.c.path.desc()).limit(1))
        return found if found and path.startswith(found) else None

    def _lines(self, key: str) -> tuple[Column[int], tuple[ColumnElement[bool], ...]]:
        """The column of a figure, and the lines of the area's counties."""
        figure, dim = parted(key)
        slot = slot_of(self.register, figure)
        area = subtree(self.path)
        return slot.column, lines_of(self.register, dim, Level.COUNTY, [slot.part], *area)
