"""农村危房改造农户档案: the household archives of 2009 and 2012 (spec 06)."""

from app.modules.archives import register

__all__ = ["register"]
