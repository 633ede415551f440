"""Who a household is, in words: what stands on top of its records, on its page and on its paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.access.divisions.regions import Level, Region
from app.core.i18n import _, translate
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member


@dataclass(frozen=True)
class Fact:
    """One fact. ``personal``: a number; ``masked``: shown only in part, ``name`` tells which."""

    label: str
    text: str
    name: str = ""
    sub: str | None = None
    personal: bool = False
    masked: bool = False


def facts(household: Household, region: Region | None, whole: bool) -> list[Fact]:
    """Who this is and where; its ``region`` is given. Only what is known."""
    found = [
        Fact(_("户主"), household.head_name, sub=former_head(household)),
        _personal(household, "head_id", _("身份证号"), whole),
        Fact(_("行政区划"), region.full_name if region else ""),
        Fact(_("名单所写村名"), _written(household, region) or ""),
        Fact(_("村民小组"), household.village_group or ""),
        _personal(household, "phone", _("联系电话"), whole),
    ]
    present = revealed(household, "head_id")
    if household.issued_id and household.issued_id != present:
        found.append(_personal(household, "issued_id", _("下发身份证号"), whole))
    if household.corrected_id and household.corrected_id != present:
        found.append(_personal(household, "corrected_id", _("更正身份证号"), whole))
    return [fact for fact in found if fact.text]


def listed(household: Household) -> Iterator[Fact]:
    """What the list says besides."""
    for name in ("sex", "ethnicity", "population", "exit_year", "source"):
        made = Household.__fields__[name]
        text = made.text(getattr(household, name), household.said_at)
        unit = f" {translate(made.unit)}" if text and made.unit else ""
        yield Fact(translate(made.label), text + unit, name)


def member(one: Member, whole: bool) -> dict[str, str]:
    """A member's ``name``, ``id_number``, ``relation`` and ``phone`` as people read them."""
    found = {}
    for name in ("name", "id_number", "relation", "phone"):
        made, value = Member.__fields__[name], getattr(one, name)
        found[name] = made.mask(value) if made.masked and not whole else made.text(value)
    return found


def revealed(household: Household, name: str) -> str:
    """The whole of a personal fact; the head's number is the present head's, else the list's."""
    value = getattr(household, name)
    if name == "head_id":
        value = value or household.matching_id
    return str(value or "")


def former_head(household: Household) -> str | None:
    """原户主 …, where another person is the head now."""
    if household.issued_name == household.head_name:
        return None
    return _("原户主 %(name)s", name=household.issued_name)


def _personal(household: Household, name: str, label: str, whole: bool) -> Fact:
    value = revealed(household, name)
    if whole or not value:
        return Fact(label, value, name, personal=True)
    masked = Household.__fields__[name].mask(value)
    return Fact(label, masked, name, personal=True, masked=True)


def _written(household: Household, region: Region | None) -> str | None:
    """What the list called the village, for whoever has to place the household."""
    placed = region is not None and region.level == Level.VILLAGE
    return None if placed else household.place_written
