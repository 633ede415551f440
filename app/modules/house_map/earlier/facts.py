"""以往信息: earlier appraisals and survey results of a house, offered beside the form (初判).

Source: 2024 guideline §三（四）: judge first from what other systems already know, by ID number or by
parcel. Nothing here is ever taken over without a click.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Index, Select, String, select, union
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Model
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare import fields as f
from app.kernel.declare.expressions import ALWAYS
from app.kernel.hooks import Fact
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.rows.household import Household
from app.kernel.rows.record import Record
from app.modules.homes.choices import PriorKind
from app.modules.homes.house import APPRAISALS_FROM, House, Safety
from app.modules.house_map.parcels import table as parcels

_MOST_ROWS, _MOST_OFFERED, _MOST_TOLD = 30, 3, 4


def _known(made: f.Field) -> f.Field:
    """The survey's own field, which an earlier result may not know; always there."""
    found: f.Field = f.variant(made, required=False, shown=ALWAYS)
    return found


class PriorFact(Record, Model):
    """One earlier result about the house of one household, as an authority handed it over."""

    __tablename__ = "prior_fact"
    __table_args__ = (
        Index("ix_prior_fact_key", "match_key", unique=True),
        Index("ix_prior_fact_number", "id_number"),
        Index("ix_prior_fact_parcel", "parcel_number"),
    )

    kind = f.choice("来源", PriorKind)
    found_on = f.date("日期", not_after=f.Today(), help="鉴定、评估、排查或改造竣工的日期")
    head_name = f.person("户主姓名", required=False)
    id_number = f.id_number("身份证号", required=False)
    parcel_number = f.text("图斑编号", 40, required=False)
    judged = _known(Safety.judged)
    grade = _known(Safety.grade)
    judged_by = _known(Safety.judged_by)
    judged_by_code = _known(Safety.judged_by_code)
    seismic_result = _known(Safety.seismic_result)
    storeys = _known(House.storeys)
    floor_area = _known(House.floor_area)
    year_built = _known(House.year_built)
    structure = _known(House.structure)
    way_built = _known(House.way_built)
    land_nature = _known(House.land_nature)
    address = _known(House.address)

    match_key: Mapped[str] = mapped_column(String(64), nullable=False)

    @property
    def said_at(self) -> dt.datetime:
        return self.created_at


#: Who and when; the rest are facts.
_ABOUT = ("kind", "found_on", "head_name", "id_number", "parcel_number")
FACTS = tuple(name for name in PriorFact.__fields__ if name not in _ABOUT)


def match_key(values: Mapping[str, Any]) -> str:
    """A list that is imported twice makes nothing twice: kind, day and whose house it is."""
    whose = values.get("id_number") or values.get("parcel_number")
    text = "\x1f".join(str(part) for part in (values["kind"], values["found_on"], whose))
    return hashlib.sha256(text.encode()).hexdigest()


# ---- beside the form ------------------------------------------------------------------------------


def facts(
    session: Session, record: Any, rows: Sequence[PriorFact] | None = None
) -> dict[str, list[Fact]]:
    """What earlier results say of the record's fields, the latest first; one statement unless the
    caller has their ``rows``, and one more where a parcel is chosen.
    """
    known: dict[str, list[Fact]] = {}
    names = type(record).__fields__
    for row in rows_of(session, record) if rows is None else rows:
        for name, fact in _facts_of(row):
            _offer(known, names, name, fact)
    number = getattr(record, "parcel_number", None)
    parcel = parcels.get(session, number) if number else None
    if parcel is not None:
        source = _("图斑")  # its number stands above
        for name, value, text in parcels.facts_of(parcel):
            _offer(known, names, name, Fact(value, text, source))
    return known


def rows_of(session: Session, record: Any) -> list[PriorFact]:
    """The earlier results about a record's household and parcel, the latest first."""
    parts = []
    household = session.get(Household, record.household_id)
    if household is not None and (numbers := _numbers(household)):
        parts.append(select(PriorFact.id).where(PriorFact.id_number.in_(numbers)))
    if number := getattr(record, "parcel_number", None):
        parts.append(select(PriorFact.id).where(PriorFact.parcel_number == number))
    if not parts:
        return []
    # each part by its own index: SQLite reads the whole area for the two joined by OR
    about_it = PriorFact.id.in_(union(*parts)), *of_this_house(record.household_id)
    query = select(PriorFact).where(*about_it)
    order = (PriorFact.found_on.desc(), PriorFact.id)
    return list(session.scalars(query.order_by(*order).limit(_MOST_ROWS)))


def of_this_house(household: Any, *beside: Any) -> list[ColumnElement[bool]]:
    """The conditions of earlier results that tell of the house that stands there now; ``household`` is a
    key, or a column of the tables ``beside``.
    """
    return [
        ~days.where(days.selected_columns[0] > PriorFact.found_on)
        .correlate(PriorFact, *beside)
        .exists()
        for days in hooks.rebuilt(household)
    ]


def about(household: Household) -> Select[PriorFact]:
    """The earlier results about a household; they go where it goes."""
    return select(PriorFact).where(PriorFact.id_number.in_(_numbers(household)))


def _numbers(household: Household) -> list[str]:
    """Every ID number that it goes by."""
    found = {household.issued_id, household.corrected_id, household.head_id}
    return sorted(number for number in found if number)


def _facts_of(row: PriorFact) -> Iterator[tuple[str, Fact]]:
    source = source_of(row)
    for name in FACTS:
        value = getattr(row, name)
        if not is_missing(value):
            made = PriorFact.__fields__[name]
            yield name, Fact(to_json(value), made.text(value, row.said_at), source, row.found_on)
    if row.grade is not None and row.found_on >= APPRAISALS_FROM:  # earlier ones no form accepts
        on = row.found_on.isoformat()
        yield "judged_on", Fact(on, on, source, row.found_on)


def source_of(row: PriorFact) -> str:
    """2022-05-03 鉴定，某单位."""
    what = row.judged.label if row.judged and row.kind == PriorKind.APPRAISAL else row.kind.label
    said = f"{row.found_on.isoformat()} {what}"
    return _("%(said)s，%(by)s", said=said, by=row.judged_by) if row.judged_by else said


def _offer(known: dict[str, list[Fact]], names: Iterable[str], name: str, fact: Fact) -> None:
    offered = known.setdefault(name, []) if name in names else []
    if len(offered) < _MOST_OFFERED and fact.value not in [one.value for one in offered]:
        offered.append(fact)


def told(rows: Iterable[PriorFact]) -> str:
    """Which earlier results there are: 2022-05-03 鉴定，某单位：C级；…."""
    said = [
        _("%(label)s：%(value)s", label=source_of(row), value=row.grade.label)
        if row.grade
        else source_of(row)
        for row in rows
    ]
    return _("；").join(said[:_MOST_TOLD]) + ("…" if len(said) > _MOST_TOLD else "")
