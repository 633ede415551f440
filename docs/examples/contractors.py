"""Two plain tables with pages and an API that Flask-AppBuilder makes: building firms and their contracts.

Of a program written for Flask-AppBuilder alone only the import lines of its three names are other ones,
and the models say where a row lies (``Scoped``). Told in docs/for-fab-users.md, built and used by tests.
"""

import datetime as dt
import uuid
from decimal import Decimal

from flask import flash, redirect
from flask_appbuilder import action
from sqlalchemy import Date, ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.access.scope import Scoped
from app.core.choices import Choices
from app.core.clock import uuid7
from app.core.db import Model
from app.core.i18n import lazy
from app.core.types import CodeType, UuidType
from app.kernel import hooks
from app.kernel.kinds.formats import mask_phone
from app.web.crud import (
    ModelRestApi,
    ModelView,
    SQLAInterface,
)  # flask_appbuilder's are these three


class Grade(Choices):
    FIRST = "first", "一级"
    SECOND = "second", "二级"


class Contractor(Scoped, Model):
    """A building firm, in the division where it has its seat."""

    __tablename__ = "contractor"
    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(String(64), nullable=False)
    code: Mapped[str] = mapped_column(String(18), nullable=False, unique=True)
    grade: Mapped[Grade] = mapped_column(CodeType(Grade), nullable=False)
    phone: Mapped[str | None] = mapped_column(String(32))
    active: Mapped[bool] = mapped_column(nullable=False, default=True)

    def __str__(self) -> str:
        return self.name


class Contract(Scoped, Model):
    """What a firm builds; it lies where the firm does."""

    __tablename__ = "contract"
    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    contractor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contractor.id"), nullable=False)
    contractor: Mapped[Contractor] = relationship(Contractor)
    title: Mapped[str] = mapped_column(String(100), nullable=False)
    signed_on: Mapped[dt.date] = mapped_column(Date, nullable=False)
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))

    def __str__(self) -> str:
        return self.title


LABELS = {
    "name": lazy("名称"), "code": lazy("统一社会信用代码"), "grade": lazy("资质等级"),
    "phone": lazy("联系电话"), "active": lazy("在用"), "contractor": lazy("施工单位"),
    "title": lazy("合同名称"), "signed_on": lazy("签订日期"), "amount": lazy("金额"),
}  # fmt: skip


class ContractView(ModelView):
    datamodel = SQLAInterface(Contract)
    class_permission_name = "contractor"
    route_base = "/contracts"
    list_title = lazy("施工合同")
    label_columns = LABELS
    list_columns = ["title", "contractor", "signed_on", "amount"]
    show_columns = ["title", "contractor", "signed_on", "amount", "region_id"]
    add_columns = edit_columns = ["contractor", "title", "signed_on", "amount"]
    search_columns = ["title", "contractor", "signed_on", "amount"]

    def pre_add(self, item):
        item.region_id = item.contractor.region_id

    pre_update = pre_add


class ContractorView(ModelView):
    datamodel = SQLAInterface(Contractor)
    class_permission_name = "contractor"
    route_base = "/contractors"
    list_title = lazy("施工单位")
    label_columns = LABELS
    list_columns = ["name", "code", "grade", "region_id", "phone", "active"]
    show_columns = list_columns
    add_columns = edit_columns = ["region_id", "name", "code", "grade", "phone", "active"]
    search_columns = ["region_id", "name", "code", "grade", "phone", "active"]
    masked_columns = {"phone": mask_phone}
    related_views = [ContractView]

    @action("retire", lazy("停用"), lazy("停用所选单位？"), "fa-lock")
    def retire(self, items):
        items = items if isinstance(items, list) else [items]
        for item in items:
            item.active = False
        flash(lazy("已停用 %(n)s 个单位。", n=len(items)), "success")
        return redirect(self.get_redirect())


class ContractorApi(ModelRestApi):
    resource_name = "contractor"
    class_permission_name = "contractor"
    datamodel = SQLAInterface(Contractor)
    label_columns = LABELS
    list_columns = show_columns = ["id", "name", "code", "grade", "phone", "active", "region_id"]
    add_columns = edit_columns = ["name", "code", "grade", "phone", "active", "region_id"]
    search_columns = ["name", "code", "grade", "phone", "active", "region_id"]
    masked_columns = {"phone": mask_phone}


class ContractApi(ModelRestApi):
    resource_name = "contract"
    class_permission_name = "contractor"
    datamodel = SQLAInterface(Contract)
    label_columns = LABELS
    list_columns = show_columns = ["id", "title", "contractor.name", "signed_on", "amount"]
    add_columns = edit_columns = ["title", "contractor", "signed_on", "amount", "region_id"]
    search_columns = ["title", "contractor", "signed_on", "amount"]


@hooks.appbuilder.listen()
def register(appbuilder):
    """As ``views.py`` of a Flask-AppBuilder program does it with the builder that it imports."""
    where = {
        "category": "builders",
        "category_label": lazy("施工管理"),
        "category_icon": "fa-wrench",
    }
    appbuilder.add_view(
        ContractorView, "contractors", label=lazy("施工单位"), icon="fa-users", **where
    )
    appbuilder.add_view(ContractView, "contracts", label=lazy("施工合同"), icon="fa-file", **where)
    appbuilder.add_api(ContractorApi)
    appbuilder.add_api(ContractApi)
