"""低收入群体对象管理: who is on the list of low-income households (spec 03)."""

from app.actions import list_copies, objects
from app.registers.low_income import register

__all__ = ["list_copies", "objects", "register"]
