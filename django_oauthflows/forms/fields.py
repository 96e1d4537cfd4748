"""Form fields for what the models keep as words in one line: redirect URIs, scopes, flows."""

from __future__ import annotations

from typing import Any

from django import forms

from django_oauthflows.scopes import declared_scopes, scope_string


class LinesField(forms.CharField):
    """Values that the model keeps in one line, separated by spaces, shown one per line."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value.split()) if isinstance(value, str) else value

    def clean(self, value: Any) -> str:
        return " ".join(str(super().clean(value) or "").split())

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(initial or "").split() != str(data or "").split()


class WordsField(forms.MultipleChoiceField):
    """Names that the model keeps in one line, separated by spaces, shown as boxes to tick."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(str(initial or "").split()) != set(data or ())


class ScopesField(WordsField):
    """Some of the site's scopes."""

    def offer(self, kept: str = "") -> None:
        """Let the scopes of the site be chosen, and those that a client has though they are gone."""
        declared = declared_scopes()
        names = declared.ordered([*declared.grantable, *kept.split()])
        self.choices = [
            (name, f"{declared[name].label} ({name})" if name in declared else name) for name in names
        ]

    def clean(self, value: Any) -> str:
        return scope_string(super().clean(value))


class FlowsField(WordsField):
    """Some of the flows that a type of client can have."""

    def clean(self, value: Any) -> str:
        return " ".join(super().clean(value))
