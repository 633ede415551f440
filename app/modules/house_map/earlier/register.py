"""以往信息 as a register: what its imports and the audit log name."""

from __future__ import annotations

from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure
from app.kernel.declare.groups import Heading, Lists
from app.kernel.declare.register import register
from app.modules.house_map.earlier.facts import PriorFact

PRIOR = register(
    PriorFact,
    title="以往信息",
    heading=Heading(100),
    record_word="以往信息",
    unit="条",
    lists=Lists(
        ledger="kind found_on head_name id_number parcel_number grade judged_by",
        filters="kind id_number parcel_number",
        indexed="id_number parcel_number",
    ),
    figures={"total": Figure("以往信息总数", ALWAYS)},
)
