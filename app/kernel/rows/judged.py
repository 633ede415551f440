"""A record with which stands which rules it breaks (spec 06 "Data quality")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.i18n import mark
from app.kernel.declare import fields as f
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import register_of
from app.kernel.declare.rules import Rule

_SEVERITIES, _BROKEN = mark("数据质量"), mark("未通过的规则")


class Judged(f.Declared):
    """What the kernel keeps of a record whose register says ``Quality(kept=True)``; derive from it first.

    ``severities`` are those of the rules that it breaks, ``broken`` their codes, in the order of the form.
    """

    severities = f.system(f.many(_SEVERITIES, Severity))
    broken: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__tablename__" in vars(cls):  # the rules are those of its own register

            def rules() -> Mapping[str, Rule]:
                register = register_of(cls)
                return register.rules.declared if register else {}

            cls.broken = f.system(f.codes(_BROKEN, rules))
            cls.broken.__set_name__(cls, "broken")
        super().__init_subclass__(**kwargs)
