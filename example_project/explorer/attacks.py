"""*What if?* Each attack on a flow: what it is, where it comes from, and how it is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType, Flow
from example_project.explorer import attempts
from example_project.explorer.attempts import Answer
from example_project.explorer.run import Outcome, PendingRequest, Redirect, Runner


def _has_secret(flow: Flow) -> bool:
    return ClientType.CONFIDENTIAL in flow.client_types


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. One that needs an authorization response of its own first sends the browser for it.

    ``threatens`` tells by a flow's declaration whether it can be tried on it.
    """

    name: str
    title: str
    danger: str
    source: str
    threatens: Callable[[Flow], bool]
    alone: Callable[[Runner], Outcome | Redirect] | None = None
    with_answer: Callable[[Runner, Answer, PendingRequest], Outcome] | None = None

    def start(self, runner: Runner) -> Outcome | Redirect:
        if self.alone is not None:
            return self.alone(runner)
        pending = PendingRequest(self.name)
        runner.run.begin(pending)
        return Redirect(runner.authorization_request(pending))


ATTACKS: tuple[Attack, ...] = (
    Attack(
        "wrong-redirect-uri",
        _("The answer is sent to another address"),
        _("An attacker changes the redirect URI, to have the code or token delivered to them."),
        "RFC 9700 §4.1",
        lambda flow: flow.visits_authorization_endpoint,
        alone=attempts.wrong_redirect_uri,
    ),
    Attack(
        "changed-state",
        _("Somebody slips in an answer of their own"),
        _("An attacker gets the user's browser to bring an answer that the client did not ask for."),
        "RFC 6749 §10.12",
        lambda flow: flow.visits_authorization_endpoint,
        alone=attempts.changed_state,
    ),
    Attack(
        "stolen-code",
        _("The code is stolen"),
        _("Somebody reads the code in the browser and tries to swap it, without the verifier."),
        "RFC 7636 §1",
        lambda flow: flow.gives_code,
        with_answer=attempts.stolen_code,
    ),
    Attack(
        "replayed-code",
        _("A code is used twice"),
        _("Somebody finds a used code in a log or in the browser's history, and tries it again."),
        "RFC 6749 §4.1.2",
        lambda flow: flow.gives_code,
        with_answer=attempts.replayed_code,
    ),
    Attack(
        "replayed-refresh-token",
        _("An old refresh token is used again"),
        _("A copy of a refresh token was stolen, and thief and client both use it."),
        "RFC 9700 §4.14.2",
        lambda flow: flow.continues,
        with_answer=attempts.replayed_refresh_token,
    ),
    Attack(
        "replayed-nonce",
        _("The ID token of another login is slipped in"),
        _("An attacker got hold of an ID token and puts it in the place of the one that a new login gives."),
        "OpenID Connect Core §3.1.3.7, §15.5.2",
        lambda flow: flow.gives_code,
        with_answer=attempts.replayed_nonce,
    ),
    Attack(
        "id-token-at-api",
        _("The ID token is used as an access token"),
        _("An app sends the ID token to the API, or somebody who found one does."),
        "RFC 9068 §5, RFC 8725 §3.11",
        lambda flow: flow.gives_code,
        with_answer=attempts.id_token_at_api,
    ),
    Attack(
        "wrong-audience",
        _("The ID token of one app is used at another"),
        _("A dishonest app passes the ID token of its user on, to be let in elsewhere as that user."),
        "OpenID Connect Core §3.1.3.7",
        lambda flow: flow.gives_code,
        with_answer=attempts.wrong_audience,
    ),
    Attack(
        "forged-hint",
        _("A forged ID token is sent as a hint"),
        _(
            "An attacker makes up an ID token, to find out who is logged in or to have somebody else logged in."
        ),
        "OpenID Connect Core §3.1.2.1",
        lambda flow: flow.gives_code,
        with_answer=attempts.forged_hint,
    ),
    Attack(
        "more-scope",
        _("The client asks for more than it may have"),
        _("A client tries to get a scope that is not on its list."),
        "RFC 6749 §3.3",
        lambda flow: flow.visits_authorization_endpoint,
        alone=attempts.more_scope_at_login,
    ),
    Attack(
        "more-scope-machine",
        _("The machine asks for more than it may have"),
        _("A machine tries to get a scope that staff did not give it."),
        "RFC 6749 §3.3",
        lambda flow: not flow.has_user,
        alone=attempts.more_scope_for_a_machine,
    ),
    Attack(
        "more-scope-refresh",
        _("Refreshing asks for more than the user allowed"),
        _("A client tries to widen what it was given, while the user is away."),
        "RFC 6749 §6",
        lambda flow: flow.continues,
        with_answer=attempts.more_scope_by_refreshing,
    ),
    Attack(
        "wrong-secret",
        _("Somebody guesses the client's secret"),
        _("An attacker knows the client id, which is public, and tries a secret."),
        "RFC 6749 §2.3.1",
        _has_secret,
        alone=attempts.wrong_secret,
    ),
    Attack(
        "expired-token",
        _("A token has expired"),
        _(
            "Somebody finds an old token. This one lives one second: the explorer gets it, waits, and calls the API."
        ),
        "RFC 6750 §3.1",
        lambda flow: True,
        alone=attempts.expired_token,
    ),
    Attack(
        "other-client",
        _("Another client gets hold of the token"),
        _("Another client asks about the token, tries to end it and, where there is one, to refresh it."),
        "RFC 7009 §2.1, RFC 7662 §4",
        lambda flow: flow.has_user and registry.beginning_of(flow).visits_authorization_endpoint,
        with_answer=attempts.others_token,
    ),
    Attack(
        "device-phishing-link",
        _("Somebody sends the user a link with their own device's code in it"),
        _("An attacker's television shows a code; they send its link, so that the user allows it unseen."),
        "RFC 8628 §5.4",
        lambda flow: flow.asks_elsewhere,
        alone=attempts.phishing_link,
    ),
    Attack(
        "device-guess",
        _("Somebody guesses codes"),
        _(
            "The code on the screen is short, so an attacker tries many; and makes up the code that a device keeps."
        ),
        "RFC 8628 §5.1, §5.2",
        lambda flow: flow.asks_elsewhere,
        alone=attempts.guessed_codes,
    ),
    Attack(
        "device-other-client",
        _("Another client asks with the device's code"),
        _("Somebody else's device got hold of the code and asks for the tokens."),
        "RFC 8628 §3.4, RFC 6749 §5.2",
        lambda flow: flow.asks_elsewhere,
        alone=attempts.code_of_another_device,
    ),
    Attack(
        "device-code-twice",
        _("A device's code is used twice"),
        _(
            "A thief has copied the code that the device keeps, and asks again after the device got its tokens. "
            "This one needs your answer as the user: press it, answer in the other tab, and press it again."
        ),
        "RFC 6749 §4.1.2",
        lambda flow: flow.asks_elsewhere,
        alone=attempts.device_code_twice,
    ),
    Attack(
        "device-code-late",
        _("A device's code is used after its end"),
        _(
            "Somebody finds a code that nobody answered in time. The explorer turns its clock on by ten minutes."
        ),
        "RFC 8628 §3.5",
        lambda flow: flow.asks_elsewhere,
        alone=attempts.device_code_after_its_end,
    ),
    Attack(
        "other-client-machine",
        _("Another client gets hold of the machine's token"),
        _("Another client asks about the token and tries to end it."),
        "RFC 7009 §2.1, RFC 7662 §4",
        lambda flow: not flow.has_user,
        alone=attempts.others_machine_token,
    ),
)


def attacks_on(flow: Flow) -> tuple[Attack, ...]:
    return tuple(attack for attack in ATTACKS if attack.threatens(flow))


def attack_named(name: str, flow: Flow) -> Attack | None:
    return next((attack for attack in attacks_on(flow) if attack.name == name), None)
