"""The declaration of the applications (spec 04): sections, lists, figures, tables, menus."""

from __future__ import annotations

from app.access.actor import Capability
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.flow import SENT_BACK, State, town_and_county_review
from app.kernel.declare.groups import Form, Frozen, Heading, Lists, Menu, Review, Section, Story
from app.kernel.declare.register import register, rule
from app.kernel.declare.tables import Briefing, Column, Identity, Table, columns
from app.modules.renovation.application.model import Application
from app.modules.renovation.fields import FIRST_YEAR, RETURN_REASONS, Basis, Kind
from app.modules.renovation.openings import begins, warning
from app.modules.renovation.plan_years import plan_year

r = rule(Application)

#: What waits for its plan year, and what was closed, is on no list and in no figure.
away = r.basis.in_(Basis.WAITING, Basis.CLOSED)
approved = r.state.is_(State.APPROVED)
waits = r.state.in_(State.CHECKING, State.SUBMITTED)

_HINT = (
    "这里没有新增：住房安全信息审核通过后，保障措施为农村危房改造的C级、D级房屋和无房户，"
    "以及保障措施为农房抗震改造的房屋，到保障年度会自动出现在这里。"
)

APPLICATION = register(
    Application,
    title="危房改造抗震改造申请",
    heading=Heading(50, module="危房改造抗震改造", icon="building-community"),
    record_word="改造申请",
    review=Review(town_and_county_review(reasons=RETURN_REASONS)),
    story=Story(stands="state"),
    listed=~away,
    frozen=Frozen(away, "该户的改造申请未列入当前计划，或者已经关闭，不能办理。"),
    years=Years("plan_year", FIRST_YEAR, usual=plan_year),
    form=Form(save_needs="kind plan_year", kept="checker checked_on basis", begins=begins, warns=warning),
    sections=(
        Section("农户基本信息", "sex population ethnicity phone"),
        Section(
            "困难情况",
            "priority hardship veteran disabled elder child minority",
            all_no="veteran disabled elder child minority",
        ),
        Section("住房情况", "no_house", fixed=True),
        Section(
            "鉴定评估情况",
            "grade judged_by judged_by_code judged_on appraisal photos_before",
            shown=r.no_house.no,
        ),
        Section(
            "危房改造抗震改造申请信息",
            "kind way energy_saving barrier_free plan_year applied_on published application_paper",
        ),
    ),
    lists=Lists(
        ledger="head_name head_id phone kind way plan_year grade state",
        filters="head_name head_id state plan_year kind way grade no_house basis priority",
        indexed="state plan_year head_name head_id",
    ),
    figures={
        "total": Figure("申请总户数", r.state.in_(*State)),
        "open": Figure("未审核", ~approved, tone="warn"),
        "approved": Figure("已审核通过", approved, tone="good"),
        "missing": Figure("未录入", r.state.is_(State.MISSING), tone="neutral"),
        "draft": Figure("已录入", r.state.is_(State.DRAFT), tone="info"),
        "waiting": Figure("待审核", waits, tone="warn"),
        "checking": Figure("待乡镇复核", r.state.is_(State.CHECKING), tone="warn"),
        "submitted": Figure("待县级审核", r.state.is_(State.SUBMITTED), tone="warn"),
        "returned": Figure("退回补正", r.state.in_(*SENT_BACK), tone="bad"),
        "renovation": Figure("危房改造", r.kind.is_(Kind.RENOVATION)),
        "renovation_open": Figure("未审核", r.kind.is_(Kind.RENOVATION) & ~approved, tone="warn"),
        "renovation_approved": Figure(
            "已审核通过", r.kind.is_(Kind.RENOVATION) & approved, tone="good"
        ),
        "retrofit": Figure("抗震改造", r.kind.is_(Kind.RETROFIT)),
        "retrofit_open": Figure("未审核", r.kind.is_(Kind.RETROFIT) & ~approved, tone="warn"),
        "retrofit_approved": Figure(
            "已审核通过", r.kind.is_(Kind.RETROFIT) & approved, tone="good"
        ),
        "doubted": Figure("待核实", r.basis.is_(Basis.DOUBTED), tone="bad"),
    },
    headline="total approved waiting returned",
    briefing=Briefing(
        "危房改造抗震改造申请情况",
        (
            "各年度计划内的申请共{total}户，其中危房改造{renovation}户、抗震改造{retrofit}户。已审核通过{approved}户，占{rate}；未审核{open}户，其中待审核{waiting}户、已录入{draft}户、未录入{missing}户、退回补正{returned}户。",
        ),
        "没有危房改造、抗震改造申请。",
        todo=(
            ("missing", "督促录入{missing}户改造申请信息。"),
            ("waiting", "及时复核、审核{waiting}户改造申请。"),
            ("doubted", "核实住房安全信息有变化的{doubted}户改造申请。"),
        ),
    ),
    tables=(
        Table(
            "summary",
            "申请信息统计",
            (
                *columns("total open approved"),
                *(
                    Column(
                        head=kind.zh,
                        columns=(
                            Column(kind.value, head="总户数"),
                            Column(f"{kind.value}_open"),
                            Column(f"{kind.value}_approved"),
                        ),
                    )
                    for kind in Kind
                ),
                Column("doubted"),
            ),
            identities=(
                Identity("total = open + approved"),
                Identity("total = renovation + retrofit"),
                Identity("renovation = renovation_open + renovation_approved"),
                Identity("retrofit = retrofit_open + retrofit_approved"),
            ),
            chart=("approved", "open"),
        ),
        Table(
            "progress",
            "申请进度统计",
            columns("total missing draft checking submitted approved returned"),
            identities=(
                Identity("open = missing + draft + waiting + returned"),
                Identity("waiting = checking + submitted"),
            ),
            chart=("approved", "submitted", "checking", "draft", "returned", "missing"),
            progress=("approved", "total"),
        ),
    ),
    menus=(
        Menu("entry", "申请信息录入", Capability.ENTER, action="申请填报", hint=_HINT),
        Menu(
            "review", "申请信息审核", Capability.REVIEW, states=(State.SUBMITTED,), action="申请审核"
        ),
        Menu("check", "申请信息审核", Capability.CHECK, states=(State.CHECKING,), action="乡镇复核"),
        Menu(
            "ledger", "申请信息台账", Capability.SEARCH, states=(State.APPROVED,), action="查看",
            hint="审核通过的申请列在这里；要看其他状态的申请，请改变“填报状态”。",
        ),
    ),
)  # fmt: skip
