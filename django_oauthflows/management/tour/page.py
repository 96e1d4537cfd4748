"""Pages as a program sees them: the form that carries the user's decision, or the code of a device."""

from __future__ import annotations

from html.parser import HTMLParser

_Fields = list[tuple[str, str]]


class _Forms(HTMLParser):
    """Collects, per form, what a browser would send: hidden fields and ticked boxes; and what a user fills in
    or presses.
    """

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[_Fields, set[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, kind = given.get("name") or "", given.get("type") or ""
        if tag == "form":
            self.forms.append(([], set()))
        elif self.forms and name and (tag == "button" or (tag == "input" and kind == "text")):
            self.forms[-1][1].add(name)
        elif (
            self.forms
            and name
            and tag == "input"
            and (kind == "hidden" or (kind in ("checkbox", "radio") and "checked" in given))
        ):
            self.forms[-1][0].append((name, given.get("value") or ""))


def fields_beside(name: str, html: str) -> _Fields | None:
    """What the form sends in which a user decides on ``name``; ``None`` when there is no such form."""
    parser = _Forms()
    parser.feed(html)
    return next((fields for fields, of_user in parser.forms if name in of_user), None)
