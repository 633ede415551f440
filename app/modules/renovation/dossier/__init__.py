"""危房改造抗震改造档案: the work after the grant, from its start to its payment (spec 04)."""

from app.modules.renovation.dossier import accepting, archived, register

__all__ = ["accepting", "archived", "register"]
