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
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from sqlalchemy import inspect, select

from app.access import policy
from app.access.actor import Capability
from app.access.divisions.match import Place
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Invalid, TryAgain
from app.core.i18n import _, mark, translate
from app.core.jobs.table import Job, JobContext, job_kind
from app.kernel.declare import stages
from app.kernel.declare.flow import State
from app.kernel.declare.groups import Renewal
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.rules import Problem
from app.kernel.exchange import inbox, official
from app.kernel.exchange.columns import COLUMNS, REFERENCE, REFERENCE_WRONG
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports import pipeline
from app.kernel.exchange.imports.heads import SHEET, Head, Wanted, plain_head
from app.kernel.exchange.imports.keyed import KeyedMaker, further, is_elsewhere
from app.kernel.exchange.imports.made import Maker
from app.kernel.exchange.imports.pipeline import Book, Line, SheetImport
from app.kernel.exchange.inbox import Kept
from app.kernel.exchange.places import PLACES
from app.kernel.kinds import formats
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.records import renewals
from app.kernel.records import save as records
from app.kernel.rows.household import SearchKey

KIND = "records.import"
_MISSING_SHOWN = 5
_WAN = 10_000
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
    needed = dict.fromkeys((register.number_field, *register.key.split()))

    def lacking(columns: Collection[str]) -> list[str]:
        number = register.number_field
        missing = [label_of(register, name) for name in needed if name not in columns]
        if not any(name in register.fields and name != number for name in columns):
            missing.append(_("表单各项"))
        return missing

    once = official.sheet_of(register) is not None
    silent = {plain_head(one.head) for one in official.columns(register) if one.is_file}
    return Wanted(_names(register), partial(label_of, register), lacking, once, silent)


def _names(register: Register) -> dict[str, str]:
    """Head texts in Chinese and in the reader's language -> field name."""
    keys = (register.name_field, register.number_field)
    known = {name: register.model.__fields__[name] for name in keys}
    known |= {n: f for n, f in register.fields.items() if not f.kind.counted}
    beside = {REFERENCE.name: REFERENCE.label} if register.of_households else PLACES
    others = {
        plain_head(text): f"@{column.name}"
        for column in COLUMNS
        if official.sheet_of(register) and f"@{column.name}" in PLACES
        for text in (column.label, *column.aliases)
    }
    own = {plain_head(c.head): c.name for c in official.columns(register) if not c.is_file}
    return (
        others
        | own
        | {
            plain_head(text): name
            for name, label in beside.items()
            for text in (label, translate(label))
        }
        | {
            plain_head(label): name
            for name, made in known.items()
            for label in (made.label, translate(made.label))
        }
    )


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
    key: str | None = None  # of a register with one: what the row says it is
    place: Place | None = None


