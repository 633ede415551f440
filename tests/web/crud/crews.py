"""What the example does not have: views in all the dress that FAB knows, over plain types of SQLAlchemy.

Crews of builders, with a number for a key; their skills, which lie nowhere and are everybody's; their
shifts, which lie where their crew does (``within``); tools, which belong to a crew each.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, redirect, request
from flask_appbuilder import AppBuilder, action, expose
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_appbuilder.hooks import before_request
from flask_appbuilder.models.sqla.filters import (
    FilterEqual,
    FilterEqualFunction,
    FilterNotEqual,
    FilterStartsWith,
)
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import Column, Date, DateTime, ForeignKey, Integer, String, Table, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship
from wtforms import StringField
from wtforms.validators import Regexp

from app.access.divisions.regions import in_subtree
from app.access.scope import Scoped
from app.core.db import Model, db
from app.core.i18n import lazy
from app.kernel import hooks
from app.web.crud import ModelRestApi, ModelView, SQLAInterface
from tests.web.crud.example import Contractor

_SKILLS = Table(
    "crew_skill", Model.metadata,
    Column("crew_id", ForeignKey("crew.id"), primary_key=True),
    Column("skill_id", ForeignKey("skill.id"), primary_key=True),
)  # fmt: skip


class Skill(Model):
    __tablename__ = "skill"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), nullable=False, unique=True)
    trade: Mapped[str | None] = mapped_column(String(20))

    def __str__(self) -> str:
        return self.name


class Crew(Scoped, Model):
    __tablename__ = "crew"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(20), nullable=False)
    badge: Mapped[str | None] = mapped_column(String(8), unique=True)
    size: Mapped[int | None] = mapped_column(Integer)
    wage: Mapped[float | None]
    notes: Mapped[str | None] = mapped_column(Text)
    insured: Mapped[bool | None]
    checked_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    founded: Mapped[dt.date | None] = mapped_column(Date)
    hidden: Mapped[str | None] = mapped_column(String(8))
    firm_id: Mapped[Any | None] = mapped_column(ForeignKey("contractor.id"))
    firm: Mapped[Any | None] = relationship(Contractor)
    skills: Mapped[list[Skill]] = relationship(Skill, secondary=_SKILLS)

    def __str__(self) -> str:
        return self.name


class Shift(Model):
    """It has no place of its own."""

    __tablename__ = "shift"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    crew_id: Mapped[int] = mapped_column(ForeignKey("crew.id"), nullable=False)
    crew: Mapped[Crew] = relationship(Crew)
    works_on: Mapped[dt.date] = mapped_column(Date, nullable=False)

    def __str__(self) -> str:
        return self.works_on.isoformat()


class Tool(Scoped, Model):
    __tablename__ = "tool"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(20), nullable=False)
    crew_id: Mapped[int] = mapped_column(ForeignKey("crew.id"), nullable=False)
    crew: Mapped[Crew] = relationship(Crew)

    def __str__(self) -> str:
        return self.name


MODELS = (Skill, Crew, Shift, Tool)


class SkillView(ModelView):
    datamodel = SQLAInterface(Skill, everybody=True)
    class_permission_name = "skill"
    route_base = "/skills"
    list_title = lazy("工种技能")
    list_columns = show_columns = ["name", "trade"]
    add_columns = edit_columns = search_columns = ["name", "trade"]

    @action("purge", "清除", "清除所选技能？", "fa-trash", single=False)
    def purge(self, items: Any) -> Any:
        self.datamodel.delete_all(items)
        return redirect(self.get_redirect())


class ToolView(ModelView):
    datamodel = SQLAInterface(Tool)
    class_permission_name = "tool"
    route_base = "/tools"
    list_title = lazy("工具")
    list_columns = show_columns = ["name", "crew", "crew.name", "region_id"]
    add_columns = edit_columns = ["crew", "name", "region_id"]
    search_columns = ["name", "crew"]


def _nobody() -> str:
    return "secret"


class CrewView(ModelView):
    datamodel = SQLAInterface(Crew)
    class_permission_name = "crew"
    route_base = "/crews"
    list_title = lazy("班组")
    open_models = ("Skill",)
    label_columns = {"name": "班组名称", "badge": "编号", "firm": "施工单位", "skills": "技能"}
    description_columns = {"name": "写全称"}
    validators_columns = {"name": [Regexp(r"[^!]*$", message="不能有叹号。"), Regexp(r"^\S")]}
    formatters_columns = {"size": lambda number: f"{number} 人" if number is not None else "不详"}
    base_filters = [["hidden", FilterNotEqual, "gone"], ["hidden", FilterEqualFunction, _nobody]]
    list_columns = ["name", "size", "wage", "insured", "founded", "checked_at", "firm", "skills"]
    show_fieldsets = [
        ("基本", {"fields": ["name", "badge", "size", "region_id"]}),
        (
            "更多",
            {"fields": ["wage", "notes", "insured", "checked_at", "skills"], "expanded": False},
        ),
    ]
    add_fieldsets = [
        ("基本", {"fields": ["region_id", "name", "badge", "size", "firm"]}),
        ("更多", {"fields": [
            "wage", "notes", "insured", "checked_at", "founded", "skills", "remark",
        ]}),
    ]  # fmt: skip
    edit_fieldsets = add_fieldsets
    add_form_extra_fields = {
        "remark": StringField("备注", widget=BS3TextFieldWidget(), description="不保存"),
    }
    edit_form_extra_fields = add_form_extra_fields
    add_form_query_rel_fields = {"firm": [["name", FilterStartsWith, "可选"]]}
    search_columns = ["name", "badge", "size", "wage", "insured", "founded", "checked_at", "firm",
                      "skills", "region_id"]  # fmt: skip
    related_views = [ToolView]

    def pre_add(self, item: Crew) -> None:
        item.hidden = "secret"

    @before_request(only=["closed"])
    def shut(self) -> Any:
        return abort(403)

    @expose("/closed/")
    @has_access
    def closed(self) -> str:
        return "never"

    @expose("/greeting/")
    @has_access
    def greeting(self) -> str:
        return f"{request.endpoint}: {len(db.session.scalars(select(Crew)).all())}"

    @expose("/shout/", methods=["POST"])
    @has_access
    def shout(self) -> str:
        return "!"

    @action("rest", "休整", "", "fa-bed")
    def rest(self, items: Any) -> Any:
        """It tells nobody what it changes."""
        for item in items if isinstance(items, list) else [items]:
            item.notes = "休整中"
        return redirect(self.get_redirect())

    @action("move", "迁走", "", "fa-truck", multiple=False)
    def move(self, item: Any) -> Any:
        """Out of whatever area it lies in; it believes that it may."""
        item.region_id = int(request.form["to"])
        flash("已迁走。", "success")
        return redirect(self.get_redirect())

    @action("equip", "领工具", "", "fa-wrench", multiple=False)
    def equip(self, item: Any) -> Any:
        """A row of another model in the middle of one's own change."""
        item.notes = "e\u0301"  # in two characters, where NFC has one
        ToolView.datamodel.add(Tool(name="新锤子", crew=item, region_id=item.region_id))
        return redirect(self.get_redirect())

    @action("purge", "解散", "解散所选班组？", "fa-trash")
    def purge(self, items: Any) -> Any:
        self.datamodel.delete_all(items if isinstance(items, list) else [items])
        flash("已解散。", "success")
        return redirect(self.get_redirect())


