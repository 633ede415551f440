"""危房改造抗震改造申请信息: applications for a renovation (spec 04)."""

from app.actions import journey, opening_backfill, openings, plan_years
from app.registers.application import register, rules

__all__ = ["journey", "opening_backfill", "openings", "plan_years", "register", "rules"]
