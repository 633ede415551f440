"""房屋图斑: footprints of houses from the disaster-risk census (2024 guideline §三（三）)."""

from app.actions import parcels
from app.registers.parcel import register

__all__ = ["parcels", "register"]
