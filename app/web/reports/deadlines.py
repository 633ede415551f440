"""Days left until a register's deadline in a division, as pages show them."""

from __future__ import annotations

from app.access import settings
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region
from app.core.i18n import _
from app.kernel.declare.register import Register
from app.kernel.reports import deadlines
from app.kernel.settings.changing import may_set


def tag(register: Register, path: str) -> dict[str, str] | None:
    """``{text, tone}`` for the label beside a table, None where no deadline is set."""
    found = deadlines.of(register, path)
    if found is None:
        return None
    if found.passed:
        text = _("截止 %(day)s，已过 %(n)s 天", day=found.until, n=-found.left)
        return {"text": text, "tone": "bad"}
    text = _("截止 %(day)s，还剩 %(n)s 天", day=found.until, n=found.left)
    return {"text": text, "tone": "warn" if found.left <= deadlines.SOON_DAYS else "info"}


def setting_url(register: Register, region: Region, actor: Actor) -> str | None:
    """Where the account may set the deadline of a division; None if it may not."""
    name = deadlines.setting_of(register)
    if register.flow is None or not actor.has(Capability.SETTINGS):
        return None
    if not may_set(settings.get(name), region, actor):
        return None
    return f"/settings/{name}?region={region.id}"
