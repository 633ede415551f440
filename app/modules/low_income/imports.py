"""The list of low-income households from civil affairs (民政下发): the import of households, onto that
list, with the groups, source and housing that its rows say besides (spec 03, 08).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any

from app.access import policy
from app.access.actor import Capability
from app.core.i18n import _, mark
from app.core.jobs.table import Job, JobContext, job_kind
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.exchange import inbox, templates
from app.kernel.exchange.columns import COLUMNS as OF_HOUSEHOLDS
from app.kernel.exchange.columns import label_of
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.inbox import Kept
from app.kernel.hooks import ListColumn
from app.kernel.households.exchange import importing as household_import
from app.modules.homes.choices import Origin
from app.modules.low_income.columns import COLUMNS
from app.modules.low_income.fields import LIST, Listed, Upkeep, the_list

KIND = "object.import"
#: The address of its page.
PAGE = "/exchange/import/objects"


def start(file: Kept, *, dry_run: bool, whole: bool) -> Job:
    """Queue the import of a file for the current actor."""
    actor = policy.require(Capability.IMPORT_LIST)
    return inbox.begin(KIND, actor, file, {"dry_run": dry_run, "whole": whole})


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
    extras = {column.name: known[column.name] for column in COLUMNS}
    return household_import.run_list(job, LIST, extras)


def write_template(file: IO[bytes]) -> None:
    """An empty list of low-income households to fill in."""
    columns = [column for column in OF_HOUSEHOLDS if column.name != "exit_year"]
    templates.write_list(file, _("低收入群体名单"), [*columns, *COLUMNS])


@hooks.list_import_columns.listen()
def _columns() -> Iterable[ListColumn]:
    return COLUMNS


@hooks.list_row.listen(of=Listed)
def _first(_register: Register, said: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """What the row says at first."""
    unsaid = {"groups": None, "housing": None, "condition": None, "origin": Origin.CIVIL}
    told = {"sex": said.get("sex"), "phone": said.get("phone")}
    kept = {"head_low_income": True, "upkeep": Upkeep.PENDING}
    return (unsaid | told | kept | _besides(said)).items()


@hooks.list_rejoined.listen(of=Listed)
def _back(register: Register, row: Any, said: Mapping[str, Any]) -> None:
    """It is known from another list, or left this one: what the list does not say stays."""
    row.come_back()
    for name, value in _first(register, said):
        if value is not None and name != "upkeep":
            setattr(row, name, value)


def _besides(said: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: said[column.name] for column in COLUMNS if column.name in said}
