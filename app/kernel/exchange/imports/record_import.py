"""Forms of a register from Excel: its template or its exported ledger, filled in or corrected.

A row is found by the household's key where the ledger that it comes from has one, else by the
head's ID number (and name), never made: who is on the list is not decided here (records that users
make themselves are: :mod:`app.kernel.exchange.imports.made`). Its cells go through the fields' own
parsing and the register's own rules, as if typed. What is given but wrong rejects the row; what is
still missing is flagged and the record saved as 已录入. Files and rows of children are no columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import inspect, select

from app.access import policy
from app.access.actor import Capability
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Invalid, TryAgain
from app.core.i18n import _, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.kernel.declare import stages
from app.kernel.declare.flow import State
from app.kernel.declare.groups import Renewal
from app.kernel.declare.register import Register, get_register
from app.kernel.exchange import inbox
from app.kernel.exchange.columns import REFERENCE, REFERENCE_WRONG
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.heads import Wanted, plain_head
from app.kernel.exchange.imports.made import PLACES, Maker
from app.kernel.exchange.imports.pipeline import Book, Line, SheetImport
from app.kernel.exchange.inbox import Kept
from app.kernel.kinds import formats
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.records import renewals
from app.kernel.records import save as records
from app.kernel.rows.household import SearchKey

KIND = "records.import"
_MISSING_SHOWN = 5
_NUMBER, _NAME = "head_id", "head_name"


def start(register: Register, file: Kept, *, dry_run: bool, whole: bool) -> Job:
    """Queue the import of a file for the current actor.

    :raises Forbidden: the account may not enter.
    """
    actor = policy.require(Capability.ENTER, register.name)
    args = {"register": register.name, "dry_run": dry_run, "whole": whole}
    return inbox.begin(KIND, actor, file, args)


def wanted(register: Register) -> Wanted:
    """The head of the register's template (two rows) or of its exported ledger (one)."""

    def lacking(columns: Collection[str]) -> list[str]:
        number = register.number_field
        missing = [] if number in columns else [label_of(register, number)]
        if not any(name in register.fields and name != number for name in columns):
            missing.append(_("表单各项"))
        return missing

    return Wanted(_names(register), partial(label_of, register), lacking)


def _names(register: Register) -> dict[str, str]:
    """Head texts in Chinese and in the reader's language -> field name."""
    keys = (register.name_field, register.number_field)
    known = {name: register.model.__fields__[name] for name in keys}
    known |= {n: f for n, f in register.fields.items() if not f.kind.counted}
    beside = {REFERENCE.name: REFERENCE.label} if register.of_households else PLACES
    return {
        plain_head(text): name
        for name, label in beside.items()
        for text in (label, translate(label))
    } | {
        plain_head(label): name
        for name, made in known.items()
        for label in (made.label, translate(made.label))
    }


