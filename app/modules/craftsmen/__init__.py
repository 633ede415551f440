"""乡村建设工匠名录: rural builders, their training and certificates (spec 05)."""

from app.modules.craftsmen import certificates, register

__all__ = ["certificates", "register"]
