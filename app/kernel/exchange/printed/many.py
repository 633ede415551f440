"""A paper of many records, in the background: of those that were ticked in a list, or of all that it finds.

Some forms at a time are set by a process of its own while the next ones are read, and lie on the disk until
all are joined to one file: whatever the number, the worker holds those of two parts. A run that was killed starts
again: it has written nothing but files of its own. It does so as long as attempts come further than before.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Region
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _, translate
from app.core.jobs.table import Job, JobContext, Owner, enqueue, job_kind
from app.kernel.declare.groups import Paper
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import printing
from app.kernel.exchange.ledger_export import filters_noted, reaches_beyond, reading
from app.kernel.exchange.printed.content import TEMPLATE, Form, Printer, official
from app.kernel.exchange.printed.single import get_paper, has
from app.kernel.exchange.reasons import required_reason
from app.kernel.lists import combined
from app.kernel.lists.page import Count

KIND = "paper.print"
#: Of one file: what a printer takes a morning for.
MOST = 5_000
#: Forms that are read at a time; of those one part has no more pictures than these, for a typesetter holds all.
_PART, _PICTURES = 20, 60


@dataclass(frozen=True)
class Found:
    """How many records that are, of which division, and what is asked of every field, in words."""

    count: Count
    region: Region | None
    path: str
    where: str = ""


@dataclass(frozen=True)
class Asked:
    """What shall be printed, as it was read before anything is written."""

    register: Register
    paper: Paper
    args: Mapping[str, Sequence[str]]
    ids: Sequence[uuid.UUID]
    reason: str
    found: Found


def asked(
    register: Register,
    paper: Paper,
    args: Mapping[str, Sequence[str]],
    ids: Sequence[uuid.UUID],
    reason: str,
) -> Asked:
    """What was ticked (``ids``), or else what ``args`` (a list's URL parameters) select.

    :raises Forbidden: without the right to export. :raises BadInput: no reason, nothing to print, or too much.
    """
    actor = policy.require(Capability.EXPORT, register.name)
    reason = required_reason(reason)
    what = found(register, args, ids, actor)
    if not what.count.n:
        raise BadInput(_("没有可以打印的记录，请重新选择。"))
    if what.count.n > MOST:
        raise BadInput(
            _(
                "共 %(n)s %(unit)s，一次最多打印 %(most)s %(unit)s，请缩小范围。",
                n=str(what.count), unit=translate(register.unit), most=f"{MOST:,}",
            )
        )  # fmt: skip
    return Asked(register, paper, args, ids, reason, what)


def found(
    register: Register, args: Mapping[str, Sequence[str]], ids: Sequence[uuid.UUID], actor: Actor
) -> Found:
    """What was ticked (``ids``), or else what ``args`` select.

    :raises BadInput: they lie beyond the own area, where numbers are masked.
    """
    if ids:
        own = db.session.scalars(select(register.model.id).where(register.model.id.in_(ids)))
        return Found(Count(len(set(own))), None, actor.path)
    if reaches_beyond(register, args):
        raise BadInput(_("只能打印本辖区的记录。"))
    with reading(register, args, actor) as ledger:
        ledger.require_narrow()
        words = combined.sentence(register, ledger.query.where)
        return Found(ledger.count(), ledger.query.region, ledger.path, words)


def start(what: Asked, home: str) -> Job:
    """Queue the print, and note it. ``home``: the beginning of the program's addresses."""
    register, rows = what.register, str(what.found.count)
    actor = policy.require(Capability.EXPORT, register.name)
    said = filters_noted(what.args, what.found.region, what.found.where)
    detail = {
        "register": register.name, "name": what.paper.title, "filter": said, "rows": rows,
        "reason": what.reason,
    }  # fmt: skip
    audit.record(
        db.session, Act.EXPORT, register=register.name, path=what.found.path, detail=detail
    )
    return enqueue(
        KIND,
        {
            "register": register.name,
            "paper": what.paper.name,
            "args": {name: list(values) for name, values in what.args.items()},
            "ids": [one.hex for one in what.ids],
            "home": home,
        },
        owner=Owner(actor.account_id, actor.name, actor.path),
        subject=_(
            "%(title)s（%(n)s %(unit)s）",
            title=what.paper.label, n=rows, unit=translate(register.unit),
        ),
    )  # fmt: skip


@job_kind(KIND, title="打印")
def run(job: JobContext) -> dict[str, Any]:
    """Set the forms and attach them as one file."""
    register = get_register(job.args["register"])
    if register is None:
        raise BadInput(translate("没有这个模块。"))
    paper = get_paper(register, job.args["paper"])
    actor = policy.require(Capability.EXPORT, register.name)
    printer = Printer(register, paper, actor, job.args["home"], whole=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        _Setting(printer, Path(folder)) as setting,
        _parts(job, register, actor) as (total, batches),
    ):
        done = 0
        for rows in batches:
            with official():
                setting.add(printer.forms([row for row in rows if has(paper, row)]))
            db.session.expunge_all()
            done += len(rows)
            job.further(done, max(total, done))
        if not setting.forms:
            raise BadInput(translate("没有可以打印的记录，请重新选择。"))
        with setting.whole().open("rb") as file:
            name = f"{paper.label}_{today():%Y%m%d}.pdf"
            job.attach(file, name, printing.MEDIA_TYPE)
    return {"rows": setting.forms}


@contextmanager
def _parts(
    job: JobContext, register: Register, actor: Actor
) -> Iterator[tuple[int, Iterator[list[Any]]]]:
    """How many records there are, and they themselves, some at a time, in the order of lists."""
    ids = [uuid.UUID(one) for one in job.args["ids"]]
    if ids:
        yield len(ids), _ticked(register, ids)
        return
    with reading(register, job.args["args"], actor) as ledger:
        yield ledger.count().n, ledger.stream(_PART)


def _ticked(register: Register, ids: Sequence[uuid.UUID]) -> Iterator[list[Any]]:
    model = register.model
    order = select(model.id).where(model.id.in_(ids)).order_by(model.path, model.id)
    own = list(db.session.scalars(order))
    for first in range(0, len(own), _PART):
        some = select(model).where(model.id.in_(own[first : first + _PART]))
        yield list(db.session.scalars(some.order_by(model.path, model.id)))


def parts_of(forms: Iterable[Form]) -> Iterator[list[Form]]:
    """As many of them together as a typesetter holds the pictures of; none of none."""
    part: list[Form] = []
    held = 0
    for form in forms:
        if part and held + len(form.pictures) > _PICTURES:
            yield part
            part, held = [], 0
        part.append(form)
        held += len(form.pictures)
    if part:
        yield part


class _Setting:
    """Parts of the file in a folder, one of them being set."""

    def __init__(self, printer: Printer, folder: Path) -> None:
        self.forms = 0
        self._printer, self._folder = printer, folder
        self._parts: list[Path] = []
        self._worker = ThreadPoolExecutor(1)
        self._waiting: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._worker.shutdown()  # before the folder goes, in which one may still be set

    def add(self, forms: Iterable[Form]) -> None:
        """Begin to set these, once those before are."""
        for part in parts_of(forms):
            self._begin(part)

    def _begin(self, forms: Sequence[Form]) -> None:
        data = self._printer.data(forms)
        pictures = {name: content for form in forms for name, content in form.pictures.items()}
        to = self._folder / f"{len(self._parts)}.pdf"
        self._wait()
        self._waiting = self._worker.submit(printing.part, TEMPLATE, data, pictures, to)
        self._parts.append(to)
        self.forms += len(forms)

    def whole(self) -> Path:
        """All of them in one file."""
        self._wait()
        to = self._folder / "whole.pdf"
        printing.joined(self._parts, to)
        return to

    def _wait(self) -> None:
        if self._waiting is not None:
            self._waiting.result()
