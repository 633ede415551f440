"""What of a craftsman follows from the form, and what needs more than the form to be judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.access.divisions.regions import Region
from app.access.scope import in_scope, joined
from app.core.clock import today
from app.core.i18n import _
from app.kernel.beyond import duplicates
from app.kernel.declare.rules import Problem
from app.modules.craftsmen.model import Certificates, Craftsman

#: How long before its last day a certificate is said to run out.
SOON = dt.timedelta(days=90)


def derive(craftsman: Craftsman) -> None:
    """Years of training, and whether a certificate holds today: the column 是否持证上岗."""
    years = {row["start"].year for row in craftsman.trainings or () if row.get("start")}
    years |= {row["end"].year for row in craftsman.trainings or () if row.get("end")}
    craftsman.training_years = tuple(str(year) for year in sorted(years))
    issued = [row for row in craftsman.certificates or () if row.get("issued_on")]
    ends = [row.get("expires_on") for row in issued]
    craftsman.certified_until = max(ends) if issued and None not in ends else None
    craftsman.certificates_hold = state_on(today(), bool(issued), craftsman.certified_until)
    craftsman.certified = craftsman.certificates_hold in (Certificates.VALID, Certificates.EXPIRING)


def state_on(day: dt.date, has_any: bool, until: dt.date | None) -> Certificates:
    """Whether certificates hold on ``day`` whose last one ends with ``until`` (None: never)."""
    if not has_any:
        return Certificates.NONE
    if until is None or until > day + SOON:
        return Certificates.VALID
    return Certificates.EXPIRING if until >= day else Certificates.EXPIRED


def ends_follow(_craftsman: Craftsman, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What ends does not end before it began."""
    for name, start, end in (
        ("certificates", "issued_on", "expires_on"),
        ("trainings", "start", "end"),
        ("works", "start", "end"),
    ):
        for number, row in enumerate(values.get(name) or ()):
            if row.get(start) and row.get(end) and row[end] < row[start]:
                text = _("不能早于开始的日期 %(day)s。", day=row[start].isoformat())
                yield Problem(f"{name}-{number}-{end}", f"{name}.{end}.early", text)


def number_is_free(craftsman: Craftsman, values: Mapping[str, Any]) -> Iterator[Problem]:
    """An ID number stands in the list once in the whole nation (spec 05): the message says who has
    it, and that one may ask for a transfer.
    """
    number = values.get("id_number")
    if not number or number == craftsman.id_number:
        return
    county = aliased(Region)
    with joined("a craftsman stands in one list in the whole country") as session:
        other = session.execute(
            select(Craftsman.id, Craftsman.name, Craftsman.path, Craftsman.entered_name)
            .add_columns(Region.full_name, county.full_name.label("county"))
            .join(Region, Region.id == Craftsman.region_id)
            .join(county, county.id == Craftsman.county_id)
            .where(Craftsman.id_number == number, Craftsman.id != craftsman.id)
        ).first()
    if other is None:
        return
    here = in_scope(other.path)
    whole = _(
        "该身份证号已在工匠名录中：%(place)s，%(name)s，由“%(who)s”录入。可以申请转入。",
        place=other.full_name if here else other.county, name=other.name, who=other.entered_name,
    )  # fmt: skip
    if not here:
        short = _("该身份证号已在其他地区的工匠名录中。")
        found = duplicates.Found("craftsman", number, other.id, other.county)
        whole = duplicates.told_elsewhere(found, short, whole)
    url = f"/handovers/ask/craftsman/{other.id}"
    yield Problem("id_number", "id_number.listed", whole, way=_("申请转入"), url=url)
