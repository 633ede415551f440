"""The one who acts: an account, seen by every layer without the web."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.access.divisions.regions import Level
from app.core.choices import Choices

SYSTEM = "system"  # subject of capabilities that belong to no single register


class Kind(Choices):
    """Kind of account (spec 01, 2009 §三)."""

    MANAGER = "manager", "管理用户"
    ORDINARY = "ordinary", "普通用户"
    CLERK = "clerk", "信息采集员用户"


class Duty(Choices):
    """The 2024 duties, granted on top of level and kind."""

    ADMINISTRATOR = "administrator", "系统管理员"
    REVIEWER = "reviewer", "信息审核员"
    COLLECTOR = "collector", "信息采集员"


class Capability(Choices):
    """One line of the matrix of spec 01."""

    SEARCH = "search", "查询统计"
    ENTER = "enter", "录入、修改、删除、上报"
    REVIEW = "review", "审核"
    CHECK = "check", "乡镇复核"
    SPOT_CHECK = "spot_check", "抽查退回"
    RESTORE = "restore", "恢复已删除的档案"
    IMPORT_LIST = "import_list", "名单下发"
    APPROVE_MOVE = "approve_move", "迁户审批"
    EXPORT = "export", "导出含个人信息的台账"
    EXPORT_STATISTICS = "export_statistics", "导出统计表"
    MANAGE_USERS = "manage_users", "用户管理"
    AUDIT = "audit", "审计日志"
    MAINTAIN_REGIONS = "maintain_regions", "行政区划管理"
    QUOTAS = "quotas", "任务管理"
    SETTINGS = "settings", "参数设置"


class RegisterAccess(Choices):
    """What an account may do in one register (spec 01: "registers it may enter or only read")."""

    ENTER = "enter", "可录入"
    READ = "read", "只读"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. ``capabilities`` holds (capability, register name or ``SYSTEM``) pairs; of those
    that were granted only for named divisions, ``limits`` holds these divisions' paths.

    ``in_job``: a background job acts in the account's name, nobody clicks. ``token``: another
    system does, by the token of this name.
    """

    account_id: uuid.UUID
    login: str
    name: str
    level: Level
    kind: Kind
    region_id: int
    path: str
    contact_name: str = ""
    contact_phone: str = ""
    capabilities: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    in_job: bool = False
    token: str = ""
    limits: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, hash=False)

    def has(self, capability: Capability, subject: str = SYSTEM) -> bool:
        """Does this account hold the capability for a register (or for the system)?"""
        return (capability.value, subject) in self.capabilities

    def areas(self, capability: Capability, subject: str = SYSTEM) -> tuple[str, ...]:
        """The paths at and under which the account holds the capability; none if it does not."""
        pair = (capability.value, subject)
        if pair not in self.capabilities:
            return ()
        return self.limits.get(pair, (self.path,))
