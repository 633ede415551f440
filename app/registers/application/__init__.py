"""危房改造抗震改造申请信息: applications for a renovation (spec 04)."""

from app.registers.application import register, rules

__all__ = ["register", "rules"]
