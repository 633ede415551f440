"""低收入群体对象管理: who is on the list of low-income households (spec 03)."""

from app.registers.low_income import register

__all__ = ["register"]
