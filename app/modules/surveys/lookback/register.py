"""The declaration of the look-back register (spec 02): sections, lists, figures, tables, menus."""

from __future__ import annotations

from app.access.actor import Capability
from app.core.i18n import mark
from app.kernel.declare.figures import Figure
from app.kernel.declare.flow import SENT_BACK, State, county_review
from app.kernel.declare.groups import Asks, Form, Heading, Lists, Menu, Review, Story
from app.kernel.declare.house_lists import HouseList, declare_list
from app.kernel.declare.register import register, rule
from app.kernel.declare.tables import Briefing, Column, Identity, Table, columns
from app.kernel.households.identity import head_is_another, identity_follows, number_is_free
from app.kernel.rows.record import Standing
from app.modules.homes.choices import Grade, Living
from app.modules.homes.house import SUMMARY
from app.modules.surveys.fields import MILESTONES, own, sections, stays
from app.modules.surveys.lookback.model import Lookback

r = rule(Lookback)

#: 脱贫户名单, as the ministry issues it.
LIST = declare_list(
    HouseList("poverty_exit", mark("脱贫户名单"), order=10, issued=True, shared=True)
)

#: A household that split off joins when its parent is approved (spec 02 "Split households").
listed = ~r.standing.is_(Standing.PENDING)
approved = r.state.is_(State.APPROVED)
approved_own = approved & own

LOOKBACK = register(
    Lookback,
    title="脱贫户住房安全保障回头看",
    heading=Heading(20),
    record_word="回头看档案",
    review=Review(
        county_review,
        on_approval=(identity_follows,),
        builds=r.head_changed.yes | r.corrected_id.given | r.split.yes,
    ),
    follows="poverty_exit",
    checks=(number_is_free, head_is_another),
    listed=listed,
    moves=Asks("moved", "new_place"),
    splits=Asks("split", "split_heads"),
    story=Story(milestones=MILESTONES, summary=SUMMARY),
    form=Form(save_needs="died", remember="surveyor surveyed_on heating cooking"),
    sections=sections(),
    lists=Lists(
        ledger="head_name head_id phone living grade state",
        filters="head_name head_id state died living grade secured measure measure_year to_resurvey"
        " parcel_state",
        indexed="state head_name head_id parcel_state",
    ),
    figures={
        "total": Figure("脱贫户总数", r.state.in_(*State)),
        "split": Figure("其中：分户", r.standing.is_(Standing.COUNTED)),
        "missing": Figure("未录入", r.state.is_(State.MISSING), tone="neutral"),
        "draft": Figure("已录入", r.state.is_(State.DRAFT), tone="info"),
        "submitted": Figure("待审核", r.state.is_(State.SUBMITTED), tone="warn"),
        "approved": Figure("审核通过", approved, tone="good"),
        "returned": Figure("退回补正", r.state.in_(*SENT_BACK), tone="bad"),
        "returned_county": Figure("县级退回补正", r.state.is_(State.RETURNED), tone="bad"),
        "rectify": Figure("退回整改", r.state.is_(State.RECTIFY), tone="bad"),
        "own_house": Figure("自有农村住房", approved_own),
        "no_hazard": Figure(
            "未发现安全隐患", approved_own & r.grade.in_(Grade.A, Grade.B), tone="good"
        ),
        "some_hazard": Figure("存在一定安全隐患", approved_own & r.grade.is_(Grade.C), tone="warn"),
        "severe_hazard": Figure(
            "存在严重安全隐患", approved_own & r.grade.is_(Grade.D), tone="bad"
        ),
        "other_safe": Figure(
            "其他安全住房", approved & stays & r.living.is_(Living.OTHER), tone="info"
        ),
        "died": Figure("死亡销户", approved & r.died.yes, tone="neutral"),
        "to_resurvey": Figure("改造后待重新排查", r.to_resurvey.yes, tone="warn"),
    },
    headline="total approved submitted returned to_resurvey",
    briefing=Briefing(
        "脱贫户住房安全保障“回头看”工作进展",
        (
            "脱贫户共{total}户，其中分户{split}户。档案审核通过{approved}户，占{rate}；待审核{submitted}户，已录入{draft}户，退回补正{returned}户，未录入{missing}户。",
            "审核通过的农户中，居住自有农村住房{own_house}户，其中未发现安全隐患（A、B级）{no_hazard}户、存在一定安全隐患（C级）{some_hazard}户、存在严重安全隐患（D级）{severe_hazard}户；居住其他安全住房{other_safe}户；死亡销户{died}户。",
        ),
        "名单中还没有脱贫户。",
        todo=(
            ("missing", "督促乡镇、村完成{missing}户未录入回头看档案的排查和录入。"),
            ("draft", "督促尽快上报已录入的{draft}户回头看档案。"),
            ("submitted", "及时审核待审核的{submitted}户回头看档案。"),
            ("returned", "跟踪{returned}户退回补正的回头看档案，限期补正后重新上报。"),
            ("to_resurvey", "对改造已验收合格的{to_resurvey}户重新入户排查。"),
        ),
    ),
    tables=(
        Table(
            "progress",
            "进度统计",
            (
                *columns("total split missing draft submitted approved returned"),
                Column("rectify", head="其中：退回整改"),
            ),
            identities=(Identity("total = missing + draft + submitted + approved + returned"),),
            chart=("approved", "submitted", "draft", "returned", "missing"),
            progress=("approved", "total"),
        ),
        Table(
            "summary",
            "综合统计",
            (
                Column("total"),
                Column("split"),
                Column("approved", head="档案审核通过"),
                Column(
                    head="自有农村住房",
                    columns=(
                        Column("own_house", head="总数"),
                        Column("no_hazard"),
                        Column("some_hazard"),
                        Column("severe_hazard"),
                    ),
                ),
                Column("other_safe"),
                Column("died"),
            ),
            identities=(
                Identity("approved = own_house + other_safe + died"),
                Identity("own_house = no_hazard + some_hazard + severe_hazard"),
            ),
            chart=("no_hazard", "some_hazard", "severe_hazard", "other_safe", "died"),
            on_desk=True,
        ),
    ),
    menus=(
        Menu(
            "entry",
            "档案录入",
            Capability.ENTER,
            action="档案填报",
            hint="如果村、镇没有显示脱贫户，请联系上级主管部门核实账号，或由上级点击“档案填报”选择地区后保存。",
        ),
        Menu(
            "splits",
            "分户档案录入",
            Capability.ENTER,
            rows=r.standing.given,
            action="档案填报",
            hint="在“档案录入”里填报“是否分户”并保存后，分户的户主会出现在这里。",
        ),
        Menu("review", "档案审核", Capability.REVIEW, states=(State.SUBMITTED,), action="档案审核"),
        Menu(
            "parcels",
            "补录图斑",
            Capability.ENTER,
            action="补录图斑",
            hint="填报时选了“未发现图斑”的农户会出现在这里，不影响录入和审核。",
            only="parcel_state=not_found",
            page="parcel",
        ),
        Menu("query", "档案查询", Capability.SEARCH, action="查看"),
    ),
)
