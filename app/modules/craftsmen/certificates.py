"""Certificates run out by themselves: every day the list is brought to that day, and the managers of
a county are told how many of its craftsmen they should remind.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import or_, select

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.divisions.regions import Region
from app.access.scope import joined
from app.core.clock import today
from app.core.jobs.table import JobContext, daily_job
from app.core.transactions import transaction
from app.modules.craftsmen.model import Certificates, Craftsman
from app.modules.craftsmen.rules import SOON, derive

_CHUNK = 500
_WHY = "certificates run out in the whole nation"


@daily_job("craftsmen.certificates", title="工匠证书到期检查")
def check(_job: JobContext) -> dict[str, Any]:
    """Say of every craftsman whether the certificates hold today; gives how many changed."""
    day, told, changed = today(), Counter[int](), 0
    hold = Craftsman.certificates_hold
    late = or_(
        (hold == Certificates.VALID) & (Craftsman.certified_until <= day + SOON),
        (hold == Certificates.EXPIRING) & (Craftsman.certified_until < day),
    )
    query = select(Craftsman).where(late).order_by(Craftsman.certified_until).limit(_CHUNK)
    while True:
        with transaction(), joined(_WHY, writes=True) as session:
            rows = session.scalars(query).all()
            for row in rows:
                changed_at = row.changed_at
                derive(row)
                row.changed_at = changed_at  # nobody changed what it says
                told[row.county_id] += 1
        changed += len(rows)
        if len(rows) < _CHUNK:
            break
    with transaction(), joined(_WHY, writes=True) as session:
        for county_id, n in sorted(told.items()):
            county = session.get_one(Region, county_id)
            notices.tell(
                session, county_id, NoticeKind.CERTIFICATES,
                f"/craftsman/manage?region={county_id}&figure=expiring",
                place=county.full_name, n=str(n),
            )  # fmt: skip
    return {"rows": changed}
