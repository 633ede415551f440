"""Choices as lists of civil affairs and of villages write them."""

from __future__ import annotations

_WRITTEN = {
    "relapse": "易返贫户 易致贫户 农村易返贫致贫户 返贫致贫户 监测户 监测对象 三类户 脱贫不稳定户 边缘易致贫户",
    "allowance": "低保 低保户 农村低保 农村低保对象 低保对象 最低生活保障户 农村最低生活保障户",
    "destitute": "五保 五保户 农村五保户 特困 特困户 特困人员 特困供养人员 农村特困人员 农村特困供养人员 分散供养 "
    "分散特困 分散供养特困人员 分散特困供养人员 农村分散特困人员",
    "stricken": "突发严重困难户 突发困难户 严重困难户 严重困难家庭 支出型困难家庭 刚性支出困难家庭 支出型贫困家庭",
    "borderline": "低保边缘 低保边缘户 低保边缘家庭 农村低保边缘户 低保边缘对象 最低生活保障边缘家庭",
    "exited": "一般脱贫户 其它脱贫户",
}

#: How people write one of the six groups -> its code.
HARDSHIP = {word: group for group, words in _WRITTEN.items() for word in words.split()}
