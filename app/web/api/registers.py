"""The addresses of a register, ``/api/v1/<register>``: made once for each, registered with FAB.

FAB gives blueprint, routing and permission name. Its ModelRestApi has neither scope nor rules of
ours (docs/adr/api.md), so what is done here is what the pages do: the same actions, the same ledger.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, cast

from flask import Response, request
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.security.decorators import permission_name
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import CHINA, uuid7
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel.beyond import reveal as personal
from app.kernel.declare import feed
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.figures import statistics
from app.kernel.households import words as household_words
from app.kernel.kinds.values import is_missing
from app.kernel.lists.combined import WHERE
from app.kernel.lists.ledger import SIZES, Ledger
from app.kernel.lists.query import PLACE_NAMES, decisions, parse
from app.kernel.records import creations, hiding, history, keys, renewals, steps
from app.kernel.records import files as attachments
from app.kernel.records import save as records
from app.kernel.records.files import Received, Sent
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, get_household
from app.web.api import bodies, places, reports, shapes, values
from app.web.api.bodies import Made
from app.web.frame import problems
from app.web.frame.addresses import takes
from app.web.frame.problems import PREFIX
from app.web.frame.rights import Needs, needs, of_steps, one_of, permissions

MOST_CHANGES = 500
PAGE = SIZES[-1]
_YEARS = range(1970, 2200)

#: What every register has, and what those have besides whose forms users fill in.
READING = {"records", "changes", "record", "reveal", "statistics"}
ENTERING = {"change", "clear", "history", "check"}
FILES = {"files", "upload", "remove"}
#: A division, by its key or its code.
_PLACE = ("region", "region_code")


def _filters(api: RegisterApi) -> Iterable[str]:
    """The register's, as parameters of its list."""
    return [*api.register.lists.filters.split(), *decisions(api.register), WHERE]


