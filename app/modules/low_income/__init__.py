"""低收入群体对象管理: who is on the list of low-income households (spec 03)."""

from app.modules.low_income import copies as list_copies
from app.modules.low_income import joining as objects
from app.modules.low_income import register

__all__ = ["list_copies", "objects", "register"]
