"""What an entry of the audit log says, in words: labels of fields, old and new values, masked.

An entry holds what the program knew: field names, codes, whole numbers. People read labels and
texts, and no more of an ID number or a phone than a list shows (spec 01 "Personal data").
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.access import policy, settings
from app.access.actor import SYSTEM, Capability, RegisterAccess
from app.access.audit.log import AuditEntry
from app.access.divisions.former import ChangeKind
from app.core.choices import Choices
from app.core.i18n import _, done_word, lazy, translate
from app.kernel.declare.field import Field
from app.kernel.declare.flow import State
from app.kernel.declare.register import all_registers, get_register
from app.kernel.declare.tables import QUOTA
from app.kernel.kinds import formats
from app.kernel.kinds.values import is_missing
from app.kernel.rows.transfer import Word

_SUMMARY = 80
_NUMBER = re.compile(r"(?<![0-9A-Za-z])([0-9]{17}[0-9Xx]|[0-9]{20})(?![0-9A-Za-z])")
_PHONE = re.compile(r"(?<![0-9A-Za-z.])(1[3-9][0-9]{9}|0[0-9]{2,3}-[0-9]{7,8})(?![0-9A-Za-z])")

#: What the keys of ``detail`` are called; a test finds keys that are not here.
LABELS: dict[str, Any] = {
    "account": lazy("账号"),
    "act": lazy("操作类型"),
    "active": lazy("正常"),
    "added": lazy("上传的文件"),
    "area": lazy("行政区划"),
    "at_from": lazy("时间起"),
    "at_to": lazy("时间止"),
    "attempt": lazy("次数"),
    "cancelled": lazy("取消的变更"),
    "causes": lazy("请补齐"),
    "choice": lazy("选项代码"),
    "code": lazy("代码"),
    "columns": lazy("列"),
    "confirming": lazy("再次确认身份"),
    "county": lazy("县"),
    "created": lazy("新增"),
    "decided_from": lazy("审核日期"),
    "department": lazy("所属部门"),
    "divisions": lazy("行政区划"),
    "dry_run": lazy("只检查，不写入"),
    "duties": lazy("职责"),
    "ended": lazy("结束的登录"),
    "ends_on": lazy("截止日期"),
    "english": lazy("英文"),
    "entry_person": lazy("录入人"),
    "failures": lazy("失败次数"),
    "field": lazy("项目"),
    "figure": lazy("统计项"),
    "flagged": lazy("请核对"),
    "format": lazy("文件格式"),
    "file": lazy("文件"),
    "filter": lazy("筛选条件"),
    "force": lazy("名称相近仍保存"),
    "forced": lazy("名称相近仍保存"),
    "over_allowance": lazy("超出名额仍创建"),
    "found": lazy("查到的记录"),
    "where": lazy("综合查询"),
    "from": lazy("原来"),
    "given": lazy("给予的权限"),
    "granted": lazy("授权"),
    "head_id": lazy("农户身份证号"),
    "household": lazy("农户"),
    "import": lazy("导入任务"),
    "into": lazy("并入"),
    "job": lazy("导入任务"),
    "jobs": lazy("停止的后台任务"),
    "kind": lazy("用户类型"),
    "list": lazy("选项表"),
    "locked": lazy("已被锁定"),
    "locked_account": lazy("账号已封闭"),
    "locked_for": lazy("锁定原因"),
    "login": lazy("账号"),
    "mended": lazy("自动更正"),
    "menu": lazy("列表"),
    "method": lazy("请求方式"),
    "more_refused": lazy("一分钟内另被拒绝的次数"),
    "name": lazy("名称"),
    "national_code": lazy("国家编码"),
    "new": lazy("新增"),
    "number": lazy("号码"),
    "opinion": lazy("意见"),
    "parent": lazy("主户"),
    "parent_id": lazy("上级行政区划"),
    "phone": lazy("联系电话"),
    "published": lazy("发布的变更"),
    "quota": lazy("任务量"),
    "reason": lazy("原因"),
    "record": lazy("记录编号"),
    "region": lazy("行政区划"),
    "rejected": lazy("未导入"),
    "regions": lazy("行政区划"),
    "register": lazy("模块"),
    "registers": lazy("可用模块"),
    "removed": lazy("删除的文件"),
    "reset": lazy("重置密码"),
    "review_person": lazy("审核责任人"),
    "revoked": lazy("收回授权"),
    "role": lazy("用户角色"),
    "roles": lazy("权限"),
    "row": lazy("行号"),
    "rows": lazy("行数"),
    "rate": lazy("排名项目"),
    "raw": lazy("原填内容"),
    "corrected": lazy("批量更正"),
    "standing_rule": lazy("更正规则"),
    "standing_rule_off": lazy("停用的更正规则"),
    "sessions": lazy("结束的登录"),
    "setting": lazy("参数"),
    "saved_filter": lazy("常用筛选"),
    "settings of": lazy("行政区划"),
    "sha256": lazy("文件校验值"),
    "same_writing": lazy("统一姓名写法"),
    "since": lazy("生效日期"),
    "size": lazy("大小"),
    "staged": lazy("待生效的变更"),
    "stays": lazy("保留"),
    "taken_back": lazy("撤回的导入任务"),
    "gone": lazy("撤回新增"),
    "restored": lazy("恢复原内容"),
    "staged_by": lazy("提交人"),
    "sort": lazy("顺序"),
    "step": lazy("操作"),
    "table": lazy("统计表"),
    "taken": lazy("收回的权限"),
    "of_kind": lazy("分类"),
    "opened": lazy("自动开通"),
    "after": lazy("上一次记录"),
    "work_report": lazy("工作报告"),
    "text": lazy("文字"),
    "to": lazy("现在"),
    "token": lazy("接口令牌"),
    "town_name": lazy("乡镇名称"),
    "transfer": lazy("迁户"),
    "unchanged": lazy("没有变化"),
    "unplaced": lazy("未落到下级的"),
    "updated": lazy("更新"),
    "url": lazy("网址"),
    "valid_from": lazy("启用日期"),
    "valid_to": lazy("停用日期"),
    "village_name": lazy("村名称"),
    "whole": lazy("有一行有误即整批不导入"),
    "year": lazy("年度"),
}


#: What entries are about that belong to no register.
_OTHERS = {
    "account": lazy("用户"),
    "officer": lazy("负责人与责任人名单"),
    "region": lazy("行政区划"),
    "role": lazy("角色"),
    SYSTEM: lazy("系统"),
}
#: Keys whose values are rights as FAB keeps them.
_RIGHTS = ("given", "taken")
#: Keys whose value is the kind of a change of a division.
_CHANGE_KINDS = ("staged", "published", "cancelled")


@dataclass(frozen=True)
class Line:
    """One fact of an entry; ``before`` is None where nothing changed, else what it was."""

    label: str
    text: str
    before: str | None = None


def lines(entry: AuditEntry) -> list[Line]:
    """All that the entry says besides who, when and where."""
    detail = entry.detail or {}
    found = list(_changes(entry, detail.get("changes")))
    for key, value in detail.items():
        if key != "changes" and not is_missing(value) and value != {}:
            found.append(Line(label(key), _value(entry, key, value)))
    return found


def full(entry: AuditEntry) -> str:
    """All that the entry says as one text."""
    parts = []
    for line in lines(entry):
        was = "" if line.before is None else f"{line.before or '—'} → "
        parts.append(_("%(label)s：%(value)s", label=line.label, value=was + (line.text or "—")))
    return _("；").join(parts)


def summary(entry: AuditEntry) -> str:
    """The entry in one short line."""
    text = full(entry)
    return text if len(text) <= _SUMMARY else text[: _SUMMARY - 1] + "…"


def label(key: str) -> str:
    """What a key of an entry's detail is called."""
    return str(LABELS.get(key, key))


