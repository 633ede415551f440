"""A view and an API over rows that name many others, of several models and one model twice: building sites."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import AppBuilder
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.access.scope import Scoped
from app.core.db import Model
from app.web.crud import ModelRestApi, ModelView, SQLAInterface
from tests.web.crud.crews import Crew, Skill
from tests.web.crud.example import Contractor


def _between(name: str, other: str) -> Table:
    return Table(
        f"site_{name}", Model.metadata,
        Column("site_id", ForeignKey("site.id"), primary_key=True),
        Column("other_id", ForeignKey(f"{other}.id"), primary_key=True),
    )  # fmt: skip


#: Relation -> the table between.
BETWEEN = {
    "skills": _between("skills", "skill"), "crews": _between("crews", "crew"),
    "reserve": _between("reserve", "crew"), "firms": _between("firms", "contractor"),
}  # fmt: skip


class Site(Scoped, Model):
    __tablename__ = "site"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(20), nullable=False)
    builder_id: Mapped[Any | None] = mapped_column(ForeignKey("contractor.id"))
    builder: Mapped[Any | None] = relationship(Contractor, foreign_keys=[builder_id])
    designer_id: Mapped[Any | None] = mapped_column(ForeignKey("contractor.id"))
    designer: Mapped[Any | None] = relationship(Contractor, foreign_keys=[designer_id])
    crew_id: Mapped[int | None] = mapped_column(ForeignKey("crew.id"))
    crew: Mapped[Any | None] = relationship(Crew)
    skills: Mapped[list[Skill]] = relationship(
        Skill, secondary=BETWEEN["skills"], order_by=Skill.name.desc()
    )
    crews: Mapped[list[Crew]] = relationship(Crew, secondary=BETWEEN["crews"])
    reserve: Mapped[list[Crew]] = relationship(Crew, secondary=BETWEEN["reserve"])
    firms: Mapped[list[Any]] = relationship(Contractor, secondary=BETWEEN["firms"])

    def __str__(self) -> str:
        return self.name


class SiteView(ModelView):
    datamodel = SQLAInterface(Site)
    class_permission_name = "site"
    route_base = "/sites"
    list_title = "工地"
    open_models = ("Skill",)
    label_columns = {
        "name": "工地名称",
        "builder": "承建单位",
        "designer": "设计单位",
        "crew": "主班组",
    }
    list_columns = [
        "name",
        "builder",
        "designer",
        "crew",
        "skills",
        "crews",
        "reserve",
        "region_id",
    ]
    show_columns = [*list_columns, "firms"]
    add_columns = edit_columns = ["name", "builder", "crew", "region_id"]
    search_columns = ["name", "builder", "designer", "crew", "skills", "crews", "region_id"]


class SiteApi(ModelRestApi):
    resource_name = "site"
    class_permission_name = "site"
    datamodel = SQLAInterface(Site)
    open_models = ("Skill",)
    list_columns = ["id", "name", "builder.name", "skills.name", "crews.name", "crews.badge",
                    "reserve.name", "firms.phone", "firms.name"]  # fmt: skip
    show_columns = [*list_columns]
    add_columns = edit_columns = ["name", "builder", "crew", "region_id"]
    search_columns = ["name", "builder", "crew", "skills"]


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(SiteView, "sites", label="工地", category="builders")
    appbuilder.add_api(SiteApi)
