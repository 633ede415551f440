"""以往信息: earlier appraisals and survey results of houses (2024 guideline §三（四）)."""

from app.parts import earlier
from app.registers.prior import register

__all__ = ["earlier", "register"]
