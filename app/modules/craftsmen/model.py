"""Columns of a craftsman. Source: 2024 manual 1.2.4; spec 05."""

from __future__ import annotations

from sqlalchemy import Index

from app.core.choices import Choices
from app.core.db import Model, only_where
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.rows.record import Owned, Record


class Certificates(Choices):
    """Whether a craftsman's certificates hold; derived from their days at every save and every day."""

    NONE = "none", "无证书"
    VALID = "valid", "有效"
    EXPIRING = "expiring", "即将到期"
    EXPIRED = "expired", "已过期"


class Craftsman(Owned, Record, Model):
    """One craftsman of the nation: an ID number stands in it once."""

    __tablename__ = "craftsman"
    __table_args__ = (
        Index("uq_craftsman_number", "id_number", unique=True),
        Index("ix_craftsman_place", "path", "id"),
        Index("ix_craftsman_name", "name", "id"),
        Index("ix_craftsman_name_county", "county_id", "name", "id"),
        Index("ix_craftsman_certificates", "certificates_hold", "path", "id"),
        Index(
            "ix_craftsman_runs_out", "certified_until", **only_where("certified_until IS NOT NULL")
        ),
        *feed.indexes("craftsman"),
    )

    name = f.person("姓名")
    id_number = f.id_number("身份证号")
    phone = f.phone("联系电话")
    village_group = f.text("村民小组", 40, required=False)
    lead = f.yes_no("是否带头工匠")
    qualified = f.yes_no("是否获得职业资格认定或其他职业认定")
    trades = f.many("工种", "trade", required=False)
    person_kinds = f.many("人员类别", "person_kind", required=False)
    notes = f.long_text("情况说明", 500, required=False)

    certificates = f.children(
        "认定证书",
        f.row("name", f.text("证书名称", 60)),
        f.row("number", f.text("证书编号", 40, required=False)),
        f.row("issuer", f.text("发证单位", 60, required=False)),
        f.row("issued_on", f.date("发证日期", not_after=f.Today())),
        f.row("expires_on", f.date("有效期至", required=False, help="长期有效的留空")),
        shown=qualified.yes,
        high=10,
    )
    certificate_photos = f.photos("证书照片", 0, 10, shown=qualified.yes)
    trainings = f.children(
        "参加培训经历",
        f.row("start", f.date("培训开始时间", not_after=f.Today())),
        f.row("end", f.date("培训结束时间", required=False)),
        f.row("theory", f.many("理论类内容", "training_theory", required=False)),
        f.row("skills", f.many("技能类内容", "training_skill", required=False)),
        f.row("certified", f.yes_no("是否取得证书")),
        required=False,
        high=30,
    )
    works = f.children(
        "从业经历",
        f.row("start", f.date("从业开始时间", not_after=f.Today())),
        f.row("end", f.date("从业结束时间", required=False)),
        f.row("what", f.text("从业情况", 200)),
        required=False,
        high=30,
    )

    certified = f.system(f.yes_no("是否持证上岗"), default=False)
    certificates_hold = f.system(f.choice("证书状态", Certificates), default=Certificates.NONE)
    #: The last day on which a certificate holds; None: there is none, or one holds for ever.
    certified_until = f.system(f.date("证书有效期至"))
    training_years = f.system(f.years("培训年度", 2000))
