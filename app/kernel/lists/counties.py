"""Which counties a page of a list touches, told by counters: a rare figure and page N are found there
without looking at rows.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.access.divisions.regions import subtree
from app.kernel.figures.counters import Counter

_MOST = 24  # counties that one page touches


class Counties:
    """The counties of the area ``path`` that hold rows of a register."""

    def __init__(self, session: Session, register: str, path: str) -> None:
        self.session, self.register, self.path = session, register, path

    def all(self, figure: str) -> list[tuple[str, int]]:
        """All of them in order: path and how many."""
        query = select(Counter.path, Counter.n).where(*self._lines(figure), Counter.n > 0)
        return [(path, n) for path, n in self.session.execute(query.order_by(Counter.path))]

    def window(self, figure: str, offset: int, limit: int) -> list[tuple[str, int]]:
        """The counties that hold rows offset … offset+limit, as (path, rows to skip there)."""
        upto = func.sum(Counter.n).over(order_by=Counter.path).label("upto")
        lines = (
            select(Counter.path, Counter.n, upto)
            .where(*self._lines(figure), Counter.n > 0)
            .subquery()
        )
        before = lines.c.upto - lines.c.n
        query = (
            select(lines.c.path, before)
            .where(lines.c.upto > offset, before < offset + limit)
            .order_by(lines.c.path)
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
        start = own or place
        beside = Counter.path <= start if backward else Counter.path >= start
        query = (
            select(Counter.path, Counter.n)
            .where(*self._lines(figure), Counter.n > 0, beside)
            .order_by(Counter.path.desc() if backward else Counter.path)
            .limit(_MOST)
        )
        wanted, filled = [], 0
        for path, n in self.session.execute(query):
            wanted.append((path, 0))
            filled += n if path != own else 0  # how many of its own county are left is unknown
            if filled >= limit:
                break
        return wanted

    def _county_of(self, figure: str, path: str) -> str | None:
        query = select(Counter.path).where(
            Counter.register == self.register, Counter.figure == figure, Counter.path <= path
        )
        found = self.session.scalar(query.order_by(Counter.path.desc()).limit(1))
        return found if found and path.startswith(found) else None

    def _lines(self, figure: str) -> list[ColumnElement[bool]]:
        low, high = subtree(self.path)
        return [
            Counter.register == self.register,
            Counter.figure == figure,
            Counter.path >= low,
            Counter.path < high,
        ]
