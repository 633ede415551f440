"""Days left until a register's deadline in a division (spec 02 "Lists")."""

from __future__ import annotations

from app.access import settings
from app.core.clock import today
from app.core.i18n import _
from app.registry.register import Register

_SOON_DAYS = 14


def tag(register: Register, path: str) -> dict[str, str] | None:
    """``{text, tone}`` for the label beside a table, None where no deadline is set."""
    if register.flow is None:
        return None
    until = settings.value(f"{register.name}.deadline", path)
    if until is None:
        return None
    left = (until - today()).days
    if left < 0:
        return {"text": _("截止 %(day)s，已过 %(n)s 天", day=until, n=-left), "tone": "bad"}
    text = _("截止 %(day)s，还剩 %(n)s 天", day=until, n=left)
    return {"text": text, "tone": "warn" if left <= _SOON_DAYS else "info"}
