"""How grave a broken rule is, and what a register makes of that (spec 06 "Data quality")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.choices import Choices

#: What a row keeps of the rules that it breaks (:class:`app.kernel.rows.judged.Judged`).
SEVERITIES, BROKEN = "severities", "broken"


class Severity(Choices):
    """What a broken rule says of a record; the same word in Python, SQL, scripts and interface."""

    INCOMPLETE = "incomplete", "不完整"  # something required is not given
    ERROR = "error", "错误"  # it cannot be true
    QUESTIONABLE = "questionable", "质疑"  # it is unlikely: somebody should look


@dataclass(frozen=True)
class Ruling:
    """What a register says of one of its rules instead of the rule itself; what is not given stays."""

    severity: Severity | None = None  # how grave it is to break it
    source: str = ""  # which norm asks for it
    remedy: str = ""  # how it is mended


@dataclass(frozen=True)
class Quality:
    """What broken rules mean for a register's records. ``rulings`` are by the codes of rules,
    ``field.check``, those that fields bring by themselves among them: ``phone.invalid``,
    ``built.low``, ``name.required``.

    ``kept``: with each record stands which rules it breaks (the model derives from
    :class:`app.kernel.rows.judged.Judged`). Then every severity is a figure of that name, and every rule one
    of its code, with dashes (``phone-invalid``): the records that break it.
    """

    saving: tuple[Severity, ...] = (Severity.ERROR,)  # with these no record is saved
    submitting: tuple[Severity, ...] = (Severity.INCOMPLETE, Severity.ERROR)  # … or submitted
    rulings: Mapping[str, Ruling] = field(default_factory=dict)
    kept: bool = False

    def ruling(self, code: str) -> Ruling:
        """What is said of a rule."""
        return self.rulings.get(code, _NOTHING)


_NOTHING = Ruling()
#: Errors forbid saving, and gaps submitting, too.
USUAL = Quality()
