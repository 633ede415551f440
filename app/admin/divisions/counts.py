"""Counters follow a division that goes to another county, city or province.

Counters have one line a county and one a town, and each day's are kept for every division down to the
county. So a county takes its own along, past days included; a town takes its present counts, and of each
past day the share of its county's that it has today, for its own past was not kept. Lines lie where their
division does, so that they move with it; what two divisions that merge have is counted anew, and of a town
that gives or takes a village too. All is written at once: the publisher is alone with the counties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select

from app.access.divisions.regions import Level, Region, ancestor_paths, in_subtree
from app.core.db import upsert
from app.kernel.declare.figures import parted
from app.kernel.declare.register import all_registers
from app.kernel.figures import counters
from app.kernel.figures.day_tables import DAYS, CounterDay, SumDay
from app.kernel.figures.tally import Place, tally, town_path

Session = Any
_ROWS_A_STATEMENT = 5000


def leave_county(session: Session, path: str, old: Any, new: Any) -> None:
    """What lies at or below ``path``, of a town or village, is the county ``new``'s from now on."""
    for register in all_registers():
        if not register.kept_figures:
            continue
        moved, whole = _counts(session, register, path), _counts(session, register, old.path)
        changes: dict[tuple[str, Place], int] = {(name, old.id): -n for name, n in moved.items()}
        changes |= {(name, new.id): n for name, n in moved.items()}
        counters.hand_in_lines(session, register, changes)
        share = {key: n / whole[key] for key, n in moved.items() if _by_day(register, key)}
        if share:
            above = _above(session, old), _above(session, new)
            _days_follow(session, old.id, *above, register, share)
    counters.apply(session)  # while both counties are there


def change_place(session: Session, node: Any, old_parent: Any, new_parent: Any) -> None:
    """A county or a larger division leaves what stands above it for what stands above it now."""
    old, new = _above(session, old_parent), _above(session, new_parent)
    for register in all_registers():
        if register.kept_figures:
            _days_follow(session, node.id, old, new, register)


def forget(session: Session, path: str) -> None:
    """Lines of divisions at or below a path that are gone: nothing lies there any more."""
    session.connection().execute(delete(tally).where(in_subtree(tally.c.path, path)))


def count_anew(session: Session, paths: Collection[str]) -> None:
    """What lies at these paths or in a village directly below is what the lines of towns say of them."""
    for register in all_registers():
        if not register.kept_figures:
            continue
        model, changes = register.model, defaultdict[tuple[str, Place], int](int)
        for path in paths:
            town = town_path(model.path)
            inside = in_subtree(model.path, path), town == path
            for _at, key, n in counters.live_by(session, register, (town,), *inside):
                changes[key, path] += n
        at_town = tally.c.level == int(Level.TOWN), tally.c.path.in_(paths)
        for (key, place), n in counters.kept_lines(session, register, *at_town).items():
            changes[key, place] -= n
        counters.hand_in_lines(session, register, changes)
    counters.apply(session)


def _counts(session: Session, register: Any, path: str) -> dict[str, int]:
    """Figure -> how many rows at or below a path; not those that none counts."""
    model = register.model
    found: dict[str, int] = defaultdict(int)
    below = in_subtree(model.path, path)
    for _county, key, n in counters.live_by(session, register, (model.county_id,), below):
        found[key] += n
    return found


def _by_day(register: Any, key: str) -> bool:
    """Are days of the figure kept? Not of states that no figure counts."""
    return parted(key)[0] in register.figures


def _above(session: Session, region: Any) -> dict[int, str]:
    """The division itself and those above it: key -> path."""
    paths = [*ancestor_paths(region.path), region.path]
    query = select(Region.id, Region.path).where(Region.path.in_(paths), ~Region.structural)
    return dict(session.execute(query).all())


def _days_follow(
    session: Session, source: int, old: dict[int, str], new: dict[int, str], register: Any,
    share: dict[str, float] | None = None,
) -> None:  # fmt: skip
    """Every kept day: ``share`` of what ``source`` counted (all of it) leaves ``old``, comes to
    ``new``.
    """
    for table in DAYS:
        _lines_follow(session, table, source, old, new, register, share)


def _lines_follow(
    session: Session, table: type[CounterDay | SumDay], source: int, old: dict[int, str],
    new: dict[int, str], register: Any, share: dict[str, float] | None,
) -> None:  # fmt: skip
    kept = select(table.figure, table.day, table.n).where(
        table.register == register.name,
        table.region_id == source,
        table.n != 0,
    )
    if share is not None:
        kept = kept.where(table.figure.in_(share))
    lines: dict[tuple[int, str, str, Any], int] = defaultdict(int)
    for figure, day, n in session.execute(kept).all():
        part = n if share is None else round(n * share[figure])
        for key in old.keys() - new.keys():
            lines[key, old[key], figure, day] -= part
        for key in new.keys() - old.keys():
            lines[key, new[key], figure, day] += part
    rows = [
        {
            "register": register.name,
            "figure": figure,
            "region_id": key,
            "day": day,
            "path": path,
            "n": n,
        }
        for (key, path, figure, day), n in sorted(lines.items())
        if n
    ]
    statement = upsert(session, table)
    statement = statement.on_conflict_do_update(
        index_elements=["register", "figure", "region_id", "day"],
        set_={"n": table.n + statement.excluded.n},
    )
    for first in range(0, len(rows), _ROWS_A_STATEMENT):
        session.connection().execute(statement, rows[first : first + _ROWS_A_STATEMENT])
