"""The declaration of the list of craftsmen (spec 05): sections, lists, figures, tables, menus."""

from __future__ import annotations

from app.access.actor import Capability
from app.access.divisions.regions import Level
from app.kernel.declare import choice_lists
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.groups import Creates, Form, Heading, Lists, Menu, Section
from app.kernel.declare.register import register, rule
from app.kernel.declare.tables import Column, Identity, Table, columns
from app.modules.craftsmen.model import Certificates, Craftsman
from app.modules.craftsmen.rules import derive, ends_follow, number_is_free

r = rule(Craftsman)
hold = r.certificates_hold

#: The trades of the list that the ministry starts from, by their codes; what it adds is in no table.
TRADES = choice_lists.defaults("trade")

CRAFTSMAN = register(
    Craftsman,
    title="乡村建设工匠名录",
    heading=Heading(80),
    record_word="工匠信息",
    unit="人",
    creates=Creates(Level.COUNTY, owned=True),
    checks=(ends_follow, number_is_free),
    derives=(derive,),
    years=Years("training_years", since=2015),
    form=Form(save_needs="name id_number phone lead qualified"),
    sections=(
        Section(
            "基本信息",
            "village_group name id_number phone lead qualified trades person_kinds notes",
        ),
        Section("认定证书", "certificates certificate_photos", shown=r.qualified.yes),
        Section("参加培训经历", "trainings"),
        Section("从业经历", "works"),
    ),
    lists=Lists(
        ledger="name id_number phone village_group lead certified",
        filters="name id_number lead certified certificates_hold trades person_kinds training_years",
        indexed="name id_number certificates_hold",
    ),
    figures={
        "total": Figure("工匠总数", ALWAYS),
        "lead": Figure("带头工匠", r.lead.yes, tone="info"),
        "certified": Figure("持证上岗", r.certified.yes, tone="good"),
        "uncertified": Figure("未持证", ~r.certified.yes, tone="neutral"),
        "expiring": Figure("证书即将到期", hold.is_(Certificates.EXPIRING), tone="warn"),
        "expired": Figure("证书已过期", hold.is_(Certificates.EXPIRED), tone="bad"),
        "trained": Figure("参加过培训", r.training_years.given, tone="info"),
        **{f"trade_{code}": Figure(text, r.trades.has(code)) for code, text in TRADES.items()},
    },
    headline="total certified expiring expired",
    tables=(
        Table(
            "craftsmen",
            "工匠统计",
            (
                *columns("total lead certified uncertified"),
                Column("expiring", head="其中：即将到期"),
                *columns("expired trained"),
            ),
            identities=(Identity("total = certified + uncertified"),),
            chart=("certified", "uncertified"),
            on_desk=True,
        ),
        Table("trades", "工种统计", columns(" ".join(f"trade_{code}" for code in TRADES))),
    ),
    menus=(
        Menu(
            "manage",
            "乡村建设工匠信息管理",
            Capability.SEARCH,
            also=Capability.ENTER,
            action="修改",
            hint="点击“新增”录入工匠；谁录入谁管理，其他账号只能查看。",
        ),
        Menu(
            "province",
            "全省乡村建设工匠台账",
            Capability.SEARCH,
            wide=Level.PROVINCE,
            ledger="@city @county @town @village name id_number phone lead certified",
            hint="本省各地录入的工匠会出现在这里。",
        ),
    ),
)
