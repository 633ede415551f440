"""What the system works out from other fields: shown live, kept with the record, never typed.

Read by Python (save, import, REST) and by JavaScript (the live form); SQL reads what was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, eq=False)
class Total:
    """The sum of amounts: of fields, and of one part of the rows of children. What is missing counts
    as nothing; missing itself where nothing is given at all.
    """

    fields: tuple[Any, ...] = ()  # Field
    rows: tuple[tuple[Any, str], ...] = ()  # children, and the name of their part

    def python(self, values: Mapping[str, Any]) -> Decimal | None:
        """The sum over a record's values."""
        found = [values.get(made.name) for made in self.fields]
        for made, part in self.rows:
            found += [row.get(part) for row in values.get(made.name) or ()]
        given = [value for value in found if value is not None]
        return sum(given, Decimal(0)) if given else None

    def js(self) -> list[Any]:
        """As static/form/rules.js reads it."""
        fields = [["field", made.name] for made in self.fields]
        return ["total", *fields, *(["rows", made.name, part] for made, part in self.rows)]

    def names(self) -> set[str]:
        """The fields that it is worked out from."""
        return {made.name for made in (*self.fields, *(made for made, _part in self.rows))}


@dataclass(frozen=True, eq=False)
class Days:
    """How many days lie between two dates; missing where one of them is."""

    start: Any  # Field
    end: Any  # the later day

    def python(self, values: Mapping[str, Any]) -> int | None:
        """Days from start to end of a record's values."""
        start, end = values.get(self.start.name), values.get(self.end.name)
        return (end - start).days if start and end else None

    def js(self) -> list[Any]:
        """As static/form/rules.js reads it."""
        return ["days", ["field", self.start.name], ["field", self.end.name]]

    def names(self) -> set[str]:
        """The fields that it is worked out from."""
        return {self.start.name, self.end.name}


Formula = Total | Days
