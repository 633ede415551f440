"""What an account's owner calls a device, from what its browser says of itself."""

from __future__ import annotations

from app.core.i18n import mark, translate

_BROWSERS = {
    "MicroMessenger": mark("微信"),
    "Edg": "Edge",
    "HuaweiBrowser": mark("华为浏览器"),
    "360SE": mark("360浏览器"),
    "QQBrowser": mark("QQ浏览器"),
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "HarmonyOS": "HarmonyOS",
    "OpenHarmony": "HarmonyOS",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}
_BETWEEN = " · "


def device_of(user_agent: str) -> str:
    """Like ``Chrome · Windows``; of several names the first that is known, empty if none is."""
    found = [
        next((name for mark, name in marks.items() if mark in user_agent), "")
        for marks in (_BROWSERS, _SYSTEMS)
    ]
    return _BETWEEN.join(filter(None, found))


def shown(device: str) -> str:
    """The same in the reader's language."""
    return _BETWEEN.join(translate(name) for name in device.split(_BETWEEN))
