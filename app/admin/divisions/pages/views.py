"""``/divisions``: 行政区划管理, the tree of one's own area, what is pending in it, 立即生效."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select

from app.access import policy
from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region
from app.admin.divisions import publish as division_publish
from app.admin.divisions import reading as divisions
from app.admin.divisions import staging
from app.admin.divisions.pages import lists, pages
from app.admin.divisions.pages.words import URL, area_of, parent_of
from app.admin.divisions.publication import NotPublishable
from app.admin.divisions.reading import MERGED, Staged
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Conflict, Invalid, NotFound
from app.core.i18n import _
from app.core.jobs.table import Job
from app.kernel.figures import statistics
from app.web.exchange.jobs import job_details
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.listing import page_number

_MOST_DIGITS = 9


class DivisionsView(BaseView):
    """Lists, one division with what can be done to it, and the pending changes."""

    route_base = "/divisions"
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @takes("region", "q")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def index(self) -> Any:
        actor = policy.require(Capability.MAINTAIN_REGIONS)
        query = request.args.get("q", "").strip()[:60]
        if query:
            return self.render_template("lists/list.html", ledger=lists.found(actor, query))
        node = divisions.visible(key_asked_for("region") or actor.region_id)
        if node.region is not None:
            _crumbs(actor, node.region)
        return self.render_template("lists/list.html", ledger=lists.children(actor, node))

    @expose("/new", methods=["GET", "POST"])
    @takes("parent", "level")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def new(self) -> Any:
        actor = policy.require(Capability.MAINTAIN_REGIONS)
        parent = divisions.visible(key_asked_for("parent") or actor.region_id)
        fitting = divisions.levels_below(parent.level)
        level = _level(fitting)
        typed: dict[str, Any] = divisions.suggestion(parent, level)
        if request.method == "POST":
            force = request.form.get("force") == "yes"
            return self._done(
                lambda: staging.stage_add(parent.id, request.form, level, force=force),
                lambda errors: pages.new_form(parent, level, dict(request.form), errors),
                f"{URL}?region={parent.id}",
            )
        return self._page(pages.new_form(parent, level, typed, {}))

    @expose("/<int:region_id>", methods=["GET", "POST"])
    @permission_name(Capability.MAINTAIN_REGIONS)
    def node(self, region_id: int) -> Any:
        """What is known of a division, its history; its own values to be changed."""
        node = divisions.visible(region_id)
        if request.method == "POST":
            force = request.form.get("force") == "yes"
            return self._done(
                lambda: staging.stage_change(region_id, request.form, _version(), force=force),
                lambda errors: pages.node_page(_again(region_id), dict(request.form), errors),
                f"{URL}{region_id}",
            )
        return self._page(pages.node_page(node, None, {}))

    @expose("/<int:region_id>/move", methods=["GET", "POST"])
    @permission_name(Capability.MAINTAIN_REGIONS)
    def move(self, region_id: int) -> Any:
        node = divisions.maintained(region_id)
        if request.method == "POST":
            force = request.form.get("force") == "yes"
            return self._done(
                lambda: staging.stage_move(
                    region_id, _chosen("parent_id"), _version(), force=force
                ),
                lambda errors: pages.move_form(_again(region_id), errors, _picked("parent_id")),
                f"{URL}{region_id}",
            )
        return self._page(pages.move_form(node, {}))

    @expose("/<int:region_id>/merge", methods=["GET", "POST"])
    @permission_name(Capability.MAINTAIN_REGIONS)
    def merge(self, region_id: int) -> Any:
        node = divisions.maintained(region_id)
        if node.region is None or node.level not in MERGED:
            raise NotFound(_("只有已生效的乡镇、村可以合并。"))
        if request.method == "POST":
            names = {
                one.id: request.form.get(staging.name_field(one.id), "")
                for one in divisions.children(region_id)
            }
            return self._done(
                lambda: staging.stage_merge(region_id, _chosen("into_id"), _version(), names),
                lambda errors: pages.merge_form(
                    _again(region_id), errors, _picked("into_id"), names
                ),
                f"{URL}{region_id}",
            )
        return self._page(pages.merge_form(node, {}))

    @expose("/<int:region_id>/delete", methods=["GET", "POST"])
    @permission_name(Capability.MAINTAIN_REGIONS)
    def delete(self, region_id: int) -> Any:
        node = divisions.maintained(region_id)
        if request.method == "POST":
            back = f"{URL}?region={parent_of(node).id}"
            return self._done(
                lambda: staging.stage_delete(region_id, _version()),
                lambda errors: pages.delete_form(_again(region_id), errors),
                back,
            )
        return self._page(pages.delete_form(node, {}))

    @expose("/<int:region_id>/cancel", methods=["POST"])
    @permission_name(Capability.MAINTAIN_REGIONS)
    def cancel(self, region_id: int) -> Any:
        """Take one pending change back."""
        node = divisions.maintained(region_id)
        back = f"{URL}changes?region={area_of(node).id}"
        back = shell.where_from(back) if node.region is not None else back
        try:
            with once() as click:
                staging.cancel(region_id)
                click.leads_to(back, _("已撤销“%(name)s”的待生效变更。", name=node.name))
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(back)
        return click.answer()

    @expose("/changes")
    @takes("region", "job")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def changes(self) -> Any:
        """What is pending in an area, with what it will do."""
        actor = policy.require(Capability.MAINTAIN_REGIONS)
        area = division_publish.area_of(key_asked_for("region") or actor.region_id)
        job = _job(actor, area)
        return self._changes(actor, area, job, [])

    @expose("/cancel", methods=["POST"])
    @takes("region")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def cancel_all(self) -> Any:
        actor = policy.require(Capability.MAINTAIN_REGIONS)
        area = key_asked_for("region") or actor.region_id
        with once() as click:
            n = staging.cancel_all(area)
            click.leads_to(f"{URL}changes?region={area}", _("已撤销 %(n)s 项待生效变更。", n=n))
        return click.answer()

    @expose("/publish", methods=["POST"])
    @takes("region")
    @permission_name(Capability.MAINTAIN_REGIONS)
    def publish(self) -> Any:
        """立即生效: at once, or by a job where it takes longer."""
        actor = policy.require(Capability.MAINTAIN_REGIONS)
        area = division_publish.area_of(key_asked_for("region") or actor.region_id)
        back = f"{URL}changes?region={area.id}"
        if not division_publish.is_small(area) or division_publish.running_job(area):
            with once() as click:
                job = division_publish.start(area)
                said = _("变更较多，正在后台生效；离开本页不影响处理。")
                click.leads_to(f"{back}&job={job.id}", said, "info")
            return click.answer()
        try:
            with once() as click:
                done = sum(division_publish.publish(area.id).values())
                text = _("%(n)s 项变更已生效。", n=done) if done else _("没有待生效的变更。")
                click.leads_to(back, text, "success" if done else "warning")
        except NotPublishable as error:
            return self._changes(actor, area, None, error.details["obstacles"]), error.status
        return click.answer()

    def _changes(self, actor: Actor, area: Region, job: Job | None, obstacles: list[Any]) -> Any:
        _crumbs(actor, area)
        shell.crumb(_("待生效变更"))
        ledger = lists.pending(area, page_number(request.args), obstacles)
        return self.render_template(
            "divisions/division_changes.html", ledger=ledger, job=job_details(job) if job else None
        )

    def _done(self, act: Any, form: Any, back: str) -> Any:
        """Do it; on an error the form again, with what was typed."""
        try:
            with once() as click:
                if act() is None:
                    click.leads_to(back, _("没有待生效的变更了。"), "info")
                else:
                    click.leads_to(back, _("已列入待生效变更；点“立即生效”后才起作用。"))
        except (Invalid, BadInput, Conflict) as error:
            return self._page(form(_errors(error))), error.status
        return click.answer()

    def _page(self, page: dict[str, Any]) -> Any:
        shell.at(URL)
        for title, url in page["trail"]:
            shell.crumb(title, url)
        return self.render_template("divisions/division.html", page=page)


def _errors(error: AnjuError) -> dict[str, list[str]]:
    """Field -> what is wrong there; ``""`` what belongs to none."""
    found: dict[str, list[str]] = {}
    for problem in getattr(error, "problems", ()):
        found.setdefault(problem.field, []).append(problem.message)
        if problem.code == "region.similar":
            found[pages.SIMILAR] = []
    if not found:
        found[""] = [error.message]
    return found


def _again(region_id: int) -> Staged:
    """As it is now, whatever was typed."""
    db.session.expire_all()
    return divisions.visible(region_id)


def _crumbs(actor: Actor, region: Region) -> None:
    for above in statistics.trail(actor, region):
        shell.crumb(above.label, f"{URL}?region={above.id}")


def _job(actor: Actor, area: Region) -> Job | None:
    """The account's own job that publishes here: the one asked for, or one that is open."""
    mine = select(Job).where(Job.kind == division_publish.KIND)
    mine = mine.where(Job.account_id == actor.account_id).order_by(Job.created.desc()).limit(5)
    asked = request.args.get("job")
    for job in db.session.scalars(mine):
        if job.args["area"] == area.id and (str(job.id) == asked or not job.finished):
            return job
    return None


def key_asked_for(name: str) -> int | None:
    """A division that the address names."""
    text = request.args.get(name, "")
    return region_asked.read_key(text) if text else None


def _chosen(name: str) -> int:
    """A division that was picked in a form."""
    text = request.form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        message = _("请从列表中选择行政区划。")
        raise Invalid(message, [pages.problem(name, message)])
    return int(text)


def _picked(name: str) -> Region | None:
    """The same for the form that comes back; None if there is none that the account may see."""
    try:
        return divisions.visible(_chosen(name)).region
    except (Invalid, NotFound):
        return None


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0


def _level(fitting: list[Level]) -> Level:
    """Of a new division: the one asked for, else the usual one."""
    asked = (request.values.get("level") or "").upper()
    if not fitting:
        raise BadInput(_("村级之下不能再新增行政区划。"))
    return next((level for level in fitting if level.name == asked), fitting[0])
