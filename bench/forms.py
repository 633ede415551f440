"""What a browser would send for a page's form: the successful controls, in order."""

from __future__ import annotations

from html.parser import HTMLParser


class _Controls(HTMLParser):
    """Collects the controls of the form that posts to the page's own address or to ``action``."""

    def __init__(self, action: str) -> None:
        super().__init__(convert_charrefs=True)
        self.action = action
        self.inside = False
        self.found: list[tuple[str, str]] = []
        self._select: str | None = None
        self._textarea: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            target = told.get("action", "").partition("?")[0]
            self.inside = told.get("method", "").lower() == "post" and target in ("", self.action)
        if not self.inside or "disabled" in told:
            return
        name = told.get("name", "")
        if tag == "input" and name and told.get("type", "text") not in _SILENT:
            if told.get("type") not in ("radio", "checkbox") or "checked" in told:
                self.found.append((name, told.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in told:
            self.found.append((self._select, told.get("value", "")))
        elif tag == "textarea" and name:
            self._textarea, self._text = name, ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._textarea:
            self.found.append((self._textarea, self._text))
            self._textarea = None


_SILENT = {"submit", "button", "reset", "file", "image"}


def controls(page: str, action: str) -> list[tuple[str, str]]:
    """(name, value) pairs of the form with this action, as a browser without scripts sends them."""
    parser = _Controls(action)
    parser.feed(page)
    if not parser.found:
        raise LookupError(f"the page holds no form that posts to {action}")
    return parser.found
