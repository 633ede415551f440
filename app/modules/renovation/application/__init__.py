"""危房改造抗震改造申请信息: applications for a renovation (spec 04)."""

from app.modules.renovation import backfill, openings, plan_years
from app.modules.renovation import steps as journey
from app.modules.renovation.application import register, rules

__all__ = ["backfill", "journey", "openings", "plan_years", "register", "rules"]
