"""The division that an address or a form names by its key.

Addresses are kept as bookmarks and in messages. When the division has merged into another one
meanwhile, :class:`MergedAway` tells into which, and the web layer leads there.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.divisions.former import ChangeKind, RegionHistory
from app.access.divisions.regions import Region, within
from app.core.errors import BadInput, NotFound
from app.core.i18n import _

_MOST_DIGITS = 9  # a longer number is no key and too long for the database


class MergedAway(NotFound):
    """The division is gone; ``now`` is the key of the one that took it over, in the same area."""

    code = "merged_away"

    def __init__(self, was: int, now: int, message: str) -> None:
        super().__init__(message, noted=True)
        self.was, self.now = was, now


def read_key(text: str) -> int:
    """The key that ``text`` says. :raises BadInput: it says none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadInput(_("网址中的行政区划有误，请从页面上重新选择地区。"))
    return int(text)


def in_area(session: Session, key: int, area: str) -> Region:
    """The division with this key at or below the path ``area``; never a structural one.

    :raises MergedAway: it merged into another one there. :raises NotFound: there is none.
    """
    region = session.get(Region, key)
    if region is not None and not region.structural and within(region.path, area):
        return region
    if region is None:
        require_not_merged(session, key, area)
    raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))


def require_not_merged(session: Session, key: int, area: str) -> None:
    """:raises MergedAway: the division with this key merged into another one of ``area``."""
    query = (
        select(RegionHistory.full_name, Region.id, Region.full_name, Region.path)
        .join(Region, Region.id == RegionHistory.into_id)
        .where(RegionHistory.region_id == key, RegionHistory.kind == ChangeKind.MERGE)
    )
    row = session.execute(query).first()
    if row is not None and within(row.path, area):
        was, now, name, _path = row
        text = _("“%(was)s”已并入“%(now)s”，请看合并后的行政区划。", was=was, now=name)
        raise MergedAway(key, now, text)
