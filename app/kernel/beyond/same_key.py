"""What a record is one of stands once in the whole nation (``Register.key``). Who enters it again is told
where: in the own area with the way there, elsewhere the county alone (spec 01, exceptions a and f).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.access.divisions.regions import Region
from app.access.scope import in_scope, joined
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.beyond import duplicates
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hook import Having
from app.kernel.records import keys


@hooks.record_checks.listen(of=Having("key"))
def problems(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """There is another record of that. It stands at the first field of the key."""
    key = keys.of(register, values)
    if key is None or key == row.unique_key:
        return
    model, county = register.model, aliased(Region)
    with joined("of a register with a key there is one record in the whole country") as session:
        other = session.execute(
            select(model.id, model.path, Region.full_name, county.full_name.label("county"))
            .add_columns(getattr(model, register.name_field).label("name"))
            .join(Region, Region.id == model.region_id)
            .join(county, county.id == model.county_id)
            .where(model.unique_key == key, model.id != row.id)
        ).first()
    if other is None:
        return
    field = register.key.split()[0]
    said = {
        "what": register.word,
        "parts": _("、").join(translate(register.fields[n].label) for n in register.key.split()),
    }
    code = f"{field}.there"
    if in_scope(other.path):
        text = _(
            "%(parts)s相同的%(what)s已有一份：%(place)s，%(name)s。",
            place=other.full_name, name=other.name, **said,
        )  # fmt: skip
        url = f"/{register.name}/{other.id}"
        way = _("打开该%(what)s", what=register.word)
        yield Problem(field, code, text, forbids=True, way=way, url=url)
        return
    found = duplicates.Found(register.name, str(values[field]), other.id, other.county)
    short = _("%(parts)s相同的%(what)s在其他地区已有一份。", **said)
    whole = _("%(parts)s相同的%(what)s在%(place)s已有一份。", place=other.county, **said)
    yield Problem(field, code, duplicates.told_elsewhere(found, short, whole), forbids=True)
