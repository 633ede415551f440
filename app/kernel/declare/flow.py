"""Review flows as declared transitions; a register names one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.access import settings
from app.access.actor import Capability
from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.access.scope import current_actor
from app.core.choices import Choices

if TYPE_CHECKING:
    from app.kernel.declare.register import Register


class State(Choices):
    """States of a reviewed record (spec 00)."""

    MISSING = "missing", "未录入"
    DRAFT = "draft", "已录入"
    CHECKING = "checking", "待审核（乡镇复核）"
    SUBMITTED = "submitted", "待审核"
    APPROVED = "approved", "审核通过"
    RETURNED = "returned", "退回补正"
    RECTIFY = "rectify", "退回整改"


#: 退回补正 by the county, 退回整改 by a level above it: both are corrected and submitted again.
SENT_BACK = (State.RETURNED, State.RECTIFY)
EDITABLE = (State.MISSING, State.DRAFT, *SENT_BACK)

#: A slow line may bring a click this much after the time that the page counts down.
GRACE_SECONDS = 5


@dataclass(frozen=True)
class Transition:
    """One declared step. ``label_above`` and ``target_above`` hold when a level above the county
    does it.
    """

    name: str  # in addresses and histories
    label: str  # on its button
    sources: tuple[State, ...]  # where it may start
    target: State  # where it leads
    capability: Capability  # who may do it
    complete: bool = False  # every required field must be given
    opinion: bool = False  # an opinion (reason) must be given
    by_submitter: bool = False  # only the account that submitted
    not_by_submitter: bool = False  # never the account that submitted (unless the setting allows)
    label_above: str = ""
    target_above: State | None = None
    target_of_village: State | None = None  # where it leads when a village's account does it
    undoes: tuple[str, ...] = ()  # only right after one of these steps, by the account that did it
    seconds: int = 0  # … and not later than this
    tone: str = "primary"  # the colour of its button: primary, good, warn, bad
    reasons: tuple[str, ...] = ()  # offered for the opinion
    unreviewed: bool = False  # there alone where a county wants no review (Review.setting)
    reopens: bool = False  # unlocks the stage that was approved last (app.kernel.declare.stages)

    def label_for(self, level: Level) -> str:
        """退回补正 by the county, 退回整改 from above."""
        return self.label_above if self.label_above and level < Level.COUNTY else self.label

    def target_for(self, level: Level) -> State:
        """Where the step leads when this level does it."""
        if self.target_of_village and level == Level.VILLAGE:
            return self.target_of_village
        return self.target_above if self.target_above and level < Level.COUNTY else self.target


@dataclass(frozen=True)
class Deciding:
    """Who decides on what waits in ``state``, one record after the other, and by which steps."""

    capability: Capability = Capability.REVIEW  # who decides
    state: State = State.SUBMITTED
    approve: str = "approve"  # the step of the one button …
    refuse: str = "return"  # … of the other …
    undo: str = "take_back"  # … and the one that takes either back

    @property
    def steps(self) -> tuple[str, str, str]:
        """The names of the steps that its page does."""
        return self.approve, self.refuse, self.undo


@dataclass(frozen=True)
class Flow:
    """A set of transitions. Saving is an edit, not a transition, but moves MISSING to DRAFT."""

    name: str  # of the way that records go
    transitions: tuple[Transition, ...]  # its steps
    reviews: tuple[Deciding, ...] = (Deciding(),)  # who decides, in turn

    def get(self, name: str) -> Transition | None:
        """The transition of that name, or None."""
        return next((t for t in self.transitions if t.name == name), None)

    def open_from(self, state: State) -> tuple[Transition, ...]:
        """The transitions that start in ``state``."""
        return tuple(t for t in self.transitions if state in t.sources)

    def review_of(self, state: State) -> Deciding | None:
        """The review for which records in ``state`` wait, or None."""
        return next((r for r in self.reviews if r.state == state), None)

    def review_by(self, capability: Capability) -> Deciding | None:
        """The review that is done with this capability, or None."""
        return next((r for r in self.reviews if r.capability == capability), None)


#: What is offered for the opinion of a return (spec 02 "Review").
RETURN_REASONS = (
    "资料不全",
    "信息有误",
    "照片不清晰或不是现场照片",
    "鉴定或评估材料不符",
    "房屋信息与实际不符",
)

#: spec 00 "States of a record": village or town enters, the county decides, and on what it decided
#: again at any time; levels above spot-check.
county_review = Flow(
    "county_review",
    (
        Transition("submit", "上报", (State.DRAFT, *SENT_BACK), State.SUBMITTED, Capability.ENTER,
                   complete=True),
        Transition("withdraw", "撤回", (State.SUBMITTED,), State.DRAFT, Capability.ENTER,
                   by_submitter=True, tone="secondary"),
        Transition("approve", "审核通过", (State.SUBMITTED,), State.APPROVED, Capability.REVIEW,
                   not_by_submitter=True, tone="success"),
        Transition("return", "退回补正", (State.SUBMITTED,), State.RETURNED, Capability.REVIEW,
                   opinion=True, label_above="退回整改", target_above=State.RECTIFY, tone="danger",
                   reasons=RETURN_REASONS),
        Transition("take_back", "撤销审核", (State.APPROVED, *SENT_BACK), State.SUBMITTED,
                   Capability.REVIEW, undoes=("approve", "return"), seconds=10, tone="secondary"),
        Transition("send_back", "退回补正", (State.APPROVED,), State.RETURNED, Capability.SPOT_CHECK,
                   opinion=True, label_above="退回整改", target_above=State.RECTIFY, tone="danger",
                   reasons=RETURN_REASONS),
        Transition("return_approved", "退回补正", (State.APPROVED,), State.RETURNED,
                   Capability.REVIEW, opinion=True, tone="danger", reasons=RETURN_REASONS),
    ),
)  # fmt: skip

#: The same where a county wants it. Where not, what is saved counts, and may be sent back.
optional_county_review = Flow(
    "optional_county_review",
    (
        *county_review.transitions,
        Transition("rectify", "退回整改", (State.DRAFT,), State.RECTIFY, Capability.SPOT_CHECK,
                   opinion=True, unreviewed=True, tone="danger", reasons=RETURN_REASONS),
    ),
)  # fmt: skip

#: The same stage by stage: while the next one is open, the one before it can be sent back too.
staged_review = Flow(
    "staged_review",
    (
        *county_review.transitions,
        Transition("reopen", "退回上一阶段", (State.DRAFT, *SENT_BACK), State.RETURNED,
                   Capability.SPOT_CHECK, opinion=True, target_above=State.RECTIFY, tone="danger",
                   reasons=RETURN_REASONS, reopens=True),
    ),
)  # fmt: skip


def town_and_county_review(reasons: tuple[str, ...]) -> Flow:
    """spec 04 "Application", Review: the town checks what its villages submit; what a town or the
    county submits itself goes straight to the county. The county may return what it approved.
    ``reasons`` are offered to whoever returns.
    """
    return Flow(
        "town_and_county_review",
        (
            Transition("submit", "上报", (State.DRAFT, *SENT_BACK), State.SUBMITTED, Capability.ENTER,
                       complete=True, target_of_village=State.CHECKING),
            Transition("withdraw", "撤回", (State.CHECKING, State.SUBMITTED), State.DRAFT,
                       Capability.ENTER, by_submitter=True, tone="secondary"),
            Transition("check", "复核通过", (State.CHECKING,), State.SUBMITTED, Capability.CHECK,
                       not_by_submitter=True, tone="success"),
            Transition("check_return", "退回补正", (State.CHECKING,), State.RETURNED, Capability.CHECK,
                       opinion=True, tone="danger", reasons=reasons),
            Transition("take_back_check", "撤销复核", (State.SUBMITTED, State.RETURNED), State.CHECKING,
                       Capability.CHECK, undoes=("check", "check_return"), seconds=10,
                       tone="secondary"),
            Transition("approve", "审核通过", (State.SUBMITTED,), State.APPROVED, Capability.REVIEW,
                       not_by_submitter=True, tone="success"),
            Transition("return", "退回补正", (State.SUBMITTED,), State.RETURNED, Capability.REVIEW,
                       opinion=True, tone="danger", reasons=reasons),
            Transition("take_back", "撤销审核", (State.APPROVED, State.RETURNED), State.SUBMITTED,
                       Capability.REVIEW, undoes=("approve", "return"), seconds=10, tone="secondary"),
            Transition("reopen", "退回补正", (State.APPROVED,), State.RETURNED, Capability.REVIEW,
                       opinion=True, tone="danger", reasons=reasons),
            Transition("send_back", "退回补正", (State.APPROVED,), State.RETURNED, Capability.SPOT_CHECK,
                       opinion=True, label_above="退回整改", target_above=State.RECTIFY, tone="danger",
                       reasons=reasons),
        ),
        reviews=(
            Deciding(),
            Deciding(Capability.CHECK, State.CHECKING, "check", "check_return", "take_back_check"),
        ),
    )  # fmt: skip


# ---- where a county wants a review (Review.setting) ----------------------------------------


def review_setting(register: Register) -> str:
    """The name of the county's setting."""
    return f"{register.name}.review"


def is_reviewed(register: Register, row: Any) -> bool:
    """Is the record submitted and decided on where it lies (spec 06 "Review")? One that lies nowhere yet:
    where its author enters it. Without a review a saved record is 已录入 and counts; who looks it through
    may send it back, and the next save clears that. What a review left behind when it is switched off is
    changed like any other.
    """
    if register.review is None or not register.review.setting:
        return register.review is not None
    county = regions.get(row.county_id) if row.county_id is not None else None
    actor = current_actor()
    place = county.path if county else (actor.path if actor else None)
    return bool(settings.value(review_setting(register), place))


def is_step_of(register: Register, row: Any, step: Transition) -> bool:
    """Is it a step of the record's way, as it goes where it lies?"""
    return step.unreviewed != is_reviewed(register, row)
