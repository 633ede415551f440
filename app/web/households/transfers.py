"""``/transfers``: requests that households move; who waits for whom, and the decision."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import ColumnElement, or_, select, tuple_

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Region, in_subtree, within
from app.core.choices import Choices
from app.core.clock import to_minute
from app.core.db import db
from app.core.errors import BadInput, Conflict, Invalid
from app.core.i18n import _
from app.kernel.declare.register import get_register
from app.kernel.declare.rules import Problem
from app.kernel.households import moves
from app.kernel.households import words as household_words
from app.kernel.kinds import formats
from app.kernel.records import steps
from app.kernel.rows.household import Household
from app.kernel.rows.transfer import (
    Side,
    Transfer,
    TransferState,
    TransferWord,
    Word,
    side_of,
    visible,
    waits_for,
)
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.listing import (
    CURSORS,
    Action,
    Cell,
    Column,
    Empty,
    Filter,
    Listing,
    Paging,
    Row,
    cells,
    url_with,
)
from app.web.households.relations import TONES
from app.web.register.parsing import contact_of, parse_uuid
from app.web.register.shared import Said

BASE = "/transfers"
_SIZE = 20
_WORD_TONES = {Word.AGREED: "good", Word.REFUSED: "bad"}


class Show(Choices):
    """Which requests a list shows."""

    MINE = "mine", "等我审批"
    OUT = "out", "本地迁出"
    IN = "in", "迁入本地"
    DONE = "done", "已办结"


class TransfersView(BaseView):
    """迁户申请: what waits for me, what leaves, what comes, what was decided."""

    route_base = BASE
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes("show", "region")
    @permission_name(Capability.SEARCH)
    def index(self) -> Any:
        actor = policy.require(Capability.SEARCH)
        return self.render_template("lists/list.html", ledger=_list(actor))

    @expose("/<uuid:transfer_id>")
    @permission_name(Capability.SEARCH)
    def show(self, transfer_id: uuid.UUID) -> Any:
        actor = policy.require(Capability.SEARCH)
        return self._page(moves.get(transfer_id), actor)

    @expose("/<uuid:transfer_id>/agree", methods=["POST"])
    @permission_name(Capability.APPROVE_MOVE)
    def agree(self, transfer_id: uuid.UUID) -> Any:
        return self._answer(transfer_id, Word.AGREED, Capability.APPROVE_MOVE)

    @expose("/<uuid:transfer_id>/refuse", methods=["POST"])
    @permission_name(Capability.APPROVE_MOVE)
    def refuse(self, transfer_id: uuid.UUID) -> Any:
        return self._answer(transfer_id, Word.REFUSED, Capability.APPROVE_MOVE)

    @expose("/<uuid:transfer_id>/withdraw", methods=["POST"])
    @permission_name(Capability.ENTER)
    def withdraw(self, transfer_id: uuid.UUID) -> Any:
        return self._answer(transfer_id, Word.WITHDRAWN, Capability.ENTER)

    def _answer(self, transfer_id: uuid.UUID, word: Word, capability: Capability) -> Any:
        transfer = moves.get(transfer_id)
        actor = policy.require(capability, transfer.register)
        said = Said(contact_of(actor), request.form.get("opinion", "").strip())
        do = {
            Word.AGREED: moves.agree, Word.REFUSED: moves.refuse, Word.WITHDRAWN: moves.withdraw
        }  # fmt: skip
        try:
            with once() as click:
                transfer = do[word](transfer_id, said.contact, said.opinion)
                record = f"/{transfer.register}/{transfer.record_id}"
                here = f"{BASE}/{transfer_id}"
                click.leads_to(record if word == Word.WITHDRAWN else here, _told(transfer, word))
        except Invalid as error:
            return self._page(moves.get(transfer_id), actor, said, error.problems, word)
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"{BASE}/{transfer_id}")
        return click.answer()

    def _page(
        self,
        transfer: Transfer,
        actor: Actor,
        said: Said | None = None,
        problems: Sequence[Problem] = (),
        tried: Word | None = None,
    ) -> Any:
        household = moves.household_of(transfer)
        name = household.head_name if household else ""
        said = Said(said.contact if said else contact_of(actor), said.opinion if said else "",
                    problems=problems)  # fmt: skip
        context = said.context | {
            "title": _("%(name)s的迁户申请", name=name),
            "state": {"text": transfer.state.label, "tone": TONES[transfer.state]},
            "facts": _facts(transfer, household),
            "sides": _sides(transfer),
            "words": [_line(word) for word in moves.words_of(transfer)],
            "base": f"{BASE}/{transfer.id}",
            "decide": _decision(transfer, actor),
            "withdraw": _may_withdraw(transfer, actor),
            "tried": tried,
            "actions": _links(transfer, household, actor),
        }
        shell.at(BASE + "/")
        shell.crumb(name)
        return self.render_template(
            "households/transfer.html", page=context
        ), 422 if problems else 200


def _told(transfer: Transfer, word: Word) -> str:
    if transfer.state == TransferState.MOVED:
        return _("已批准，该户已迁入，由迁入地填报和审核。")
    if word == Word.AGREED:
        return _("已同意，还需要另一方同意后迁户。")
    if word == Word.REFUSED:
        return _("已作出不同意的决定，理由已告知填报人。")
    return _("迁户申请已撤回，填报的内容恢复到申请以前。")


# ---- the list ----------------------------------------------------------------------------------


def _list(actor: Actor) -> Listing:
    show, place = _show(actor), _place(actor)
    query = select(Transfer).where(visible(actor), *_conditions(show, actor))
    if place is not None:
        query = query.where(
            or_(*(in_subtree(path, place.path) for path in (Transfer.from_path, Transfer.to_path)))
        )
    after = _cursor(request.args.get("after"))
    if after is not None:
        query = query.where(tuple_(Transfer.asked_at, Transfer.id) < tuple_(*after))
    order = Transfer.asked_at.desc(), Transfer.id.desc()
    found = db.session.scalars(query.order_by(*order).limit(_SIZE + 1)).all()
    rows = found[:_SIZE]
    places = _names({key for t in rows for key in (t.from_region_id, t.to_region_id)})
    columns = _columns(places, moves.heads_of([t.household_id for t in rows]))
    return Listing(
        name="transfers",
        title=_("迁户申请"),
        intro=_(
            "县内迁户由本县审批；跨县的由两县都同意，或由共同的上级审批。批准以前，农户仍在原地统计。"
        ),
        filters=[
            Filter.choice("show", _("范围"), show and show.value, {s.value: s.label for s in Show}),
            Filter.region("region", _("迁出地或迁入地"), place),
        ],
        reset_url=BASE + "/",
        columns=columns,
        rows=[_row(columns, t, actor) for t in rows],
        paging=Paging(
            url_with(request.args, CURSORS) if after else None,
            url_with(request.args, CURSORS, after=rows[-1].id) if len(found) > _SIZE else None,
        ),
        empty=Empty(
            _("没有迁户申请"),
            _("在表单里“是否迁户”选择“是”并保存后，申请会出现在这里。"),
        ),
    )


def _show(actor: Actor) -> Show | None:
    text = request.args.get("show")
    if text:
        try:
            return Show(text)
        except ValueError:
            raise BadInput(_("没有这种范围：%(text)s。", text=text[:20])) from None
    return None


def _place(actor: Actor) -> Region | None:
    """The division that a household leaves or comes to."""
    text = request.args.get("region")
    key = region_asked.read_key(text) if text else None
    return region_asked.in_area(db.session, key, actor.path) if key is not None else None


def _conditions(show: Show | None, actor: Actor) -> list[ColumnElement[bool]]:
    waiting = Transfer.state == TransferState.WAITING
    if show == Show.MINE:
        return [waits_for(actor)]
    if show == Show.OUT:
        return [waiting, Transfer.from_path.startswith(actor.path, autoescape=True)]
    if show == Show.IN:
        return [waiting, Transfer.to_path.startswith(actor.path, autoescape=True)]
    return [~waiting] if show == Show.DONE else []


def _names(ids: set[int]) -> dict[int, str]:
    query = select(Region.id, Region.full_name).where(Region.id.in_(ids))
    return dict(db.session.execute(query).all()) if ids else {}


def _columns(
    places: Mapping[int, str], homes: Mapping[uuid.UUID, tuple[str, str | None]]
) -> list[Column[Transfer]]:
    """``homes``: name and number of the heads of households."""

    def head(transfer: Transfer) -> tuple[str, str | None]:
        return homes.get(transfer.household_id, ("", None))

    return [
        Column("head", _("户主"), lambda t: head(t)[0]),
        Column("number", _("身份证号"), lambda t: formats.mask_id(head(t)[1]), "id"),
        Column("from", _("迁出地"), lambda t: places.get(t.from_region_id), "region"),
        Column("to", _("迁入地"), lambda t: places.get(t.to_region_id), "region"),
        Column("at", _("申请时间"), lambda t: to_minute(t.asked_at)),
        Column("state", _("状态"), lambda t: Cell(t.state.label, tone=TONES[t.state]), "tag"),
    ]


def _row(columns: Sequence[Column[Transfer]], transfer: Transfer, actor: Actor) -> Row:
    url = f"{BASE}/{transfer.id}"
    mine = side_of(actor, transfer) is not None
    action = Action(_("审批") if mine else _("查看"), url, primary=mine)
    return Row(str(transfer.id), url, cells(columns, transfer), [action])


def _cursor(text: str | None) -> tuple[Any, uuid.UUID] | None:
    """The place behind the request that the last page ended with."""
    if not text:
        return None
    key = parse_uuid(text)
    actor = policy.require(Capability.SEARCH)
    query = select(Transfer.asked_at, Transfer.id).where(Transfer.id == key, visible(actor))
    found = db.session.execute(query).first() if key else None
    if found is None:
        raise BadInput(_("翻页参数有误，请从列表重新进入。"))
    return found[0], found[1]


# ---- one request -------------------------------------------------------------------------------


def _facts(transfer: Transfer, household: Household | None) -> list[dict[str, Any]]:
    """Masked for everybody: the household's own page shows more to those who may see it."""
    regions = _names({transfer.from_region_id, transfer.to_region_id})
    facts = []
    if household is not None:
        number = household.head_id or household.matching_id
        facts = [
            {"label": _("户主"), "text": household.head_name,
             "sub": household_words.former_head(household)},
            {"label": _("身份证号"), "text": formats.mask_id(number), "kind": "id"},
            {"label": _("联系电话"), "text": formats.mask_phone(household.phone)},
            {"label": _("家庭户籍人口"),
             "text": Household.__fields__["population"].text(household.population)},
        ]  # fmt: skip
    register = get_register(transfer.register)
    facts += [
        {"label": _("迁出地"), "text": regions.get(transfer.from_region_id, "")},
        {"label": _("迁入地"), "text": regions.get(transfer.to_region_id, "")},
        {"label": _("申请时间"), "text": to_minute(transfer.asked_at)},
        {"label": _("提出的模块"), "text": register.label if register else ""},
    ]
    return [fact for fact in facts if fact["text"]]


