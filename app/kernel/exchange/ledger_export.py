"""A ledger to Excel, in the background: every row of what the list shows, with all its fields or with
the columns that the account sees, unmasked. Where that is asked for the household's key comes along, by
which both imports find it again whatever else is missing or was corrected.

Rows stream from the database to the file in bounded memory. A run that was killed starts again: it
has written nothing but its own temporary file. It does so as long as attempts come further than before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.divisions.regions import Region
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.core.jobs.table import Job, JobContext, Owner, enqueue, job_kind
from app.kernel.beyond import cross_area
from app.kernel.declare import choice_lists
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import official
from app.kernel.exchange.by_kind import CELLS
from app.kernel.exchange.columns import REFERENCE
from app.kernel.exchange.places import LEVELS, PLACES, Places
from app.kernel.exchange.reasons import required_reason
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Cell, Column
from app.kernel.lists import combined
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse

KIND = "ledger.export"
MOST_ROWS = 1_000_000
_BATCH = 500


@dataclass(frozen=True)
class Asked:
    """What shall be exported, as it was read before anything is written."""

    register: Register
    args: Mapping[str, Sequence[str]]
    columns: Sequence[str] | None
    reason: str
    rows: str
    region: Region | None
    path: str
    keys: bool = False
    where: str = ""  # what is asked of every field, in words


def asked(
    register: Register,
    args: Mapping[str, Sequence[str]],
    reason: str,
    columns: Sequence[str] | None = None,
    *,
    keys: bool = False,
) -> Asked:
    """What ``args`` (a ledger's URL parameters) select: these ``columns``, or all; ``keys``: with
    those of the households. It is read outside a transaction: it may take long, and a look beyond
    the own area is counted whatever follows.

    :raises Forbidden: without the right to export. :raises BadInput: no reason, or too many rows.
    """
    actor = policy.require(Capability.EXPORT, register.name)
    reason = required_reason(reason)
    with reading(register, args, actor) as found:
        found.require_narrow()
        count, region, path = found.count(), found.query.region, found.path
        words = combined.sentence(register, found.query.where)
    if reaches_beyond(register, args):
        columns = _wide_columns(register, args)
    if count.n > MOST_ROWS:
        raise BadInput(
            _(
                "共 %(n)s %(unit)s，一次最多导出 %(most)s %(unit)s，请缩小范围。",
                n=str(count),
                unit=translate(register.unit),
                most=f"{MOST_ROWS:,}",
            )
        )
    return Asked(register, args, columns, reason, str(count), region, path, keys, words)


def start(what: Asked) -> Job:
    """Queue the export, and note it."""
    register, columns = what.register, what.columns
    actor = policy.require(Capability.EXPORT, register.name)
    said = filters_noted(what.args, what.region, what.where)
    if columns is not None:
        known = register.model.__fields__
        said["columns"] = [known[n].label for n in columns if n in known]
    detail = {
        "register": register.name, "filter": said, "rows": what.rows, "reason": what.reason
    }  # fmt: skip
    audit.record(db.session, Act.EXPORT, register=register.name, path=what.path, detail=detail)
    return enqueue(
        KIND,
        {
            "register": register.name,
            "args": {k: list(v) for k, v in what.args.items()},
            "columns": list(columns) if columns is not None else None,
            "keys": what.keys,
            "area": what.region.full_name if what.region is not None else "",
        },
        owner=Owner(actor.account_id, actor.name, actor.path),
        subject=_(
            "%(title)s（%(n)s %(unit)s）",
            title=register.ledger_title,
            n=what.rows,
            unit=translate(register.unit),
        ),
    )


def filters_noted(
    args: Mapping[str, Sequence[str]], region: Region | None, where: str
) -> dict[str, Any]:
    """The parameters of a list as the log keeps them: keys of divisions say nothing to who reads it."""
    said: dict[str, Any] = dict(args)
    if region is not None:
        said["region"] = [region.full_name]
    if where:
        said[combined.WHERE] = [where]
    return said


@contextmanager
def reading(
    register: Register, args: Mapping[str, Sequence[str]], actor: Actor
) -> Iterator[Ledger]:
    """The ledger that the parameters of a list's address select, as the actor sees that list."""
    given = MultiDict([(key, value) for key, values in args.items() for value in values])
    menu = _wide(register, args)
    if menu is None:
        yield Ledger(register, parse(register, given, db.session, actor), db.session, actor)
        return
    combined.require_own_area(args)
    with cross_area.looking(register, menu, {k: list(v) for k, v in args.items()}) as (
        session,
        reach,
    ):
        yield Ledger(register, parse(register, given, session, reach), session, reach)


def reaches_beyond(register: Register, args: Mapping[str, Sequence[str]]) -> bool:
    """Do the parameters name a list beyond the own area, which is masked?"""
    return _wide(register, args) is not None


def _wide(register: Register, args: Mapping[str, Sequence[str]]) -> Menu | None:
    """The list that reaches beyond the own area, if it is that one."""
    asked = {m.name: m for m in register.menus if m.wide is not None}
    return next((asked[name] for name in args.get("menu", ()) if name in asked), None)


def _wide_columns(register: Register, args: Mapping[str, Sequence[str]]) -> list[str]:
    """Its own columns and no others; divisions have columns in every file."""
    menu, known = _wide(register, args), register.model.__fields__
    return [name for name in (menu.ledger.split() if menu else ()) if name in known]


@job_kind(KIND, title="导出台账")
def run(job: JobContext) -> dict[str, Any]:
    """Write the workbook and attach it."""
    register = get_register(job.args["register"])
    if register is None:
        raise BadInput(translate("没有这个模块。"))
    actor = policy.require(Capability.EXPORT, register.name)
    args = job.args["args"]
    masked = reaches_beyond(register, args)
    with (
        tempfile.TemporaryFile() as file,
        reading(register, args, actor) as found,
    ):
        total = found.count().n
        columns, rows_of = _layout(found, job.args, masked=masked)
        with Book(file) as book:
            rows = book.table(
                register.ledger_title,
                columns,
                rows_of.stream(lambda done: job.further(done, max(total, done))),
                title=_title(register, job.args.get("area") or _area(actor)),
                frozen_columns=len(LEVELS) + 1,
                filtered=True,
            )
        file.seek(0)
        job.attach(file, f"{register.ledger_title}_{today():%Y%m%d}.xlsx", MEDIA_TYPE)
    return {"rows": rows}


def _layout(
    found: Ledger, args: Mapping[str, Any], *, masked: bool
) -> tuple[list[Column], _Rows | _Official]:
    """The columns, and what makes the rows: of a whole register with an official sheet that one."""
    register, keys = found.register, bool(args.get("keys"))
    if args.get("columns") is None and not masked and official.sheet_of(register):
        return official.heads(register), _Official(found)
    names = _names(register, args.get("columns"))
    columns = list(_columns(register, names, keys=keys))
    return columns, _Rows(found, names, masked=masked, keys=keys)


def _area(actor: Actor) -> str:
    region = regions.get(actor.region_id)
    return region.full_name if region is not None else ""


def _title(register: Register, area: str) -> str:
    """Above the heads: what the list is, of which place, and of which day."""
    day = today().isoformat()
    return _("%(what)s（%(place)s，%(day)s）", what=register.ledger_title, place=area, day=day)


def _columns(register: Register, names: Sequence[str], *, keys: bool) -> Iterator[Column]:
    for label in PLACES.values():
        yield Column((translate(label),), width=14)
    kept = _kept(register)
    for name in names:
        label = translate(register.model.__fields__[name].label)
        yield Column((label,), width=20 if name in kept else 16)
    if keys:
        yield Column((translate(REFERENCE.label),), width=REFERENCE.width)


def _names(register: Register, columns: Sequence[str] | None) -> tuple[str, ...]:
    """The fields in the order of the file: identity and state first, or what was chosen. Divisions
    have columns of their own, files stay where they are.
    """
    known = register.model.__fields__
    wanted = (*_kept(register), *register.fields) if columns is None else columns
    return tuple(dict.fromkeys(n for n in wanted if n in known and known[n].stored))


def _kept(register: Register) -> tuple[str, ...]:
    """Identity and state first: what the kernel keeps of every record."""
    known = register.model.__fields__
    return tuple(
        n for n in ("head_name", "former_head", "head_id", "issued_name", "issued_id", "state", "findings")
        if n in known
    )  # fmt: skip


class _Rows:
    """The rows of a ledger as cells."""

    def __init__(self, found: Ledger, names: Sequence[str], *, masked: bool, keys: bool) -> None:
        self._found, self._names, self._keys = found, names, keys
        fields = [found.register.model.__fields__[name] for name in names]
        self._cells = [
            made.mask if masked and made.masked else CELLS[made.kind].writer(made)
            for made in fields
        ]
        # where a choice has had another text, a record shows that of its own time
        self._dated = {
            n: made for n, made in enumerate(fields)
            if made.source_list and choice_lists.changed(made.source_list)
        }  # fmt: skip

    def stream(self, progress: Callable[[int], None]) -> Iterator[tuple[Cell, ...]]:
        """All of them; ``progress`` is told how many, now and then."""
        model = self._found.register.model
        times = [n for n in ("submitted_at", "changed_at") if self._dated and hasattr(model, n)]
        home = "household_id" if hasattr(model, "household_id") else "id"
        places, done = Places(), 0
        for batch in self._found.stream_values(("region_id", home, *times, *self._names), _BATCH):
            places.learn({row[0] for row in batch})
            for row in batch:
                key = (str(row[1]),) if self._keys else ()
                yield (*places.names[row[0]], *self._values(row, 2 + len(times)), *key)
            done += len(batch)
            progress(done)

    def _values(self, row: Sequence[Any], start: int) -> list[Cell]:
        texts = [cell(value) for cell, value in zip(self._cells, row[start:], strict=True)]
        for n, made in self._dated.items():
            said_at = next((at for at in row[2:start] if at), None)
            texts[n] = made.text(row[start + n], said_at) or None
        return texts


class _Official:
    """The rows of a ledger as its official sheet has them."""

    def __init__(self, found: Ledger) -> None:
        self._found, self._rows = found, official.Rows(found.register)

    def stream(self, progress: Callable[[int], None]) -> Iterator[tuple[Cell, ...]]:
        """All of them; ``progress`` is told how many, now and then."""
        places, done = Places(), 0
        for batch in self._found.stream_values(("region_id", "id", *self._rows.names), _BATCH):
            places.learn({row[0] for row in batch})
            cells = self._rows.cells([row[1:] for row in batch])
            for row, own in zip(batch, cells, strict=True):
                yield (*places.names[row[0]], *own)
            done += len(batch)
            progress(done)
