"""房屋图斑 as a register: what its imports, exports and interfaces name."""

from __future__ import annotations

from app.parts.parcels import Parcel
from app.registry.expressions import ALWAYS
from app.registry.register import Figure, register

PARCEL = register(
    Parcel,
    title="房屋图斑",
    order=90,
    record_word="图斑",
    ledger="number storeys floor_area year_built structure way_built land_nature use",
    filters="number",
    indexed="number",
    figures={"total": Figure("图斑总数", ALWAYS)},
)
