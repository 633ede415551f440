"""The list of low-income households from civil affairs (民政下发): the import of households, onto that
list, with the groups, source and housing that its rows say besides (spec 03, 08).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from app.access import policy
from app.access.actor import Capability
from app.core.i18n import mark
from app.core.jobs import Job, JobContext, job_kind
from app.exchange import household_import, import_notes, inbox
from app.exchange.household_columns import OBJECT_COLUMNS
from app.exchange.household_list import label_of
from app.parts.objects import LIST, the_list
from app.registry import hooks

KIND = "object.import"
#: The address of its page.
PAGE = "/exchange/import/objects"


def start(stream: BinaryIO, name: str, *, dry_run: bool, whole: bool) -> Job:
    """Take a file in and queue its import for the current actor; the caller commits."""
    actor = policy.require(Capability.IMPORT_LIST)
    return inbox.begin(KIND, actor, stream, name, {"dry_run": dry_run, "whole": whole})


def start_checked(checked: Job) -> Job:
    """Import what a dry run only checked; the caller commits."""
    return inbox.again(KIND, checked, start)


@hooks.imports.listen()
def _import() -> Iterable[hooks.Import]:
    yield hooks.Import(
        KIND,
        start,
        label_of,
        PAGE,
        command="low_income",
        what="a list of low-income households",
        register=the_list().name,
        button=mark("导入民政名单"),
    )


@job_kind(KIND, title=mark("导入低收入群体名单"), forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result is what the command line prints."""
    known = the_list().model.__fields__
    extras = {column.name: known[column.name] for column in OBJECT_COLUMNS}
    return household_import.run_list(job, LIST, extras)