@job_kind(KIND, title="导入表单", forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the result has the counts of :data:`app.kernel.exchange.imports.pipeline.OUTCOMES` and the marked workbook's name."""
    register = get_register(job.args["register"])
    if register is None:
        raise BadInput(translate("没有这个模块。"))
    policy.require(Capability.ENTER, register.name)
    return _Import(job, register, pipeline.read(job, wanted(register))).run()


@dataclass
class _Row(Line):
    """A row: its cells, if they can be read, and what they mean."""

    typed: Mapping[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class _Import(SheetImport[_Row]):
    rows_a_commit = 20  # each row is saved as a form is

    def __init__(self, job: JobContext, register: Register, book: Book) -> None:
        super().__init__(job, register.name, register.label, book)
        self.register = register
        self.key_column = register.number_field
        self.maker = None if register.of_households else Maker(register, self.where)
        self._asked = {n: f for n, f in register.fields.items() if f.typed}
        self._exact = {n for n, f in self._asked.items() if f.required}
        self._exact |= {register.number_field, register.name_field, REFERENCE.name, *PLACES}

    def label(self, name: str) -> str:
        return label_of(self.register, name)

    # ---- one row ------------------------------------------------------------------------

    def check(self, number: int, row: Mapping[str, str]) -> _Row:
        name = formats.mend_name(row.get(self.register.name_field, ""))
        line = _Row(number, name[:64])
        row = line.taken(row, self._exact)
        if not line.rejected:
            line.typed, line.values = row, line.parsed(row, self._asked)
        return line

    def decide(self, lines: Sequence[_Row], *, write: bool) -> None:
        for line in lines:
            self._decide(line, write=write)

    def _decide(self, line: _Row, *, write: bool) -> None:
        if not line.typed:  # cells that cannot be taken at their word
            return
        values = line.values
        if self.maker:
            record = self.maker.record(line, line.typed, values)
        else:
            record = self._record(line, line.typed)
        if record is None or line.rejected:
            return
        if not stages.is_open(self.register, record) and not self._renewal(record):
            text = _(
                "该%(what)s现在是“%(state)s”，不能修改。",
                what=self.register.word,
                state=self.register.state_text(record.state),
            )
            line.reject(self.key_column, text)
        elif all(to_json(getattr(record, n)) == to_json(v) for n, v in values.items()):
            line.outcome = "unchanged"
        else:
            self._save(line, record, values, write=write)

    def _record(self, line: Line, typed: Mapping[str, str]) -> Any:
        """The record of the row's household in the account's area, or None with a note."""
        given = formats.mend_id_number(typed[_NUMBER])
        if reference := typed.get(REFERENCE.name, "").strip():
            return self._referred(line, reference, given)
        if not given:
            line.reject(_NUMBER, translate("身份证号为空，无法对应到农户。"))
            return None
        model = self.register.model
        homes = list(
            db.session.scalars(select(SearchKey.household_id).where(SearchKey.value == given))
        )
        mine = policy.rows(model, Capability.ENTER, self.register.name)
        query = select(model).where(model.household_id.in_(homes), model.current, mine)
        found = list(db.session.scalars(query)) if homes else []
        matching = [r for r in found if not line.name or line.name in (r.head_name, r.former_head)]
        if len(matching) == 1:
            return matching[0]
        if found and not matching:
            line.reject(_NAME, _("姓名与名单不一致，名单上是“%(name)s”。", name=found[0].head_name))
        elif matching:
            line.reject(_NUMBER, translate("有多户使用这个身份证号，请在系统中逐户填写。"))
        else:
            line.reject(_NUMBER, translate("名单中没有这个身份证号，或不在您的管辖范围内。"))
        return None

    def _referred(self, line: Line, reference: str, number: str) -> Any:
        """The record of the household with this key. Rows get sorted and copied: the key counts
        only if the name or the number agrees with it.
        """
        model = self.register.model
        mine = policy.rows(model, Capability.ENTER, self.register.name)
        try:
            found = db.session.scalar(
                select(model).where(model.household_id == uuid.UUID(reference), model.current, mine)
            )
        except ValueError:
            found = None
        if found is not None and (
            line.name in (found.head_name, found.former_head)
            or (number and number == found.head_id)
        ):
            return found
        line.reject(REFERENCE.name, translate(REFERENCE_WRONG))
        return None

    def _renewal(self, record: Any) -> Renewal | None:
        """Is an approved record followed by a new one, which says what the row says?"""
        return self.register.renewal if record.state == State.APPROVED else None

    def _save(self, line: Line, record: Any, values: dict[str, Any], *, write: bool) -> None:
        renewal = self._renewal(record)
        created = renewal is not None or record.state == State.MISSING or inspect(record).transient
        if renewal:  # an empty cell takes over what was said; what is asked anew each time does not
            given = {name: value for name, value in values.items() if not is_missing(value)}
            values = dict.fromkeys(renewal.without.split()) | given
        result = records.evaluate(self.register, record, values)
        wrong = records.refused(self.register, record, result)
        wrong += records.locked_problems(self.register, record, values)
        if wrong:
            for problem in wrong:
                line.reject(problem.field.split("-")[0], problem.message)
            return
        if write:
            try:
                if renewal:
                    record = renewals.renew(self.register, record.id)
                    values = renewals.taken_over(self.register, record) | values
                if self.maker:
                    self.maker.write(record, values)
                else:
                    records.save(self.register, record.id, values, record.version)
            except Invalid as error:
                for problem in error.problems:
                    line.reject(problem.field.split("-")[0], problem.message)
                return
            except TryAgain:  # the whole job is, from its checkpoint
                raise
            except AnjuError as error:
                line.reject(self.key_column, error.message)
                return
        line.outcome = "created" if created else "updated"
        for name in (n for n, v in values.items() if n not in result.shown and not is_missing(v)):
            line.flag(name, translate("按这一行其他各项的内容，该项不用填写，没有导入，请核对。"))
        missing = [p.message.rstrip("。.") for p in result.missing]
        if missing:
            more = "…" if len(missing) > _MISSING_SHOWN else _("。")
            text = (_("；").join(missing[:_MISSING_SHOWN]) + more).strip()
            told = _("已保存，上报前还缺 %(n)s 项：%(what)s", n=len(missing), what=text)
            line.flag(self.register.name_field, told)


def label_of(register: Register, name: str) -> str:
    """The label of a column in the user's language."""
    beside = {REFERENCE.name: REFERENCE.label} | PLACES
    if name in beside:
        return translate(beside[name])
    made = register.model.__fields__.get(name)
    return translate(made.label) if made else name