def register_title(name: str | None) -> str:
    """The title of a register or of a generated view; the household list is one too."""
    if name is None:
        return ""
    register = get_register(name)
    return register.label if register else str(_OTHERS.get(name) or policy.VIEWS.get(name, name))


def subjects() -> dict[str, str]:
    """Whatever entries can be about, with its title: registers, what belongs to none, generated views."""
    names = [*(register.name for register in all_registers()), *_OTHERS, *policy.VIEWS]
    return {name: register_title(name) for name in names}


def right_label(right: str) -> str:
    """A right as FAB keeps it, ``can_enter:…``, in words: what may be done, and in which register."""
    action, _colon, subject = right.partition(":")
    what = action_label(action)
    if action.removeprefix(policy.PREFIX) in policy.SYSTEM_ONLY:
        return what
    return _("%(what)s（%(where)s）", what=what, where=register_title(subject))


def action_label(action: str) -> str:
    """What may be done, ``can_enter``, in words."""
    name = action.removeprefix(policy.PREFIX)
    return Capability(name).label if name in list(Capability) else action


def masked(text: str) -> str:
    """Whatever in a text looks like an ID number or a phone, as lists show it."""
    text = _NUMBER.sub(lambda m: formats.mask_id(m[0]), text)
    return _PHONE.sub(lambda m: formats.mask_phone(m[0]), text)


