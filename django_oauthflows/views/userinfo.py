"""The UserInfo endpoint (OpenID Connect Core §5.3): what an app may know of its user, now."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View

from django_oauthflows.database import without_transaction
from django_oauthflows.openid.subject import objection_to_names
from django_oauthflows.openid.userinfo import signed, userinfo
from django_oauthflows.resource_server import challenges
from django_oauthflows.resource_server.access import require
from django_oauthflows.resource_server.challenges import Refused
from django_oauthflows.scopes import OPENID, offers_openid
from django_oauthflows.views.decorated import decorated
from django_oauthflows.views.endpoint import add_cors, postpones, preflight
from django_oauthflows.views.known_host import at_known_hosts, unknown_host_json

_METHODS = "GET, HEAD, POST, OPTIONS"


@decorated(csrf_exempt, login_not_required, without_transaction, at_known_hosts(unknown_host_json), postpones)
class UserInfoView(View):
    """GET and POST (§5.3.1), with the access token in the header. Errors are those of RFC 6750 §3."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not offers_openid():
            raise Http404
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response

    @sensitive_variables()
    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            # Asked anew, whatever a site believes elsewhere: who has been shut out is told nothing more.
            access = require(request, [OPENID], believe_signature=False)
            if access.is_machine:
                raise Refused(challenges.invalid_token("no user"))
            if objection_to_names(access.client):
                raise Refused(challenges.invalid_token("no names for users"))
        except Refused as refused:
            response: HttpResponse = refused.refusal.response(request)
            add_cors(request, response)
            response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
            return response
        claims = userinfo(request, access)
        if access.client.userinfo_algorithm:
            response = HttpResponse(signed(request, access, claims), content_type="application/jwt")
        else:
            response = JsonResponse(claims)
        add_cors(request, response)
        return response

    post = get

    def options(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return preflight(request, _METHODS)
