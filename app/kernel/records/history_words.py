"""What a line of a record's history says, in words: who did it, why, what it changed."""

from __future__ import annotations

from app.core.i18n import _, done_word, translate
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.declare.register import Register
from app.kernel.rows.record import HistoryEntry

_TONES = {
    **dict.fromkeys(SENT_BACK, "bad"),
    **dict.fromkeys((State.CHECKING, State.SUBMITTED), "info"),
    State.APPROVED: "good",
}


def tone(entry: HistoryEntry) -> str:
    """The colour of the state that it led to."""
    return _TONES.get(entry.target, "neutral")


def title(register: Register, entry: HistoryEntry) -> str:
    """What was done, after the stage that it was done to."""
    done = done_word(entry.label)
    stage = next((s for s in register.stages if s.name == entry.stage), None)
    return _("%(stage)s：%(step)s", stage=stage.label, step=done) if stage else done


def who(entry: HistoryEntry) -> str:
    """The person, with the account where that has another name."""
    if not entry.person or entry.person == entry.account_name:
        return entry.account_name
    return _("%(person)s（%(account)s）", person=entry.person, account=entry.account_name)


def opinion(entry: HistoryEntry) -> str:
    """Ticked reasons and the opinion in one text."""
    reasons = _("；").join(translate(r) for r in entry.reasons or ())
    return _("。").join(part for part in (reasons, entry.opinion or "") if part)


def changes(
    register: Register, before: HistoryEntry, after: HistoryEntry, *, whole: bool
) -> list[dict[str, str]]:
    """What differs between two submissions: ``{name, label, before, after}`` for each field."""
    found = []
    was, is_now = before.snapshot or {}, after.snapshot or {}
    for name, made in register.fields.items():
        if was.get(name) == is_now.get(name):
            continue
        old = made.said(was.get(name), before.at)
        new = made.said(is_now.get(name), after.at)
        if not whole and (made.masked or made.rows):
            old, new = ("***" if old else ""), ("***" if new else "")
        if not made.stored and old == new:
            new = _("%(n)s，有更换", n=new)
        label = translate(made.label)
        found.append({"name": name, "label": label, "before": old, "after": new})
    return found
