"""The declaration of the dossier (spec 04 "Dossier", "Desk"): stages, sections, lists, figures."""

from __future__ import annotations

from app.access.actor import Capability
from app.kernel.declare import fields as f
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.flow import SENT_BACK, State, staged_review
from app.kernel.declare.groups import (
    Frozen,
    Heading,
    Lists,
    Menu,
    Milestone,
    Review,
    Section,
    Story,
)
from app.kernel.declare.register import register, rule
from app.kernel.declare.stages import Stage
from app.kernel.declare.tables import Briefing, Column, Identity, Table, columns
from app.modules.homes.choices import Progress
from app.modules.renovation.dossier.findings import (
    craftsman_is_who,
    minor_head,
    payments_fit,
    same_account,
    second_grant,
)
from app.modules.renovation.dossier.model import Dossier
from app.modules.renovation.fields import FIRST_YEAR, Kind
from app.modules.renovation.plan_years import plan_year

r = rule(Dossier)

renovation = r.kind.is_(Kind.RENOVATION)
retrofit = r.kind.is_(Kind.RETROFIT)
#: Cumulative: what is completed was started (spec 04 档案统计).
started = r.stage.in_(Progress.STARTED, Progress.COMPLETED, Progress.PAID)
completed = r.stage.in_(Progress.COMPLETED, Progress.PAID)
paid = r.stage.is_(Progress.PAID) & r.paid_in_full.yes

partial = f.Check(
    "partial",
    r.granted.compare("gt", 0) & ~r.paid_in_full.yes,
    "全额拨付后才能上报“拨付”阶段；分次拨付的，每次先保存。",
)

