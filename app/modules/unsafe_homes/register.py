"""The declaration of the ledger (spec 02): list, figures, tables."""

from __future__ import annotations

from app.access.actor import Capability
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.flow import State
from app.kernel.declare.groups import Derived, Heading, Lists, Menu, Section
from app.kernel.declare.register import register, rule
from app.kernel.declare.tables import Briefing, Column, Identity, Table, columns
from app.modules.homes.choices import Measure, Progress
from app.modules.unsafe_homes import backfill
from app.modules.unsafe_homes.model import Danger, Risk

r = rule(Risk)
secured, unsecured = r.secured.yes, ~r.secured.yes
#: Not safe yet, and no renovation has begun.
none = unsecured & ~r.dossier.given
RENOVATION = "not_applied applying applied started completed paid"


#: Every measure by which a household that is not safe yet is to be helped.
PLAN = tuple(f"plan_{measure.value}" for measure in Measure)

RISK = register(
    Risk,
    title="C、D级农户台账",
    heading=Heading(70, module="脱贫户住房安全保障回头看"),
    record_word="住房安全未保障台账",
    read_only=True,
    years=Years("measure_year", since=2024),
    derived=Derived(backfill.wrong, backfill.mend),
    sections=(
        Section("住房安全情况", "grade told_by surveyed_on"),
        Section("保障信息", "secured measure measure_year interim_measure"),
        Section("危房改造抗震改造", "application dossier"),
        Section("所在名单", "poverty_exit low_income"),
    ),
    lists=Lists(
        ledger="head_name head_id grade secured measure measure_year application dossier told_by",
        filters="head_name head_id grade secured measure measure_year application dossier told_by poverty_exit low_income",
        indexed="head_name head_id grade secured",
    ),
    figures={
        "total": Figure("C、D级和无房农户", r.grade.given),
        "grade_c": Figure("C级", r.grade.is_(Danger.C), tone="warn"),
        "grade_d": Figure("D级", r.grade.is_(Danger.D), tone="bad"),
        "no_house": Figure("无房户", r.grade.is_(Danger.NO_HOUSE), tone="info"),
        "poverty_exit": Figure("其中：脱贫户", r.poverty_exit.yes),
        "low_income": Figure("其中：六类对象", r.low_income.yes),
        "secured": Figure("已保障", secured, tone="good"),
        "unsecured": Figure("未保障", unsecured, tone="bad"),
        "bare": Figure("未登记过渡期安全措施", unsecured & ~r.interim_measure.given, tone="bad"),
        "interim": Figure("其中：已采取过渡期安全措施", unsecured & r.interim_measure.given),
        "not_applied": Figure("未进入申请", none & ~r.application.given, tone="neutral"),
        "applying": Figure(
            "申请办理中",
            none & r.application.given & ~r.application.is_(State.APPROVED),
            tone="info",
        ),
        "applied": Figure("申请已审核通过", none & r.application.is_(State.APPROVED), tone="info"),
        "started": Figure("已开工", unsecured & r.dossier.is_(Progress.STARTED), tone="warn"),
        "completed": Figure("已竣工", unsecured & r.dossier.is_(Progress.COMPLETED), tone="good"),
        "paid": Figure("已拨付", unsecured & r.dossier.is_(Progress.PAID), tone="good"),
        **{
            name: Figure(measure.zh, unsecured & r.measure.is_(measure))
            for name, measure in zip(PLAN, Measure, strict=True)
        },
    },
    headline="total secured unsecured",
    briefing=Briefing(
        "住房安全未保障情况及保障计划",
        (
            (
                "C、D级和无房农户共{total}户：C级{grade_c}户、D级{grade_d}户、无房户{no_house}户；其中脱贫户"
                "{poverty_exit}户、六类对象{low_income}户（同属两个名单的各计一次）。"
            ),
            "已保障住房安全{secured}户，占{rate}；未保障{unsecured}户，其中{interim}户已采取过渡期安全措施。",
            (
                "未保障农户的保障计划：农村危房改造{plan_renovation}户，农房抗震改造{plan_retrofit}户，生态移民、"
                "水库移民和避险搬迁{plan_resettlement}户，集体公租房、幸福大院等公共住房{plan_public_housing}户，"
                "其他方式{plan_other}户，自主整改{plan_self}户。"
            ),
            "未保障农户的改造进展：未进入申请{not_applied}户，申请办理中{applying}户，申请已审核通过{applied}户，已开工{started}户，已竣工{completed}户，已拨付{paid}户。",
        ),
        "审核通过的记录中没有鉴定或评估为C级、D级的农户，也没有无房户。",
        todo=(
            (
                "unsecured",
                "按保障计划逐户落实保障措施，确保{unsecured}户未保障农户的住房安全得到保障。",
            ),
            (
                "bare",
                "尽快为{bare}户落实并登记过渡期安全措施，保证农户在过渡期的生命财产安全和基本生活条件。",
            ),
        ),
        by_year="plan",
    ),
    tables=(
        Table(
            "summary",
            "住房安全未保障统计",
            (
                *columns("total poverty_exit low_income grade_c grade_d no_house secured"),
                Column(
                    head="未保障", columns=(Column("unsecured", head="合计"), Column("interim"))
                ),
            ),
            identities=(
                Identity("total = grade_c + grade_d + no_house"),
                Identity("total = secured + unsecured"),
                Identity("unsecured = interim + bare"),
            ),
            chart=("secured", "unsecured"),
            progress=("secured", "total"),
        ),
        Table(
            "plan",
            "未保障农户保障计划统计",
            (
                *columns("total secured unsecured"),
                Column(head="保障措施", columns=columns(" ".join(PLAN))),
            ),
            identities=(Identity(f"unsecured = {' + '.join(PLAN)}"),),
            chart=PLAN,
        ),
        Table(
            "renovation",
            "未保障农户改造进展统计",
            columns(f"total secured unsecured {RENOVATION}"),
            identities=(Identity(f"unsecured = {RENOVATION.replace(' ', ' + ')}"),),
            chart=tuple(RENOVATION.split()),
        ),
    ),
    menus=(
        Menu(
            "ledger",
            "C、D级农户台账",
            Capability.SEARCH,
            action="查看",
            hint="鉴定或评估为C级、D级的农户和无房户，在档案审核通过后会自动出现在这里。",
        ),
    ),
)
