"""``/help``: how the main tasks are done, in the words of the registers that the account works in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from flask_appbuilder import BaseView, expose

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.scope import current_actor
from app.core.i18n import _, translate
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register, all_registers
from app.web.frame import shell


class HelpView(BaseView):
    """One page."""

    route_base = "/help"
    default_view = "show"

    @expose("/")
    def show(self) -> Any:
        shell.crumb(_("帮助"))
        return self.render_template("frame/help.html", topics=partial(_topics, current_actor()))


def _topics(actor: Actor | None, groups: Iterable[shell.Group]) -> list[dict[str, Any]]:
    """``groups``: the account's menu; what is not in it is not spoken of."""
    urls = {item.url for group in groups for item in group.items}
    mine = [r for r in all_registers() if policy.may(Capability.SEARCH, r.name, actor=actor)]
    found = [
        {
            "title": _("填报"),
            "steps": [
                *_ways(mine, Capability.ENTER, urls),
                _("从上到下填写；带 * 的必须填写，左侧标出每一部分还缺几项。"),
                _("按回车到下一项，按数字选择按钮，Ctrl+S 保存，Ctrl+Enter 保存并上报。"),
                _("蓝色底的内容是按名单或上次填写带出的，请核对。"),
                _("填写的内容每隔几秒自动存成草稿；点“保存”后才算已录入。"),
                _("填完点“保存并上报”，交给县级审核；审核前可以撤回。"),
            ],
        },
        {"title": _("迁户和分户"), "steps": list(_changes(mine))},
        {
            "title": _("审核"),
            "steps": [
                *_ways(mine, Capability.REVIEW, urls),
                _("从列表的审核菜单直接进入第一份待审核的，做完决定自动打开下一份。"),
                _("黄色标出与上次上报不同的内容；按 P 看大图，加减号放大缩小，左右方向键换一张。"),
                _("按 A 审核通过，按 R 选择原因后退回补正，左右方向键看上一户、下一户。"),
                _("做完决定后10秒内可以撤销。"),
                _(
                    "在“全部列出”里筛选后再审核，只会依次打开筛选出的农户；勾选几户可以一起看、一起审核。"
                ),
            ],
        },
        {
            "title": _("查找农户"),
            "steps": [
                _("在任何页面按 / 键，输入姓名开头或完整身份证号。"),
                _(
                    "农户主页列出该户在各模块的全部情况，可以打印成“一户一档”，扫纸上的二维码回到主页。"
                ),
                _("列表里的筛选条件都在网址中，可以把网址发给同事。"),
            ],
        },
        {
            "title": _("导入和导出"),
            "steps": [
                _("在“名单下发”下载模板，填好后先检查，再导入。"),
                _("有问题的行标在结果表格里，改好后可以再次导入，不会重复。"),
                _("导出在后台进行，完成后到“导入导出记录”下载。"),
            ],
        },
        {
            "title": _("管理账号"),
            "steps": [
                _("在“用户管理”点“新增用户”，先选用户角色，再填写；账号可以不填。"),
                _("初始密码只显示一次，当面交给使用人；忘记密码时点“重置密码”。"),
                _("人员离开时点“注销”；从未录入或审核过的账号才能删除。"),
                _("县级管理用户可用“批量创建”为每个乡镇或每个村各建一个账号，并打印初始密码。"),
                _("市级录入、县级抽查等权限在用户页面的“依申请开通”里限期开通。"),
            ],
        },
    ]
    return [topic for topic in found if topic["steps"]]


def _ways(registers: list[Register], capability: Capability, urls: set[str]) -> Iterator[str]:
    """Where each register begins: 回头看档案：打开“档案录入”，点“档案填报”."""
    for register in registers:
        menu = _menu(register, capability)
        if register.flow and menu and f"/{register.name}/{menu.name}" in urls:
            yield _(
                "%(what)s：打开“%(menu)s”，点“%(action)s”。",
                what=translate(register.record_word),
                menu=translate(menu.title),
                action=translate(menu.action or menu.title),
            )


def _menu(register: Register, capability: Capability) -> Menu | None:
    return next((m for m in register.menus if m.capability == capability), None)


def _changes(registers: list[Register]) -> Iterator[str]:
    """What households that move or split off ask of a clerk, where a register knows of that."""
    moving = [r.fields[r.moves[0]] for r in registers if r.moves]
    if moving:
        yield _(
            "“%(field)s”选“是”，选择迁入的村，保存后提出申请；批准以前不能修改，可以撤回。",
            field=translate(moving[0].label),
        )
        yield _("县内迁户由本县审批；跨县的两县都同意，或由共同的上级审批，在“迁户申请”里办理。")
        yield _("批准后该户连同全部记录、照片迁入新的村，由那里填报和审核。")
    splitting = [r.fields[r.splits[0]] for r in registers if r.splits]
    if splitting:
        yield _(
            "“%(field)s”选“是”，填写分户户主并保存后，分出的户单独填报。",
            field=translate(splitting[0].label),
        )
        yield _("主户审核通过后，分户计入总数，才能审核分户。")
