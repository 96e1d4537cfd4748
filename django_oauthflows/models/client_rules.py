"""What is right for a client to be: the rules that every way of registering and changing one goes through."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from django_oauthflows.flows import registry
from django_oauthflows.models import redirect_uri as redirect_uris
from django_oauthflows.models.client_abilities import ClientAbilities
from django_oauthflows.scopes import declared_scopes


class ClientRules(ClientAbilities):
    """Says what is wrong with a client, by field, with a value that would be right."""

    def clean(self) -> None:
        """Raise ``ValidationError`` by field. Replaces the toolkit's rules, which allow more than ours."""
        found = {
            "name": self._name_problems(),
            "use_case": self._use_case_problems(),
            "flows": self._flow_problems(),
            "redirect_uris": self._redirect_uri_problems(),
            "post_logout_redirect_uris": self._uri_problems(self.post_logout_redirect_uris),
            "allowed_origins": self._origin_problems(),
            "allowed_scopes": self._scope_problems(self.allowed_scopes),
            "default_scopes": self._scope_problems(self.default_scopes, within=self.allowed_scopes),
        }
        errors: dict[str, Any] = {field: problems for field, problems in found.items() if problems}
        if errors:
            raise ValidationError(errors)

    def _name_problems(self) -> list[str]:
        return [] if self.name.strip() else [gettext("Give it a name: users see it when they are asked.")]

    def _use_case_problems(self) -> list[str]:
        case = self.declared_use_case
        return [gettext("This use case is not offered yet.")] if case and not case.offered else []

    def _flow_problems(self) -> list[str]:
        problems = []
        for name in self.flow_names:
            flow = next((flow for flow in registry.offered_flows() if flow.name == name), None)
            if flow is None:
                problems.append(gettext("There is no flow named “%(name)s”.") % {"name": name})
            elif self.client_type not in flow.client_types:
                problem = (
                    gettext("The flow “%(flow)s” is not for clients with a secret.")
                    if self.has_secret
                    else gettext("The flow “%(flow)s” is only for clients with a secret.")
                )
                problems.append(problem % {"flow": gettext(flow.label)})
        return problems

    def _redirect_uri_problems(self) -> list[str]:
        if not self.redirect_uris.strip() and registry.needs_redirect_uri(self.flow_names):
            return [
                gettext("Give the address to send the user back to, as in https://app.example.com/callback.")
            ]
        return self._uri_problems(self.redirect_uris)

    def _uri_problems(self, uris: str) -> list[str]:
        found = ((uri, redirect_uris.problem_with(uri, self.declared_use_case)) for uri in uris.split())
        return [f"{uri}: {problem}" for uri, problem in found if problem]

    def _origin_problems(self) -> list[str]:
        problems = []
        for origin in self.allowed_origins.split():
            try:
                parts = urlsplit(origin)
                whole = f"{parts.scheme}://{parts.netloc}" == origin and bool(parts.hostname)
            except ValueError:
                whole = False
            if not whole or "*" in origin or "@" in origin:
                problems.append(
                    gettext("%(origin)s: give scheme, host and port only, as in https://app.example.com.")
                    % {"origin": origin}
                )
            elif parts.scheme != "https" and not redirect_uris.is_loopback(origin):
                problems.append(gettext("%(origin)s: use https.") % {"origin": origin})
        return problems

    def _scope_problems(self, value: str, within: str | None = None) -> list[str]:
        declared = declared_scopes()
        problems = [
            gettext("There is no scope named “%(name)s”.") % {"name": name}
            for name in value.split()
            if name not in declared
        ]
        if within is not None:
            problems += [
                gettext("“%(name)s” is not among the allowed scopes.") % {"name": name}
                for name in value.split()
                if name in declared and name not in within.split()
            ]
        return problems
