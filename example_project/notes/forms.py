"""The one form of the notes site."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from example_project.notes.models import Note


class NoteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Note
        fields = ("text",)
        labels = {"text": _("New note")}
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}
