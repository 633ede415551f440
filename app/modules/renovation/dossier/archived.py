"""Who has a dossier of a plan year gets no archive of it too: the dossier says all that one would (spec 06
"Key").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import select

from app.access.scope import joined
from app.core.i18n import _
from app.kernel import hooks
from app.kernel.beyond import same_key
from app.kernel.beyond.same_key import Words
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.records import keys
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.dossier.register import DOSSIER


@hooks.record_checks.listen(of="archive")
def refuse(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """There is a dossier of this number and plan year."""
    key = keys.of(register, values)
    if key is None or key == row.unique_key or same_key.is_free(DOSSIER, key):
        return
    number = values["head_id"]
    same = Dossier.head_id == number, Dossier.plan_year == values["plan_year"]
    words = Words(
        here=_("该户这一年度已有危房改造抗震改造档案，不再录入农户档案"),
        elsewhere=_("该户这一年度在其他地区已有危房改造抗震改造档案，不再录入农户档案。"),
        county=lambda name: _(
            "该户这一年度在%(place)s已有危房改造抗震改造档案，不再录入农户档案。", place=name
        ),
        way=_("打开该档案"),
    )
    problem = Problem("head_id", "head_id.dossier", "")
    yield from same_key.told_of(DOSSIER, same, problem, number, words)


@hooks.checked_together.listen(of="archive")
def ask_together(
    register: Register, rows: Sequence[Mapping[str, Any]]
) -> Iterator[AbstractContextManager[None]]:
    """Dossiers of all these numbers are asked for at once; their keys are those of archives."""
    wanted = {key: values["head_id"] for values in rows if (key := keys.of(register, values))}
    if not wanted:
        return
    same = Dossier.head_id.in_(set(wanted.values()))
    query = select(Dossier.head_id, Dossier.plan_year).where(same)
    with joined(same_key.WHY) as session:
        found = session.execute(query).all()
    there = {keys.of(register, {"head_id": number, "plan_year": year}) for number, year in found}
    yield same_key.known_free(DOSSIER, wanted.keys() - there)
