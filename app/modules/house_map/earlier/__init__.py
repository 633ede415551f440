"""以往信息: earlier appraisals and survey results of houses (2024 guideline §三（四）)."""

from app.modules.house_map.earlier import hooks as earlier
from app.modules.house_map.earlier import register

__all__ = ["earlier", "register"]
