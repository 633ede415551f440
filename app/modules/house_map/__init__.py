"""房屋图斑: footprints of houses from the disaster-risk census (2024 guideline §三（三）)."""

from app.modules.house_map.parcels import late, register

__all__ = ["late", "register"]
