"""Who enters a register, where it is not those whom the matrix of permissions names (spec 01 "Rights differ by
register"): it says it once, and every answer about rights follows (:mod:`app.access.policy`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.access.actor import Kind
from app.access.divisions.regions import Level

#: A role: a level and kind of account.
Role = tuple[Level, Kind]


@dataclass(frozen=True)
class Entry:
    """Whose roles enter records, and who does where a manager grants it for this register until a day. Nobody
    else does, whatever duties the account has; a grant that names no register opens none of these.
    """

    by: tuple[Role, ...]  # levels and kinds whose roles enter
    on_grant: tuple[
        Role, ...
    ] = ()  # … and who does where it is granted, for this register, until a day

    @property
    def roles(self) -> Iterator[Role]:
        """All of them."""
        yield from (*self.by, *self.on_grant)


#: Register -> who enters it, of those that say so. Filled when registers are declared.
ENTRIES: dict[str, Entry] = {}