class _Import(SheetImport[_Row]):
    rows_a_commit = 20  # each row is saved as a form is
    rows_written_together = 200

    def __init__(self, job: JobContext, register: Register, book: Book) -> None:
        super().__init__(job, register.name, register.label, book)
        self.register = register
        self.key_column = register.number_field
        self.maker: Maker | None = None
        if not register.of_households:
            self.maker = (KeyedMaker if register.key else Maker)(register, self.where)
        if register.key:
            self.rows_a_commit = self.rows_written_together
        self._factors = [_factors(head, register) for head in self.heads]
        self._asked = {n: f for n, f in register.fields.items() if f.typed}
        self._exact = {n for n, f in self._asked.items() if f.required}
        self._exact |= {register.number_field, register.name_field, REFERENCE.name, *PLACES}

    def label(self, name: str) -> str:
        return label_of(self.register, name)

    # ---- one row ------------------------------------------------------------------------

    def passed(self, number: int, row: Mapping[str, str]) -> None:
        if self.maker:
            name = formats.mend_name(row.get(self.register.name_field, ""))
            self.maker.passed(number, row, name)

    def check(self, number: int, row: Mapping[str, str]) -> _Row:
        if factors := self._factors[(number - 1) // SHEET]:
            row = {n: _times(cell, factors.get(n, 1)) for n, cell in row.items()}
        name = formats.mend_name(row.get(self.register.name_field, ""))
        line = _Row(number, name[:64])
        row = line.taken(row, self._exact)
        if not line.rejected:
            line.typed, line.values = row, line.parsed(row, self._asked)
        return line

    def decide(self, lines: Sequence[_Row], *, write: bool) -> None:
        if self.maker is None:
            for line in lines:
                self._decide(line, write=write)
            return
        with self.maker.prepared(lines):
            for line in lines:
                self._decide(line, write=write)
            self.maker.write_new()

    def _decide(self, line: _Row, *, write: bool) -> None:
        if not line.typed:  # cells that cannot be taken at their word
            return
        values = line.values
        if line.rejected:
            return
        if self.maker:
            record = self.maker.record(line, line.typed, values)
        else:
            record = self._record(line, line.typed)
        if record is None or line.rejected:
            return
        _tell_of_numbers(self.register, record, values)
        if not self._is_open(record):
            text = _(
                "该%(what)s现在是“%(state)s”，不能修改。",
                what=self.register.word,
                state=self.register.state_text(record.state),
            )
            line.reject(self.key_column, text)
        elif self._is_same(line, record):
            line.outcome = "unchanged"
        else:
            self._save(line, record, values, write=write)

    def _is_open(self, record: Any) -> bool:
        """May it be changed now? A new one may, whatever its county wants reviewed."""
        if inspect(record).transient or self._renewal(record):
            return True
        return stages.is_open(self.register, record)

    def _is_same(self, line: _Row, record: Any) -> bool:
        """Does the record say what the row does, and lie where it does?"""
        if where := is_elsewhere(record, line.place):
            text = mark(
                "该档案现在%(place)s，与这一行不同，行政区划没有改动；需要时请在表单中修改。"
            )
            line.flag("@village", translate(text, place=where))
        if further(record, line.place) is not None:
            return False
        return all(to_json(getattr(record, n)) == to_json(v) for n, v in line.values.items())

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

    def _save(self, line: _Row, record: Any, values: dict[str, Any], *, write: bool) -> None:
        renewal = self._renewal(record)
        created = renewal is not None or record.state == State.MISSING or inspect(record).transient
        if renewal:  # an empty cell takes over what was said; what is asked anew each time does not
            given = {name: value for name, value in values.items() if not is_missing(value)}
            values = dict.fromkeys(renewal.without.split()) | given
        files = () if inspect(record).transient else None  # a new one has none
        result = records.evaluate(self.register, record, values, files)
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
                    self.maker.write(record, values, line.place, result)
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
        if (
            self.register.quality.kept
        ):  # they forbid nothing: who sends the list is told all the same
            for problem in result.broken:
                if problem.severity == Severity.ERROR:
                    line.flag(problem.field.split("-")[0], problem.message)
        missing = [p.message.rstrip("。.") for p in result.missing if self._is_asked(p)]
        if missing:
            more = "…" if len(missing) > _MISSING_SHOWN else _("。")
            text = (_("；").join(missing[:_MISSING_SHOWN]) + more).strip()
            told = _("已保存，上报前还缺 %(n)s 项：%(what)s", n=len(missing), what=text)
            line.flag(self.register.name_field, told)

    def _is_asked(self, missing: Problem) -> bool:
        """Can a list say it? Where findings are kept, nobody needs be told of files in every row."""
        return not (self.register.quality.kept and missing.field in self.register.file_fields)


def _tell_of_numbers(register: Register, record: Any, values: dict[str, Any]) -> None:
    """A number that is given now: there is one after all."""
    for name, made in register.fields.items():
        none = made.none.name if made.none else ""
        if none and values.get(name) and none not in values and getattr(record, none):
            values[none] = False
            if made.why is not None:
                values[made.why.name] = None


def _factors(head: Head, register: Register) -> dict[str, int]:
    """By what the numbers of a column are multiplied: its head says 万元, the field is in 元."""
    known = register.fields
    return {
        name: _WAN
        for name, at in head.columns.items()
        if name in known and known[name].unit == "元" and "万元" in head.labels[at]
    }


def _times(cell: str, factor: int) -> str:
    """A number of 万元 in 元; what is none is told as it stands."""
    if factor == 1:
        return cell
    try:
        return str(Decimal(formats.half_width(cell).replace(",", "").strip()) * factor)
    except InvalidOperation:
        return cell


def label_of(register: Register, name: str) -> str:
    """The label of a column in the user's language."""
    beside = {REFERENCE.name: REFERENCE.label} | PLACES
    if name in beside:
        return translate(beside[name])
    made = register.model.__fields__.get(name)
    return translate(made.label) if made else name
