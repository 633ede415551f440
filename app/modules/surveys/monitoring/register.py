"""The declaration of the monitoring register (spec 03): rows, lists, figures, tables, menus."""

from __future__ import annotations

from app.access.actor import Capability
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.flow import SENT_BACK, State, county_review
from app.kernel.declare.groups import Asks, Form, Heading, Lists, Menu, Renewal, Review, Story
from app.kernel.declare.register import register, rule
from app.kernel.declare.tables import Briefing, Column, Identity, Table, columns
from app.kernel.households.identity import head_is_another, identity_follows, number_is_free
from app.kernel.rows.record import Standing
from app.modules.homes.choices import Grade, Living
from app.modules.homes.house import SUMMARY
from app.modules.surveys.fields import MILESTONES, homeless, own, sections, stays
from app.modules.surveys.monitoring.model import Monitoring

r = rule(Monitoring)

#: spec 03 "Statistics": 已监测 is what was saved with 是否死亡销户 and 现住房情况; a request to move
#: says neither, and counts when the new place has monitored.
said = ~r.state.is_(State.MISSING) & (r.died.yes | (stays & r.living.given))
#: One record of a household counts, while the household is on the list.
on_list = r.low_income.yes & ~r.standing.is_(Standing.PENDING)
safe = own & r.grade.in_(Grade.A, Grade.B)

MONITORING = register(
    Monitoring,
    title="六类对象动态监测",
    heading=Heading(40, module="六类对象动态监测"),
    record_word="监测记录",
    review=Review(
        county_review,
        on_approval=(identity_follows,),
        builds=r.head_changed.yes | r.corrected_id.given | r.split.yes,
    ),
    follows="low_income",
    renewal=Renewal(
        "新增监测记录", without="corrected_id died head_changed split moved surveyed_on"
    ),
    checks=(number_is_free, head_is_another),
    listed=on_list & r.current.yes,
    years=Years("year", 2024, listed=on_list & r.newest_of_year.yes),
    moves=Asks("moved", "new_place"),
    splits=Asks("split", "split_heads"),
    story=Story(milestones=MILESTONES, summary=SUMMARY),
    form=Form(save_needs="died living", remember="surveyor surveyed_on heating cooking"),
    sections=sections("living has_house other_home other_home_text"),
    lists=Lists(
        ledger="head_name head_id groups living grade secured state",
        filters="head_name head_id state groups origin died has_house living grade secured measure"
        " measure_year to_resurvey",
        indexed="state head_name head_id",
        by_figure=("住房安全情况", "no_hazard some_hazard severe_hazard unjudged"),
    ),
    figures={
        "total": Figure("低收入群体总数", r.state.in_(*State)),
        "monitored": Figure("已监测", said, tone="good"),
        "missing": Figure("未监测", ~said, tone="neutral"),
        "draft": Figure("已录入未上报", said & r.state.is_(State.DRAFT), tone="info"),
        "submitted": Figure("已上报待审核", said & r.state.is_(State.SUBMITTED), tone="warn"),
        "approved": Figure("审核通过", said & r.state.is_(State.APPROVED), tone="good"),
        "returned": Figure("退回补正", said & r.state.in_(*SENT_BACK), tone="bad"),
        "own_house": Figure("自有农村住房", said & own),
        "no_hazard": Figure("未发现安全隐患", said & safe, tone="good"),
        "some_hazard": Figure("存在一定安全隐患", said & own & r.grade.is_(Grade.C), tone="warn"),
        "severe_hazard": Figure("存在严重安全隐患", said & own & r.grade.is_(Grade.D), tone="bad"),
        "unjudged": Figure("未鉴定", said & own & ~r.grade.given, tone="neutral"),
        "other_safe": Figure(
            "其他安全住房", said & stays & r.living.is_(Living.OTHER), tone="info"
        ),
        "homeless": Figure("无房户", said & homeless, tone="neutral"),
        "died": Figure("死亡销户", said & r.died.yes, tone="neutral"),
        "to_resurvey": Figure("改造后待重新排查", r.to_resurvey.yes & r.current.yes, tone="warn"),
    },
    headline="total monitored approved submitted returned to_resurvey",
    briefing=Briefing(
        "六类对象住房安全动态监测情况",
        (
            "低收入群体共{total}户，已监测{monitored}户，未监测{missing}户。审核通过{approved}户，占{rate}；已上报待审核{submitted}户，已录入未上报{draft}户，退回补正{returned}户。",
            "已监测的农户中，居住自有农村住房{own_house}户，其中未发现安全隐患{no_hazard}户、存在一定安全隐患{some_hazard}户、存在严重安全隐患{severe_hazard}户、未鉴定{unjudged}户；居住其他安全住房{other_safe}户；无房户{homeless}户；死亡销户{died}户。",
        ),
        "名单中还没有低收入群体农户。",
        todo=(
            ("missing", "对未监测的{missing}户低收入群体农户及时开展监测。"),
            ("submitted", "及时审核待审核的{submitted}户监测记录。"),
            ("to_resurvey", "对改造已验收合格的{to_resurvey}户重新入户监测。"),
        ),
    ),
    tables=(
        Table(
            "progress",
            "监测进度统计",
            columns("total monitored missing draft submitted approved returned"),
            identities=(
                Identity("total = monitored + missing"),
                Identity("monitored = draft + submitted + approved + returned"),
            ),
            chart=("approved", "submitted", "draft", "returned", "missing"),
            progress=("approved", "total"),
            on_desk=True,
        ),
        Table(
            "summary",
            "监测情况统计",
            (
                *columns("total monitored missing"),
                Column(
                    head="自有农村住房",
                    columns=(
                        Column("own_house", head="总数"),
                        *columns("no_hazard some_hazard severe_hazard unjudged"),
                    ),
                ),
                *columns("other_safe homeless died"),
            ),
            identities=(
                Identity("monitored = own_house + other_safe + homeless + died"),
                Identity("own_house = no_hazard + some_hazard + severe_hazard + unjudged"),
            ),
            chart=(
                "no_hazard",
                "some_hazard",
                "severe_hazard",
                "other_safe",
                "homeless",
            ),
        ),
    ),
    menus=(
        Menu(
            "entry",
            "动态监测信息录入",
            Capability.ENTER,
            action="继续填报",
            hint="如果村、镇没有显示低收入群体，请先在“对象信息维护”里维护名单，或联系上级核实账号。",
        ),
        Menu(
            "review",
            "动态监测信息审核",
            Capability.REVIEW,
            states=(State.SUBMITTED,),
            action="审核",
        ),
        Menu("query", "动态监测信息查询", Capability.SEARCH, action="查看"),
    ),
)
