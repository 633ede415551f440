"""The columns of a list of low-income households beside the household's own, as people write them."""

from __future__ import annotations

from app.core.i18n import mark
from app.kernel.hooks import ListColumn
from app.modules.homes.choices import Origin
from app.modules.low_income.fields import Condition

#: What the list says beside the household: fields of its register.
COLUMNS = (
    ListColumn(
        "groups",
        mark("对象类型"),
        ("农户类型", "困难类型", "低收入类型", "困难对象类型"),
        30,
        "农村低保户",
        note=mark("多种类型用顿号隔开。"),
    ),
    ListColumn("origin", mark("对象来源"), ("来源", "监测来源"), 12, "民政下发", options=Origin),
    ListColumn("housing", mark("住房类型"), ("结构类型",), 14, "砖石结构", options="structure"),
    ListColumn("condition", mark("住房状况"), ("住房情况",), 12, "住房安全", options=Condition),
)
