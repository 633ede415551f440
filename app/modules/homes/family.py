"""The family: who it is, what changed, how it lives (2024 manual 1.2.1; spec 02 "Form")."""

from __future__ import annotations

from app.kernel.declare import fields as f
from app.kernel.rows.household import Sex
from app.modules.homes.choices import Living, OtherHome


class Family(f.Declared):
    """农户基本信息 and 家庭变化情况."""

    corrected_id = f.id_number(
        "更正身份证号",
        required=False,
        help="下发的身份证号有误时填写正确的号码；下发的号码保留不变",
    )
    sex = f.choice("性别", Sex, required=False)
    ethnicity = f.listed("民族", "ethnicity", required=False)
    population = f.integer("家庭户籍人数", 1, 30, unit="人", required=False)
    phone = f.phone("当前联系电话", required=False)
    village_group = f.text("村民小组", 40, required=False)

    died = f.yes_no("是否死亡销户", help="选择“是”则不需要录入其他信息")
    head_changed = f.yes_no("户主是否变更")
    new_head_name = f.person("新户主姓名", shown=head_changed.yes)
    new_head_id = f.id_number("新户主身份证号", shown=head_changed.yes)
    new_head_phone = f.phone("新户主联系电话", shown=head_changed.yes, required=False)
    new_head_relation = f.listed("与原户主关系", "relation", shown=head_changed.yes)
    split = f.yes_no("是否分户")
    split_heads = f.children(
        "分户户主信息",
        f.row("name", f.person("姓名")),
        f.row("id_number", f.id_number("身份证号")),
        f.row("phone", f.phone("联系电话", required=False)),
        shown=split.yes,
        low=1,
        high=5,
    )
    moved = f.yes_no("是否迁户", help="选择“是”保存后提出迁户申请，不需要录入其他信息")
    new_place = f.region("迁户后的地区", shown=moved.yes, help="具体到行政村")


class Home(f.Declared):
    """现住房情况."""

    living = f.choice("现住房情况", Living)
    other_home = f.choice("其他安全住房", OtherHome, shown=living.is_(Living.OTHER))
    other_home_text = f.long_text("其他情况说明", 200, shown=other_home.is_(OtherHome.OTHER))
