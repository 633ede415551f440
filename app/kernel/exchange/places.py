"""Names of divisions by level, for files that hold many rows."""

from __future__ import annotations

from sqlalchemy import select

from app.access.divisions.regions import Level, Region
from app.core.db import db
from app.core.i18n import mark

#: From the province down: what stands beside a row.
LEVELS = (Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWN, Level.VILLAGE)
#: What imports call their columns, and what people do.
PLACES = {
    "@province": mark("省"), "@city": mark("市"), "@county": mark("县"), "@town": mark("乡镇"),
    "@village": mark("村"),
}  # fmt: skip
_KEPT = 8000  # the 3,350 upper divisions, which stay, and some thousand below them


class Places:
    """The names, read as they turn up. Of 620,000 villages only the last ones met are remembered: a list
    runs through them in order.
    """

    def __init__(self) -> None:
        self.names: dict[int, tuple[str, ...]] = {}
        self._known: dict[int, tuple[int | None, Level, str, bool]] = {}

    def learn(self, ids: set[int]) -> None:
        """Read these divisions and all above them."""
        if len(self._known) > _KEPT:
            self.names.clear()
            upper = {k: v for k, v in self._known.items() if v[1] <= Level.COUNTY}
            self._known = upper
        wanted = ids - self.names.keys()
        unknown: set[int] = wanted - self._known.keys()
        while unknown:
            query = select(
                Region.id, Region.parent_id, Region.level, Region.name, Region.structural
            )
            for key, *rest in db.session.execute(query.where(Region.id.in_(unknown))):
                self._known[key] = tuple(rest)
            parents = {self._known[key][0] for key in unknown}
            unknown = {key for key in parents if key is not None and key not in self._known}
        for key in wanted:
            self.names[key] = self._chain(key)

    def _chain(self, key: int) -> tuple[str, ...]:
        found: dict[Level, str] = {}
        at: int | None = key
        while at is not None:
            at_parent, level, name, structural = self._known[at]
            if not structural:
                found[level] = name
            at = at_parent
        return tuple(found.get(level, "") for level in LEVELS)