class RegisterApi(BaseApi):
    """See the module. Subclasses carry ``register`` and what their routes ask for (``needs``);
    :func:`api_of` makes them.
    """

    register: Register
    needs: Needs

    # ---- lists ------------------------------------------------------------------------------
    @expose("")
    @takes(*_PLACE, "figure", "unplaced", *PLACE_NAMES, _filters, "cursor", "size", "fields")
    @permission_name(Capability.SEARCH)
    def records(self) -> Response:
        """A page of the ledger, with its filters."""
        register = self.register
        args = request.args
        actor = policy.require(Capability.SEARCH, register.name)
        size = bodies.whole_number(args.get("size"), PAGE, 1, PAGE, "size")
        if size not in SIZES:
            raise BadInput(_("每页条数有误。"), parameter="size")
        names = self._fields(args)
        query = parse(register, places.with_region(args, actor), db.session, actor)
        page = Ledger(register, query, db.session, actor).page(size, after=args.get("cursor"))
        body = {
            "items": shapes.listed(register, [row.id for row in page.rows], names),
            "count": page.count.n,
            "count_exact": page.count.exact,
            "next": page.after,
        }
        return shapes.answer(body)

    @expose("/changes")
    @takes("since", *_PLACE, "cursor", "limit", "fields")
    @permission_name(Capability.SEARCH)
    def changes(self) -> Response:
        """What changed since an instant, oldest first."""
        args = request.args
        actor = policy.require(Capability.SEARCH, self.register.name)
        limit = bodies.whole_number(args.get("limit"), 100, 1, MOST_CHANGES, "limit")
        names, start = self._fields(args), _instant(args.get("since"))
        region = statistics.region_asked_for(actor, places.with_region(args, actor).get("region"))
        model = self.register.model
        found = feed.since(db.session, model, region, start, limit, args.get("cursor"))
        body = {
            "items": shapes.changed(self.register, found.ids, names),
            "next": found.cursor,
            "until": shapes.instant(found.until),
        }
        return shapes.answer(body)

    def _fields(self, args: MultiDict[str, str]) -> list[str]:
        """The fields that are asked for; without ``fields`` those of the ledger."""
        known = shapes.form_fields(self.register)
        if "fields" not in args:
            return [name for name in self.register.lists.ledger.split() if name in known]
        names = [name for name in args["fields"].split(",") if name]
        for name in names:
            if name not in known:
                raise BadInput(_("没有项目“%(name)s”。", name=name[:40]), parameter="fields")
        return names

    # ---- one record ---------------------------------------------------------------------------
    @expose("", methods=["POST"])
    @permission_name(Capability.ENTER)
    def create(self) -> Response:
        """Enter a record: of a household on the list, which is 未录入 until then; or, where users make
        the records, a new one. With ``upsert`` that changes the record of which there is one alone
        (``Register.key``), where the account may.
        """
        register = self.register
        actor = policy.require(Capability.ENTER, register.name)
        names = ("region", "region_code") if register.creates is not None else ("household_id",)
        said = bodies.json_object(*names, *(["upsert"] if register.key else []), "values")
        given, wrong = values.read(register.fields, bodies.of_type(said, "values", dict, {}))
        if register.creates is not None:
            region_id = places.said(said, actor)
            upsert = bodies.of_type(said, "upsert", bool, False)

            def act() -> Made:
                there = keys.find(register, given) if upsert else None
                if there is not None:
                    records.save(register, there.id, given, there.version, wrong)
                    return Made(200, there.id)
                return Made(201, creations.new(register, uuid7(), region_id, given, wrong).id)
        else:
            key = _uuid(said.get("household_id"), "/household_id")

            def act() -> Made:
                return Made(201, self._entered(key, given, wrong).id)

        return bodies.once(actor, act, lambda made: self._made(made, given))

    @expose("/<uuid:record_id>/renew", methods=["POST"])
    @permission_name(Capability.ENTER)
    def renew(self, record_id: uuid.UUID) -> Response:
        """A new record after an approved one, which stays as it is; PATCH fills it in, and with that
        it becomes the one that counts.
        """
        register = self.register
        row = records.get(register, record_id)
        actor = policy.require(Capability.ENTER, register.name, row)
        bodies.json_object()

        def act() -> Made:
            return Made(201, renewals.renew(register, record_id).id)

        return bodies.once(actor, act, self._made)

    def _entered(self, key: uuid.UUID, given: dict[str, Any], wrong: list[Problem]) -> Any:
        """The record of the household, entered now."""
        register, household = self.register, get_household(key)
        row = records.of_household(register, household.id)
        if row is None:
            raise NotFound(_("没有找到该记录。它可能不存在，或不在您的管辖范围内。"))
        policy.require(Capability.ENTER, register.name, row)
        if row.state != State.MISSING:
            current = {"id": str(row.id), "version": row.version, "state": row.state.value}
            text = (
                _("该户的记录已审核通过，请先新增一份（POST …/renew）。")
                if register.renewal and row.state == State.APPROVED
                else _("该户已经录入，请改用修改（PATCH）。")
            )
            raise Conflict(text, current=current)
        return records.save(register, row.id, given, row.version, wrong)

    @expose("/<uuid:record_id>")
    @permission_name(Capability.SEARCH)
    def record(self, record_id: uuid.UUID) -> Response:
        """One record; whole for those who may enter or review it."""
        return self._answer(*self._found(record_id))

    @expose("/<uuid:record_id>", methods=["PATCH"])
    @permission_name(Capability.ENTER)
    def change(self, record_id: uuid.UUID) -> Response:
        """Change the named fields; all others stay, or are taken over from the record before."""
        register = self.register
        row = records.get(register, record_id)
        actor = policy.require(Capability.ENTER, register.name, row)
        said = bodies.json_object("version", "values")
        given, wrong = values.read(register.fields, bodies.of_type(said, "values", dict, {}))
        whole = renewals.taken_over(register, row) | given
        try:
            with transaction():
                row = records.save(register, record_id, whole, bodies.version(said), wrong)
        except Conflict as error:
            row = self._fresh(record_id)
            error.details["current"] = shapes.differences(register, row, given, actor)
            raise
        return self._answer(row, actor, given=given)

    @expose("/<uuid:record_id>", methods=["DELETE"])
    @permission_name(Capability.ENTER)
    def clear(self, record_id: uuid.UUID) -> Response:
        """Delete what was entered: the record is 未录入 again, its history stays. A register that keeps what
        is deleted asks for a ``reason``.
        """
        register = self.register
        row = records.get(register, record_id)
        actor = policy.require(Capability.ENTER, register.name, row)
        if register.keeps:
            said = bodies.json_object("version", "reason") if request.content_length else {}
            with transaction():
                reason = bodies.of_type(said, "reason", str, "")
                hiding.hide(register, record_id, bodies.version(said), reason)
            return Response(status=204)
        with transaction():
            row = records.clear(register, record_id, bodies.version({}))
        return Response(status=204) if register.creates is not None else self._answer(row, actor)

    @expose("/<uuid:record_id>/restore", methods=["POST"])
    @permission_name(Capability.RESTORE)
    def bring_back(self, record_id: uuid.UUID) -> Response:
        """What was deleted and is kept is there again, as it was; takes a ``reason`` too."""
        register = self.register
        row = hiding.shown(register, record_id)
        actor = policy.require(Capability.RESTORE, register.name, row)
        said = bodies.json_object("version", "reason")
        reason = bodies.of_type(said, "reason", str, "")
        with transaction():
            hiding.restore(register, record_id, bodies.version(said), reason)
        return self._answer(self._fresh(record_id), actor)

    @expose("/<uuid:record_id>/steps/<string:name>", methods=["POST"])
    @one_of(of_steps)
    def step(self, record_id: uuid.UUID, name: str) -> Response:
        """Submit, withdraw, approve, return …: a step of the register's flow."""
        register = self.register
        step = register.flow.get(name) if register.flow else None
        if step is None:
            raise NotFound(_("没有这一操作。"))
        row = records.get(register, record_id)
        actor = policy.require(step.capability, register.name, row)
        said = bodies.json_object("version", "contact", "opinion", "reasons")
        opinion = bodies.of_type(said, "opinion", str, "")
        reasons = bodies.reasons(said, step.reasons)

        def act() -> Made:
            who, seen = bodies.contact(said, actor), bodies.version(said)
            steps.transition(register, record_id, name, seen, who, opinion, reasons)
            return Made(200, record_id)

        try:
            return bodies.once(actor, act, self._made)
        except Conflict as error:
            fresh = self._fresh(record_id)
            error.details["current"] = shapes.differences(register, fresh, {}, actor)
            raise

    @expose("/<uuid:record_id>/history")
    @permission_name(Capability.SEARCH)
    def history(self, record_id: uuid.UUID) -> Response:
        """The record's steps with who, when, opinion, and what changed between submissions."""
        row, actor = self._found(record_id)
        whole = shapes.sees_all(self.register, row, actor)
        entries = history.of(row)
        return shapes.answer({"items": shapes.history(self.register, entries, whole=whole)})

    @expose("/<uuid:record_id>/check")
    @permission_name(Capability.SEARCH)
    def check(self, record_id: uuid.UUID) -> Response:
        """What is missing or wrong before it can be submitted."""
        row, _actor = self._found(record_id)
        found = records.evaluate(self.register, row, renewals.taken_over(self.register, row))
        errors = problems.described(found.errors)
        warnings = problems.described(p for p in found.problems if p not in found.errors)
        return shapes.answer({"complete": not errors, "problems": errors, "warnings": warnings})

    @expose("/<uuid:record_id>/reveal", methods=["POST"])
    @permission_name(Capability.SEARCH)
    def reveal(self, record_id: uuid.UUID) -> Response:
        """The whole of a masked field; kept in the audit log and limited, as a click on the page."""
        row, _actor = self._found(record_id)
        said = bodies.json_object("field")
        made = self.register.model.__fields__.get(bodies.of_type(said, "field", str, ""))
        if made is None or not made.stored or not values.masks(made):
            raise NotFound(_("没有这个项目。"))
        value = getattr(row, made.name)
        if isinstance(row, Household):
            value = household_words.revealed(row, made.name) or None
        personal.note_look(self.register.name, row, made.name)
        return shapes.answer({"field": made.name, "value": values.shown(made, value, whole=True)})

    # ---- files --------------------------------------------------------------------------------
    @expose("/<uuid:record_id>/files")
    @permission_name(Capability.SEARCH)
    def files(self, record_id: uuid.UUID) -> Response:
        """What is known of the record's files."""
        row, _actor = self._found(record_id)
        return shapes.answer({"items": [shapes.file(a) for a in records.attachments_of(row)]})

    @expose("/<uuid:record_id>/files/<string:field>", methods=["POST"])
    @permission_name(Capability.ENTER)
    def upload(self, record_id: uuid.UUID, field: str) -> Response:
        """Add a file, as ``file`` of a multipart form."""
        register = self.register
        row = records.get(register, record_id)
        actor = policy.require(Capability.ENTER, register.name, row)
        sent: list[dict[str, Any]] = []
        received: list[Attachment | Received] = []

        def receive() -> None:
            file = request.files.get("file")
            if file is None:
                raise BadInput(_("没有收到文件，请重新选择。"), parameter="file")
            given = Sent(cast(BinaryIO, file.stream), file.filename or "")
            received.append(attachments.receive(register, record_id, field, given))

        def act() -> Made:
            made = attachments.add(register, record_id, received.pop())
            sent.append(shapes.file(made))
            return Made(201, made.id)

        def answer(made: Made) -> Response:
            known = [shapes.file(a) for a in records.attachments_of(row) if a.id == made.key]
            if not (sent or known):
                raise NotFound(_("没有找到该文件。它可能不存在，或不在您的管辖范围内。"))
            return shapes.answer((sent or known)[0], made.status)

        try:
            return bodies.once(actor, act, answer, receive)
        finally:
            attachments.give_up(received)  # what was sent before, or not to be done

    @expose("/<uuid:record_id>/files/<uuid:file_id>", methods=["DELETE"])
    @permission_name(Capability.ENTER)
    def remove(self, record_id: uuid.UUID, file_id: uuid.UUID) -> Response:
        """Take a file off a record that may be changed."""
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.ENTER, self.register.name, row)
        if file_id not in {a.id for a in records.attachments_of(row)}:
            raise NotFound(_("没有找到该文件。它可能不存在，或不在您的管辖范围内。"))
        with transaction():
            row = records.get(self.register, record_id, lock=True)
            attachments.arrange(self.register, row, [str(file_id)], [])
        return self._answer(self._fresh(record_id), actor)

    # ---- statistics -----------------------------------------------------------------------------
    @expose("/statistics/<string:name>")
    @takes(*_PLACE, "days", "year", "kind", "sort")
    @permission_name(Capability.SEARCH)
    def statistics(self, name: str) -> Response:
        """A statistics table by division."""
        actor = policy.require(Capability.SEARCH, self.register.name)
        return shapes.answer(reports.table_of(self.register, name, request.args, actor))

    # ---- small parts ----------------------------------------------------------------------------
    def _found(self, record_id: uuid.UUID) -> tuple[Any, Actor]:
        row = records.get(self.register, record_id)
        return row, policy.require(Capability.SEARCH, self.register.name, row)

    def _fresh(self, record_id: uuid.UUID) -> Any:
        db.session.expire_all()
        return records.get(self.register, record_id)

    def _made(self, made: Made, given: Mapping[str, Any] | None = None) -> Response:
        row, actor = self._found(made.key)
        response = self._answer(row, actor, made.status, given)
        if made.status == 201:
            response.headers["Location"] = shapes.url_of(self.register, row.id)
        return response

    def _answer(
        self,
        row: Any,
        actor: Actor,
        status: int = 200,
        given: Mapping[str, Any] | None = None,
    ) -> Response:
        """The record; of what was ``given`` also what the rules let nobody give here."""
        body = shapes.record(self.register, row, actor)
        if given is not None:
            body["cleared"] = [
                name
                for name, value in given.items()
                if not is_missing(value) and is_missing(getattr(row, name))
            ]
        return shapes.answer(body, status, ETag=f'"{row.version}"')