def _sides(transfer: Transfer) -> list[dict[str, str]]:
    """Whose consent is there and whose is missing, while the request waits."""
    if transfer.state != TransferState.WAITING:
        return []
    counties = {}
    for side, key in ((Side.FROM, transfer.from_region_id), (Side.TO, transfer.to_region_id)):
        region = db.session.get(Region, key)
        counties[side] = db.session.get(Region, region.county_id) if region else None
    old, new = counties[Side.FROM], counties[Side.TO]
    if old is not None and new is not None and old.id == new.id:
        return [{"label": old.full_name, "text": _("待审批"), "tone": "warn"}]
    agreed = {Side.FROM: transfer.from_agreed_at, Side.TO: transfer.to_agreed_at}
    return [
        {
            "label": f"{side.label} {place.full_name if place else ''}",
            "text": _("已同意") if agreed[side] else _("待审批"),
            "tone": "good" if agreed[side] else "warn",
        }
        for side, place in counties.items()
    ]


def _line(word: TransferWord) -> dict[str, Any]:
    who = word.account_name
    if word.person and word.person != who:
        who = _("%(person)s（%(account)s）", person=word.person, account=who)
    return {
        "time": to_minute(word.at),
        "title": f"{word.word.label} · {word.side.label}",
        "who": who,
        "phone": formats.mask_phone(word.phone or None),
        "opinion": word.opinion,
        "tone": _WORD_TONES.get(word.word, "info"),
        "changes": [],
    }


