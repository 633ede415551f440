"""Why personal data leave the system: every export states it (spec 01 "Personal data")."""

from __future__ import annotations

from app.access import settings
from app.access.settings import NUMBER, Setting
from app.core.errors import BadInput
from app.core.i18n import _, mark

LONGEST = 200
SHORTEST = settings.declare(
    Setting(
        "personal.reason",
        mark("导出原因最少字数"),
        NUMBER,
        4,
        lowest=1,
        highest=50,
        unit=mark("字"),
        help=mark("导出台账或审计日志时须写明原因，记入审计日志。"),
    )
)


def required_reason(text: str) -> str:
    """The stated reason without blanks at its ends.

    :raises BadInput: none, too short to say anything, or too long to keep.
    """
    reason = text.strip()
    if not reason:
        raise BadInput(_("请填写导出原因。"))
    if len(reason) < (least := settings.value(SHORTEST.name)):
        raise BadInput(_("请写明导出原因，至少 %(n)s 个字。", n=least))
    if len(reason) > LONGEST:
        raise BadInput(_("导出原因最多 %(n)s 个字。", n=LONGEST))
    return reason
