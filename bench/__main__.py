"""``python -m bench --rows 1000000 --db postgresql``: build, run, ask, print, write results.json."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import NullPool, create_engine

from app.core.db import set_read_only
from bench.database import database, describe
from bench.exports import exported
from bench.imports import imported, scratch
from bench.measure import Result
from bench.memory import remembered
from bench.servers import serving, working
from bench.tasks import Bench

GROUPS = (
    "lists",
    "searches",
    "pages",
    "forms",
    "statistics",
    "county_pages",
    "savers",
    "registers",
    "crowds",
    "exports",
    "imports",
    "memory",
)
BY_THEMSELVES = ("exports", "imports", "memory")
RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="households")
    parser.add_argument("--db", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--server", help="URL of a PostgreSQL server to use instead of the wheel's")
    parser.add_argument("--only", action="append", choices=GROUPS, help="these tasks alone")
    wanted = parser.parse_args()
    with database(wanted.db, wanted.rows, wanted.server) as url:
        told = describe(url)
        print(
            f"{wanted.db} {told['version']}, {wanted.rows:,} households, {told['megabytes']:,} MB"
        )
        with (
            serving("app:create_app()", url, ready="/health") as program,
            serving("bench.floor:application", url, ready="/list?a=0&a=0") as floor,
            working(url) as worker,
            create_engine(url, poolclass=NullPool).connect() as connection,
        ):
            set_read_only(True)  # on SQLite our looks must not hold the lock that the program needs
            bench = Bench(program, floor, connection, wanted.rows)
            results = list(_run(bench, wanted.only or []))
            if not wanted.only or "exports" in wanted.only:
                results.append(exported(bench.client("nation"), connection, worker.pid))
                print(line(results[-1]), flush=True)
            for name, size in bench.weights():
                print(f"{name}: {size / 1024:.1f} KiB compressed")
        for result in _on_a_copy(url, wanted.only or BY_THEMSELVES):
            results.append(result)
            print(line(result), flush=True)
    RESULTS.write_text(json.dumps([result.as_json() for result in results], indent=1) + "\n")


def _run(bench: Bench, only: list[str]) -> Iterator[Result]:
    """Measure and print each task as soon as it is known."""
    print(f"{'task':42}{'median':>9}{'p95':>9}{'SQL':>5}{'floor':>8}{'ratio':>7}{'must':>7}")
    for name in only or GROUPS:
        if name in BY_THEMSELVES:
            continue
        for result in getattr(bench, name)():
            print(line(result), flush=True)
            yield result


def _on_a_copy(url: str, only: Sequence[str]) -> Iterator[Result]:
    """What would change the kept database."""
    tasks = {"imports": imported, "memory": remembered}
    if tasks.keys() & set(only):
        with scratch(url) as copy:
            yield from (task(copy) for name, task in tasks.items() if name in only)


def line(result: Result) -> str:
    """A result as a line of the printed table."""
    judged = (
        result.median_ms if result.statements else result.p95_ms
    )  # of crowds the slow ones count
    late = result.limit_ms is not None and judged > result.limit_ms
    return (
        f"{result.task:42}{result.median_ms:9.1f}{result.p95_ms:9.1f}{_or(result.statements):>5}"
        f"{_or(result.floor_ms):>8}{_or(result.ratio):>7}{_or(result.limit_ms):>7}"
        f"{' !' if late else ''}{'  ' + result.note if result.note else ''}"
    )


def _or(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


if __name__ == "__main__":
    main()
