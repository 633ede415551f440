"""What auditors look for in a dossier (spec 04 "Dossier"): shown at the form and at the review, and
nothing is forbidden by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Date, SmallInteger, cast, delete, null, or_, select, union_all
from sqlalchemy.orm import aliased

from app.access.divisions.regions import Region
from app.access.scope import in_scope, joined
from app.core.clock import today
from app.core.db import db
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.households import lists as households
from app.kernel.kinds import formats
from app.kernel.records import references
from app.modules.homes.choices import PriorKind
from app.modules.renovation.dossier.model import Dossier, PaidAccount

ADULT = 18


def accounts_of(values: Mapping[str, Any]) -> set[str]:
    """The accounts that the payments went to."""
    return {row["account"] for row in values.get("payments") or () if row.get("account")}


def payments_fit(dossier: Dossier, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Each payment follows the application."""
    for number, row in enumerate(values.get("payments") or ()):
        day = row.get("date")
        if day and dossier.applied_on and day < dossier.applied_on:
            text = _("不能早于申请时间 %(day)s。", day=dossier.applied_on.isoformat())
            yield Problem(f"payments-{number}-date", "payments.date.early", text)


def craftsman_is_who(dossier: Dossier, values: Mapping[str, Any]) -> Iterator[Problem]:
    """The craftsman is registered by this name (spec 05)."""
    name, number = values.get("craftsman"), values.get("craftsman_id")
    if not name or not number or (name, number) == (dossier.craftsman, dossier.craftsman_id):
        return
    registered = references.name_of(Dossier.__fields__["craftsman_id"], number)
    if registered is not None and registered != name:
        text = _("该身份证号在工匠名录中登记的姓名是“%(name)s”，请核对。", name=registered)
        yield Problem("craftsman", "craftsman.other", text)


def same_account(dossier: Dossier, values: Mapping[str, Any]) -> Iterator[Problem]:
    """The same bank account in two households, anywhere; of one elsewhere the county alone is told."""
    accounts = accounts_of(values)
    if not accounts:
        return
    county = aliased(Region)
    with joined("one bank account for two households is an auditors' finding") as found:
        query = (
            select(Dossier.head_name, Dossier.path, Region.full_name, county.full_name)
            .join(PaidAccount, PaidAccount.dossier_id == Dossier.id)
            .join(Region, Region.id == Dossier.region_id)
            .join(county, county.id == Dossier.county_id)
            .where(
                PaidAccount.account.in_(accounts),
                PaidAccount.household_id != dossier.household_id,
            )
            .limit(1)
        )
        other = found.execute(query).first()
    if other is not None:
        name, path, place, elsewhere = other
        whose = f"{place} {name}" if in_scope(path) else elsewhere
        text = _("银行账号与另一户的危改档案相同（%(whose)s），请核实。", whose=whose)
        yield Problem("payments", "payments.same_account", text, Severity.QUESTIONABLE)


def minor_head(dossier: Dossier, _values: Mapping[str, Any]) -> Iterator[Problem]:
    """A head who is no adult."""
    born = formats.birth_date(dossier.head_id or "")
    day = today()
    if born and (day.year - born.year) - ((day.month, day.day) < (born.month, born.day)) < ADULT:
        yield Problem("", "head.minor", _("户主未满18周岁，请核实。"), Severity.QUESTIONABLE)


def second_grant(dossier: Dossier, _values: Mapping[str, Any]) -> Iterator[Problem]:
    """The household, or a household of this head, was granted one before. One statement."""
    number = dossier.head_id or ""
    same = or_(Dossier.household_id == dossier.household_id, Dossier.head_id == number)
    granted = select(Dossier.plan_year.label("year"), cast(null(), Date).label("day")).where(
        same, Dossier.id != dossier.id, ~Dossier.suspended
    )
    earlier = (
        days.with_only_columns(cast(null(), SmallInteger), *days.selected_columns)
        for days in hooks.earlier_days(number, PriorKind.RENOVATION)
    )
    told = [
        _("%(year)s年计划", year=year) if year else _("%(day)s 的改造记录", day=day.isoformat())
        for year, day in db.session.execute(union_all(granted, *earlier))
    ]
    if told:
        text = _("该户以前享受过改造补助（%(what)s），请核实。", what=_("、").join(sorted(told)))
        yield Problem("", "grant.second", text, Severity.QUESTIONABLE)


households.goes_along(Dossier, PaidAccount.dossier_id)


@hooks.saved.listen(of=Dossier, order=30)
def keep_accounts(_register: Register, row: Any, _changes: Mapping[str, Any]) -> None:
    """Note to which accounts a dossier pays, that another one finds them."""
    db.session.execute(delete(PaidAccount).where(PaidAccount.dossier_id == row.id))
    for account in sorted(accounts_of({"payments": row.payments})):
        db.session.add(
            PaidAccount(
                dossier_id=row.id,
                household_id=row.household_id,
                region_id=row.region_id,
                account=account,
            )
        )


@hooks.clearing.listen(of=Dossier, order=10)
def drop_accounts(_register: Register, row: Any) -> None:
    """What is deleted pays nobody."""
    db.session.execute(delete(PaidAccount).where(PaidAccount.dossier_id == row.id))