def api_of(register: Register) -> type[RegisterApi]:
    """The API class of one register, with its own address and permission name."""
    routes = set(READING)
    if register.entered:
        routes |= ENTERING | (FILES if register.file_fields else set())
    if register.flow is not None:
        routes.add("step")
    if register.follows or register.creates is not None:
        routes.add("create")
    if register.renewal:
        routes.add("renew")
    if register.keeps:
        routes.add("bring_back")
    if not register.tables:
        routes.discard("statistics")
    needed = needs(RegisterApi, routes, register)
    body = permissions(needed) | {
        "register": register,
        "needs": needed,
        "route_base": f"{PREFIX}/{register.name}",
        "class_permission_name": register.name,
        "include_route_methods": routes,
    }
    return type(f"{register.model.__name__}Api", (RegisterApi,), body)


def _instant(text: str | None) -> dt.datetime:
    """ISO 8601; without an offset it is China's time, a day begins there.

    :raises BadInput: unreadable, or missing.
    """
    try:
        # a plus that was not escaped arrives as a blank
        found = dt.datetime.fromisoformat((text or "").replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        text = _("since 应为时间，例如 2026-11-01T00:00:00+08:00。")
        raise BadInput(text, parameter="since")
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


def _uuid(raw: Any, where: str) -> uuid.UUID:
    try:
        return uuid.UUID(raw)
    except (ValueError, TypeError, AttributeError):
        text = _("请填写农户编号（household_id）。")
        raise bodies.invalid([Problem(where, "household_id.type", text)]) from None
