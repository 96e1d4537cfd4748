"""The names of the OpenID Foundation's modules: each has a test of its name here, or a reason why it has none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_environment

HERE = Path(__file__).parent

BASIC = (
    "oidcc-server oidcc-response-type-missing oidcc-idtoken-signature oidcc-userinfo-get "
    "oidcc-userinfo-post-header oidcc-userinfo-post-body "
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow oidcc-scope-profile oidcc-scope-email "
    "oidcc-scope-address oidcc-scope-phone oidcc-scope-all oidcc-ensure-other-scope-order-succeeds "
    "oidcc-display-page oidcc-display-popup oidcc-prompt-login oidcc-prompt-none-not-logged-in "
    "oidcc-prompt-none-logged-in oidcc-max-age-1 oidcc-max-age-10000 "
    "oidcc-ensure-request-with-unknown-parameter-succeeds oidcc-id-token-hint oidcc-login-hint "
    "oidcc-ui-locales oidcc-claims-locales oidcc-ensure-request-with-acr-values-succeeds oidcc-codereuse "
    "oidcc-codereuse-30seconds oidcc-ensure-registered-redirect-uri oidcc-ensure-post-request-succeeds "
    "oidcc-server-client-secret-post oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported "
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported oidcc-claims-essential "
    "oidcc-ensure-request-object-with-redirect-uri oidcc-refresh-token "
    "oidcc-ensure-request-with-valid-pkce-succeeds"
)
CONFIG = (
    "oidcc-discovery-endpoint-verification oidcc-server-rotate-keys oidcc-idtoken-rs256 oidcc-userinfo-rs256 "
    "oidcc-redirect-uri-query-OK oidcc-redirect-uri-regfrag oidcc-registration-sector-uri"
)
LOGOUT = (
    "oidcc-rp-initiated-logout oidcc-rp-initiated-logout-bad-post-logout-redirect-uri "
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri "
    "oidcc-rp-initiated-logout-no-post-logout-redirect-uri oidcc-rp-initiated-logout-no-state "
    "oidcc-rp-initiated-logout-no-params oidcc-rp-initiated-logout-only-state "
    "oidcc-rp-initiated-logout-no-id-token-hint oidcc-rp-initiated-logout-bad-id-token-hint "
    "oidcc-rp-initiated-logout-modified-id-token-hint oidcc-backchannel-rp-initiated-logout "
    "oidcc-logout-discovery-endpoint-verification"
)
#: Why there is no test of the name.
NOT_TRIED = {
    "oidcc-ensure-request-without-nonce-fails": "of the Implicit OP's plan: no ID token travels in a redirect here",
    "oidcc-idtoken-unsigned": "the algorithm none is not offered, so the suite skips it",
    "oidcc-alternate-happy-flow": "a second run of oidcc-server",
}
FILES = sorted(HERE.glob("test_*.py"))


@pytest.mark.parametrize("module", f"{BASIC} {CONFIG} {LOGOUT}".split())
def test_each_module_is_tried_by_a_test_of_its_name(module: str) -> None:
    wanted = module.replace("-", "_").lower()
    named = {name for file in FILES for name in re.findall(r"def test_(oidcc_\w+)", file.read_text())}
    # One test of several modules says which in its first line.
    also = {
        name
        for file in FILES
        for name in re.findall(r'"""(oidcc-[a-z-]+), (oidcc-[a-z-]+)', file.read_text())
    }
    assert wanted in named or module in {name for names in also for name in names}
    assert module not in NOT_TRIED
