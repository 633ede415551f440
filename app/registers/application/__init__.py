"""危房改造抗震改造申请信息: applications for a renovation (spec 04)."""

from app.actions import opening_backfill, plan_years
from app.registers.application import register, rules

__all__ = ["opening_backfill", "plan_years", "register", "rules"]