class ShiftView(ModelView):
    datamodel = SQLAInterface(
        Shift,
        within=lambda actor: Shift.crew_id.in_(
            select(Crew.id).where(in_subtree(Crew.path, actor.path))
        ),
    )
    class_permission_name = "shift"
    route_base = "/shifts"
    list_columns = show_columns = ["crew", "works_on"]
    add_columns = edit_columns = ["crew", "works_on"]
    search_columns = ["works_on"]
    include_route_methods = {"list", "show", "edit", "add"}


class CrewApi(ModelRestApi):
    resource_name = "crew"
    class_permission_name = "crew"
    datamodel = SQLAInterface(Crew)
    open_models = ("Skill",)
    list_columns = ["id", "name", "badge", "size", "wage", "insured", "founded", "checked_at",
                    "firm.name", "region_id"]  # fmt: skip
    show_columns = [*list_columns, "notes", "skills"]
    add_columns = edit_columns = ["name", "badge", "size", "wage", "notes", "insured", "founded",
                                  "checked_at", "firm", "skills", "region_id"]  # fmt: skip
    search_columns = ["name", "size", "wage", "insured", "founded", "checked_at", "firm", "skills",
                      "region_id"]  # fmt: skip


class ShiftApi(ModelRestApi):
    resource_name = "shift"
    class_permission_name = "shift"
    datamodel = SQLAInterface(Shift, within=ShiftView.datamodel.within)
    list_columns = show_columns = ["id", "works_on"]
    add_columns = edit_columns = ["crew", "works_on"]


class SkillApi(ModelRestApi):
    resource_name = "skill"
    class_permission_name = "skill"
    datamodel = SQLAInterface(Skill, everybody=True)
    list_columns = show_columns = ["id", "name"]
    add_columns = edit_columns = ["name"]
    base_filters = [["trade", FilterEqual, None]]


@hooks.appbuilder.listen()
def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(CrewView, "crews", label=lazy("班组"), category="builders")
    appbuilder.add_view(ToolView, "tools", label=lazy("工具"), category="builders")
    appbuilder.add_view(ShiftView, "shifts", label=lazy("排班"), icon="fa-unknown")
    appbuilder.add_view(SkillView, "skills", label=lazy("工种技能"), icon="fa-key")
    for api in (CrewApi, ShiftApi, SkillApi):
        appbuilder.add_api(api)
