"""房屋图斑 as a register: what its imports, exports and interfaces name."""

from __future__ import annotations

from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure
from app.kernel.declare.groups import Heading, Lists
from app.kernel.declare.register import register
from app.modules.house_map.parcels.table import Parcel

PARCEL = register(
    Parcel,
    title="房屋图斑",
    heading=Heading(90),
    record_word="图斑",
    unit="条",
    lists=Lists(
        ledger="number storeys floor_area year_built structure way_built land_nature use",
        filters="number",
        indexed="number",
    ),
    figures={"total": Figure("图斑总数", ALWAYS)},
)