DOSSIER = register(
    Dossier,
    title="危房改造抗震改造档案",
    heading=Heading(60, module="危房改造抗震改造", icon="building-community"),
    record_word="危改档案",
    review=Review(
        staged_review,
        stages=(
        Stage(Progress.STARTED, "开工"),
        Stage(Progress.COMPLETED, "竣工"),
        Stage(Progress.PAID, "拨付", ((r.payments, partial),)),
        ),
    ),
    continues="application",
    listed=~r.suspended.yes,
    frozen=Frozen(r.suspended.yes, "该户的改造申请已退回，重新审核通过后才能继续填报。"),
    years=Years("plan_year", FIRST_YEAR, usual=plan_year),
    checks=(payments_fit, craftsman_is_who),
    findings=(same_account, minor_head, second_grant),
    story=Story(
        milestones=(
            Milestone("started_on", "开工", "craftsman firm"),
            Milestone("completed_on", "竣工", "structure floor_area"),
            Milestone("accepted_on", "验收", "accepted_by"),
            Milestone("date", "拨付", "amount", rows="payments"),
        ),
        named_with="plan_year kind completed_on accepted accepted_on",
        stands="stage",
    ),
    sections=(
        Section(
            "开工信息",
            "started_on builder craftsman craftsman_id firm firm_code",
            stage=Progress.STARTED,
        ),
        Section(
            "竣工信息",
            "completed_on days accepted accepted_on accepted_by structure storeys floor_area tenure"
            " photos_during photos_after acceptance_report",
            stage=Progress.COMPLETED,
        ),
        Section(
            "资金信息",
            "central_subsidy province_subsidy city_subsidy county_subsidy granted"
            " loan own_funds other_funds total",
            stage=Progress.PAID,
        ),
        Section("拨付信息", "payments paid paid_in_full", stage=Progress.PAID),
    ),
    lists=Lists(
        ledger="head_name head_id plan_year kind grade started_on completed_on stage state",
        filters="head_name head_id state stage plan_year kind way grade paid_in_full overdue",
        indexed="state stage plan_year head_name head_id",
    ),
    figures={
        "total": Figure("总户数", r.state.in_(*State)),
        "started": Figure("已开工", started, tone="info"),
        "completed": Figure("已竣工", completed, tone="good"),
        "paid": Figure("全额拨付", paid, tone="good"),
        "not_started": Figure("未开工", ~r.stage.given, tone="neutral"),
        "building": Figure("已开工未竣工", r.stage.is_(Progress.STARTED), tone="warn"),
        "built": Figure("已竣工未拨付", r.stage.is_(Progress.COMPLETED), tone="info"),
        "settled": Figure("已拨付", r.stage.is_(Progress.PAID), tone="good"),
        "overdue": Figure("超过12个月未竣工", r.overdue.yes, tone="bad"),
        "renovation": Figure("危房改造", renovation),
        "renovation_started": Figure("危房改造已开工", renovation & started),
        "renovation_completed": Figure("危房改造已竣工", renovation & completed),
        "renovation_paid": Figure("危房改造全额拨付", renovation & paid),
        "retrofit": Figure("抗震改造", retrofit),
        "retrofit_started": Figure("抗震改造已开工", retrofit & started),
        "retrofit_completed": Figure("抗震改造已竣工", retrofit & completed),
        "retrofit_paid": Figure("抗震改造全额拨付", retrofit & paid),
        "missing": Figure("未录入", r.state.is_(State.MISSING), tone="neutral"),
        "draft": Figure("已录入", r.state.is_(State.DRAFT), tone="info"),
        "submitted": Figure("待审核", r.state.is_(State.SUBMITTED), tone="warn"),
        "approved": Figure("审核通过", r.state.is_(State.APPROVED), tone="good"),
        "returned": Figure("退回补正", r.state.in_(*SENT_BACK), tone="bad"),
    },
    headline="total started completed paid",
    briefing=Briefing(
        "危房改造抗震改造实施情况",
        (
            "列入计划的改造共{total}户，已开工{started}户，已竣工{completed}户，全额拨付{paid}户，占{rate}。",
            "其中危房改造{renovation}户，已开工{renovation_started}户、已竣工{renovation_completed}户、全额拨付{renovation_paid}户；抗震改造{retrofit}户，已开工{retrofit_started}户、已竣工{retrofit_completed}户、全额拨付{retrofit_paid}户。",
        ),
        "没有列入计划的改造。",
        todo=(
            ("submitted", "及时审核待审核的{submitted}户危改档案。"),
            ("overdue", "督促开工超过12个月未竣工的{overdue}户尽快竣工。"),
        ),
    ),
    tables=(
        Table(
            "progress",
            "档案统计",
            columns("total started completed paid overdue"),
            identities=(
                Identity("total = renovation + retrofit"),
                Identity("started = renovation_started + retrofit_started"),
                Identity("completed = renovation_completed + retrofit_completed"),
                Identity("paid = renovation_paid + retrofit_paid"),
                Identity("total = not_started + building + built + settled"),
                Identity("started = building + built + settled"),
                Identity("total = missing + draft + submitted + approved + returned"),
            ),
            chart=("settled", "built", "building", "not_started"),
            progress=("paid", "total"),
        ),
        Table(
            "desk",
            "改造进度",
            (
                Column(
                    head="危房改造",
                    columns=(
                        Column("renovation", head="总数"),
                        Column("renovation_started", head="已开工"),
                        Column("renovation_completed", head="已竣工"),
                        Column("renovation_paid", head="全额拨付"),
                    ),
                ),
                Column(
                    head="抗震改造",
                    columns=(
                        Column("retrofit", head="总数"),
                        Column("retrofit_started", head="已开工"),
                        Column("retrofit_completed", head="已竣工"),
                        Column("retrofit_paid", head="全额拨付"),
                    ),
                ),
                Column(
                    head="既有农房",
                    columns=(
                        Column("own_house", head="总数", of="household"),
                        Column("own_house_low_income", head="低收入户数", of="household"),
                        Column("own_house_others", head="一般农户", of="household"),
                    ),
                ),
            ),
            chart=("renovation", "retrofit"),
            on_desk=True,
        ),
    ),
    menus=(
        Menu(
            "entry", "档案信息录入", Capability.ENTER, action="档案填报",
            hint="申请审核通过后，该户会自动出现在这里，没有新增按钮。",
        ),
        Menu(
            "review", "档案信息审核", Capability.REVIEW, states=(State.SUBMITTED,), action="档案审核"
        ),
        Menu("query", "档案台账", Capability.SEARCH, action="查看"),
    ),
)  # fmt: skip
