"""脱贫户住房安全保障回头看: the 2024 look-back survey (spec 02)."""

from app.modules.surveys import own_houses, resettling
from app.modules.surveys.lookback import register

__all__ = ["own_houses", "register", "resettling"]
