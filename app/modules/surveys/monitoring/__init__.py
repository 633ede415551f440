"""六类对象动态监测: the rolling survey of low-income households (spec 03)."""

from app.modules.surveys.monitoring import register

__all__ = ["register"]