def _changes(entry: AuditEntry, changes: Any) -> Iterator[Line]:
    if not isinstance(changes, Mapping):
        return
    register = get_register(entry.register or "")
    fields: Mapping[str, Field] = register.model.__fields__ if register else {}
    for name, pair in changes.items():
        old, new = pair if isinstance(pair, list | tuple) and len(pair) == 2 else (None, pair)
        made = fields.get(name)
        if made is not None:
            yield Line(translate(made.label), _field(made, new, entry), _field(made, old, entry))
        elif name in _settings():
            setting = settings.get(name)
            yield Line(translate(setting.label), _plain(new), _plain(old))
        elif name == "registers":
            yield Line(label(name), _registers(new), _registers(old))
        else:
            yield Line(label(name), _plain(new), _plain(old))


def _registers(given: Any) -> str:
    """What an account may do in which registers; None is all of them."""
    if not isinstance(given, Mapping):
        return _("全部模块")
    words = {str(access): access.label for access in RegisterAccess}
    return _("、").join(
        _("%(label)s：%(value)s", label=register_title(name), value=words.get(access, access))
        for name, access in given.items()
    )


def _settings() -> set[str]:
    return {setting.name for setting in settings.declared()}


def _field(made: Field, value: Any, entry: AuditEntry) -> str:
    if made.masked:
        return made.mask(value)
    if made.rows and isinstance(value, list):
        return _("；").join(
            " ".join(_field(f, row.get(f.name), entry) for f in made.rows if row.get(f.name))
            for row in value
        )
    return masked(made.said(value, entry.at))


def _value(entry: AuditEntry, key: str, value: Any) -> str:
    register = get_register(entry.register or "")
    if key == "field" and register and isinstance(value, str):
        made = register.model.__fields__.get(value)
        return translate(made.label) if made else value
    if key == "raw" and register and isinstance(value, Mapping):
        return _("；").join(_filter(register, name, said) for name, said in value.items())
    if key in ("from", "to") and value in list(State):
        return State(value).label
    if key == "step" and register and register.flow and (step := register.flow.get(str(value))):
        return done_word(step.label)
    if key == "transfer" and value in list(Word):
        return Word(value).label
    if key == "register":
        return register_title(str(value))
    if key in _RIGHTS and isinstance(value, list):
        return _("、").join(right_label(str(right)) for right in value)
    if key in _CHANGE_KINDS and value in list(ChangeKind):
        return ChangeKind(value).label
    if key == "table" and value == QUOTA:
        return _("任务量")
    if key == "table" and register and (table := register.table(str(value))):
        return translate(table.title)
    if key == "menu" and register:
        return _menu(register, str(value))
    if key == "of_kind" and register:
        return register.kind_label(str(value))
    if key == "filter" and isinstance(value, Mapping):
        return _("；").join(_filter(register, k, v) for k, v in value.items())
    if key == "setting" and value in _settings():
        return translate(settings.get(str(value)).label)
    return _plain(value)


def _menu(register: Any, name: str) -> str:
    return next((translate(m.title) for m in register.menus if m.name == name), name)


def _filter(register: Any, name: str, values: Any) -> str:
    made = register.model.__fields__.get(name) if register else None
    texts = [str(v) for v in (values if isinstance(values, list | tuple) else [values])]
    if made is not None:
        shown = [made.mask(t) if made.masked else masked(made.said(t)) for t in texts]
        return _("%(label)s：%(value)s", label=translate(made.label), value=_("、").join(shown))
    if name == "figure" and register and texts[0].partition("@")[0] in register.figures:
        texts = [register.figure_label(texts[0])]
    if name == "menu" and register:
        texts = [_menu(register, texts[0])]
    return _("%(label)s：%(value)s", label=label(name), value=masked(_("、").join(texts)))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, Choices):
        return value.label
    if isinstance(value, list | tuple):
        return _("、").join(_plain(v) for v in value)
    if isinstance(value, Mapping):
        return _("；").join(
            _("%(label)s：%(value)s", label=label(str(k)), value=_plain(v))
            for k, v in value.items()
        )
    if isinstance(value, dt.date):
        return value.isoformat()
    return masked(str(value))