def _decision(transfer: Transfer, actor: Actor) -> dict[str, Any] | None:
    """What the actor may decide, or why not where it could."""
    side = side_of(actor, transfer)
    if side is None:
        return None
    if transfer.asked_by == actor.account_id and not steps.self_review():
        return {"blocked": _("不能审批本账号提出的迁户申请，请由其他账号审批。")}
    texts = {
        Side.WHOLE: _("同意后，该户连同全部记录、照片立即迁入新的村，由那里填报和审核。"),
        Side.FROM: _("您代表迁出地。另一方也同意后，该户连同全部记录、照片迁入新的村。"),
        Side.TO: _(
            "您代表迁入地。另一方也同意后，该户连同全部记录、照片迁入本地，由本地填报和审核。"
        ),
    }
    return {"blocked": "", "intro": texts[side]}


def _may_withdraw(transfer: Transfer, actor: Actor) -> bool:
    here = within(transfer.from_path, actor.path)
    waiting = transfer.state == TransferState.WAITING
    return waiting and here and actor.has(Capability.ENTER, transfer.register)


def _links(transfer: Transfer, household: Household | None, actor: Actor) -> list[dict[str, Any]]:
    """The household's page, for those in whose area it lies."""
    if household is None or not within(household.path, actor.path):
        return []
    return [{"label": _("农户主页"), "url": f"/household/{household.id}", "icon": "home"}]
