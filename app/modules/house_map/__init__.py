"""房屋图斑: footprints of houses from the disaster-risk census (2024 guideline §三（三）)."""

from app.modules.house_map.parcels import late as parcels
from app.modules.house_map.parcels import register

__all__ = ["parcels", "register"]
