"""房屋图斑: footprints of houses from the disaster-risk census (2024 guideline §三（三）)."""

from app.registers.parcel import register

__all__ = ["register"]
