"""Counters set from the rows, area by area, while people save; and the proof of both.

Counters are sums of what each transaction added, so what is missing from a line is the difference between
rows and line at one moment, and may be added at any later one: nobody who saves waits. Divisions stay where
they are meanwhile (the county's lock, held together with those who save), and two who mend never add the
same difference twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.orm import Session

from app.access.divisions.regions import Level, Region, ancestor_paths, below
from app.access.scope import hold, unscoped
from app.core.db import read_only
from app.kernel.declare.register import Register
from app.kernel.figures import counters
from app.kernel.figures.tally import Place, tally

_ALONE = 0x616E6B  # an advisory lock that one who mends holds

#: (key of a figure, place) -> (by the rows, by the counter), where these are two.
Wrong = dict[tuple[str, Place], tuple[int, int]]


@dataclass(frozen=True)
class Area:
    """Counties that are counted together, at or below ``path``."""

    path: str
    counties: Sequence[Any]


@dataclass(frozen=True)
class Proof:
    """How many counters of an area were compared, which are wrong, and the identities that they break."""

    cells: int
    wrong: Wrong
    broken: list[str]


def counties(session: Session) -> Sequence[Any]:
    """Key and path of each, in order."""
    query = select(Region.id, Region.path).where(Region.county_id == Region.id)
    return session.execute(query.order_by(Region.path)).all()


def held(
    session: Session, register: Register, counties: Iterable[Any], model: Any = None
) -> set[str]:
    """Paths of the counties that hold rows of the model, else of the register, or have a line of its counters of all
    years together. Most hold nothing of a register that few use, and a step of a job in each would cost a commit.
    """
    rows = exists().where(below((model or register.model).path, Region.path))
    told = select(tally.c.path).where(
        tally.c.register == register.name, tally.c.dim == "", tally.c.level == int(Level.COUNTY)
    )
    of_county = Region.county_id == Region.id
    found = select(Region.path).where(of_county, rows | Region.path.in_(told))
    return {county.path for county in counties}.intersection(session.scalars(found))


def areas(session: Session) -> list[Area]:
    """The provinces: one statement counts each."""
    found: dict[str, list[Any]] = {}
    for county in counties(session):
        _nation, province, *_rest = ancestor_paths(county.path)
        found.setdefault(province, []).append(county)
    return [Area(path, below) for path, below in found.items()]


def mend(session: Session, register: Register, area: Area, figures: Collection[str] = ()) -> int:
    """Set the lines of counties and their towns from the rows; gives how many counters were wrong. The
    caller commits.

    :raises TryAgain: divisions are being moved there.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_ALONE, 0)))
    places = {(county.id, county.path) for county in area.counties}
    hold(session, places, {key for key, _path in places})
    with _one_moment(session) as reading:
        wrong = _compare(_sides(reading, register, area.path, figures))
    missing = {key: live - kept for key, (live, kept) in wrong.items()}
    counters.hand_in_lines(session, register, missing)
    return len(wrong)


def at_one_moment(session: Session) -> None:
    """What this transaction reads is of one moment, whoever saves meanwhile; say it first."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


@contextmanager
def _one_moment(session: Session) -> Iterator[Session]:
    """A session that sees rows and counters of one moment. On SQLite ours does, being the one writer."""
    if session.get_bind().dialect.name != "postgresql":
        yield session
        return
    with read_only(), unscoped("rows are compared with counters") as reading:
        at_one_moment(reading)
        yield reading


def prove(session: Session, register: Register, area: str) -> Proof:
    """Every counter of an area against its rows, and the identities."""
    live, kept = sides = _sides(session, register, area)
    broken = counters.broken_identities(session, register, kept)
    return Proof(len(live.keys() | kept.keys()), _compare(sides), broken)


_Counts = dict[tuple[str, Place], int]


def _sides(
    session: Session, register: Register, area: str, figures: Collection[str] = ()
) -> tuple[_Counts, _Counts]:
    """By the rows, and by the counters."""
    live = counters.live_counts(session, register, area, figures)
    return live, counters.kept_counts(session, register, area, figures)


def _compare(sides: tuple[_Counts, _Counts]) -> Wrong:
    live, kept = sides
    both = {key: (live.get(key, 0), kept.get(key, 0)) for key in live.keys() | kept.keys()}
    return {key: (n, said) for key, (n, said) in both.items() if n != said}


def _strays(register: Register) -> Any:
    """The condition of lines that lie in no division: of a county's grain, in no county."""
    grain = (tally.c.level == int(Level.TOWN)) | (Region.county_id == Region.id)
    return (tally.c.register == register.name) & ~exists().where(Region.path == tally.c.path, grain)


def strays(session: Session, register: Register) -> int:
    """How many lines lie in no division."""
    return session.scalar(select(func.count()).select_from(tally).where(_strays(register))) or 0


def forget_strays(session: Session, register: Register) -> int:
    """They are gone; gives how many. The caller commits."""
    return session.connection().execute(delete(tally).where(_strays(register))).rowcount
