"""What a list of low-income households says of each (2024 manual 1.2.2 二; spec 03 "Who is on the list").

A row stays when its household leaves the list (退出对象台账) and comes back with it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.core.choices import Choices
from app.core.db import only_where
from app.core.i18n import mark
from app.core.types import UuidType
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.house_lists import HouseList, declare_list
from app.kernel.declare.register import Register, all_registers
from app.kernel.rows.household import Sex
from app.kernel.rows.record import OfHousehold
from app.modules.homes.choices import Origin, groups

#: 低收入群体名单: of persons, not of households only.
LIST = declare_list(HouseList("low_income", mark("低收入群体名单"), order=20, of_persons=True))


class Reason(Choices):
    """退出原因."""

    DIED = "died", "死亡销户"
    NOT_HEAD = "not_head", "非户主"
    OTHER = "other", "其他原因"


class Upkeep(Choices):
    """维护状态: has somebody looked at what the list says?"""

    PENDING = "pending", "未维护"
    DONE = "done", "维护完成"


class Condition(Choices):
    """住房状况, as far as the list knows; the survey is monitoring's."""

    SAFE = "safe", "住房安全"
    UNSAFE = "unsafe", "住房不安全"
    NONE = "none", "无房"


class Listed(OfHousehold):
    """One household of the list. ``head_name`` and ``head_id`` are those of the person shown: the
    head, or the member who is low-income where the head is not.
    """

    @declared_attr.directive
    def __table_args__(cls: Any) -> tuple[Index, ...]:
        table = cls.__tablename__
        return (
            Index(f"ix_{table}_place", "path", "id"),
            Index(f"ix_{table}_household", "household_id", unique=True),
            Index(f"ix_{table}_upkeep", "upkeep", "path", "id"),
            *(
                Index(f"ix_{table}_{name}", "path", "id", **only_where(f"{name} IS NOT NULL"))
                for name in ("added_on", "left_on", "unplaced")
            ),
            *feed.indexes(table),
        )

    head_name = f.person("姓名")
    head_id = f.id_number("身份证号")
    head_id.length = 32  # wrong numbers come in too, and are put right here
    sex = f.choice("性别", Sex)
    phone = f.phone("联系电话", required=False)
    groups = groups()
    housing = f.listed("住房类型", "structure", required=False)
    condition = f.choice("住房状况", Condition, required=False)

    low_income = f.system(f.yes_no("低收入群体"), default=False)  # copied from the household
    unplaced = f.system(f.yes_no("行政区划缺失"))  # the same: yes or nothing
    head_low_income = f.system(f.yes_no("户主是否低收入群体"), default=True)
    origin = f.system(f.choice("对象来源", Origin), default=Origin.CIVIL)
    upkeep = f.system(f.choice("维护状态", Upkeep), default=Upkeep.PENDING)
    added_on = f.system(f.date("新增时间"))
    left_on = f.system(f.date("退出时间"))
    left_reason = f.system(f.choice("退出原因", Reason))
    left_note = f.system(f.text("退出说明", 200))
    #: 非户主: the household whose member the head has become.
    left_to: Mapped[uuid.UUID | None] = mapped_column(UuidType)

    def leave(self, day: dt.date, reason: Reason, note: str, head: uuid.UUID | None) -> None:
        """It stands on 退出对象台账."""
        self.left_on, self.left_reason, self.left_note, self.left_to = day, reason, note, head

    def come_back(self) -> None:
        """It stands on the list again."""
        self.left_on = self.left_reason = self.left_note = self.left_to = None


def the_list() -> Register:
    """The register that keeps the list."""
    return next(r for r in all_registers() if issubclass(r.model, Listed))
