"""Redirect URIs: which may be registered, which request matches one, and which part differs.

RFC 6749 §3.1.2, RFC 8252 §7 (native apps), RFC 9700 §2.1 and §4.1 (exact matching).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, parse_qsl, unquote_plus, urlencode, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauthflows.flows.base import EXAMPLES_ON_THE_WEB, UseCase
from django_oauthflows.option_forms import LOOPBACK_HOSTS, NUMERIC_LABEL

MAX_LENGTH = 2000

#: Names that an authorization response uses itself (RFC 6749 §4.1.2, §4.1.2.1, §4.2.2; RFC 9207 §2).
RESERVED_PARAMETERS = frozenset(
    {
        "access_token",
        "code",
        "error",
        "error_description",
        "error_uri",
        "expires_in",
        "id_token",
        "iss",
        "scope",
        "state",
        "token_type",
    }
)

#: RFC 1035 §2.3.4. Underscores are none of a host name's letters, but there are such hosts.
_MAX_HOST_LENGTH = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_GIVEN_OUT = ip_network("2000::/3")
#: From IPv4 to what once were routers of IPv6 (RFC 7526).
_RELAYS = ip_network("192.88.99.0/24")
#: What `Consent.redirect_host` and pages for people can show.
_MAX_SHOWN = 255

#: Schemes that run code or read files in the browser; never a place to send a code to.
_DANGEROUS_SCHEMES = frozenset(
    {
        "javascript",
        "data",
        "vbscript",
        "file",
        "blob",
        "about",
        "filesystem",
        "view-source",
        "jar",
        "ws",
        "wss",
        "ftp",
    }
)
_SHARED = ip_network("100.64.0.0/10")
_PRIVATE_DOMAINS = frozenset(
    {"local", "localdomain", "lan", "internal", "home", "corp", "intranet", "private", "test", "localhost"}
)
#: Schemes that the system or a browser opens by itself: no app of its own stands behind them.
_COMMON_SCHEMES = frozenset(
    {
        "chrome",
        "edge",
        "geo",
        "intent",
        "itms",
        "mailto",
        "market",
        "ms-settings",
        "opera",
        "sms",
        "tel",
        "urn",
        "webcal",
    }
)
#: Origins of pages that come with a browser's extension or inside an app: no website can have one.
_SHELL_SCHEMES = frozenset(
    {"app", "capacitor", "chrome-extension", "ionic", "moz-extension", "safari-web-extension", "tauri"}
)
#: RFC 3986 §2: what a URI can consist of. Leaves out spaces, control characters, backslash, non-ASCII, and a percent
#: sign that stands for nothing.
_URI_CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
#: An origin as a Content Security Policy can write it; anything else could end its directive.
_POLICY_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?")


def _split(uri: str) -> SplitResult | None:
    """The parts of ``uri``; ``None`` when it has no readable parts."""
    try:
        parts = urlsplit(uri)
        return None if parts.port == 0 else parts
    except ValueError:  # brackets that do not match, a port that is no number
        return None


def is_loopback(uri: str) -> bool:
    """Whether ``uri`` leads to the user's own device (RFC 8252 §7.3)."""
    parts = _split(uri)
    return parts is not None and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS


def is_private_use(uri: str) -> bool:
    """Whether ``uri`` opens an app by a scheme of its own (RFC 8252 §7.1)."""
    parts = _split(uri)
    return parts is not None and parts.scheme not in ("http", "https", "")


def host_of(uri: str) -> str:
    """Where ``uri`` leads, as a person should see it: the host, or the app's scheme."""
    parts = _split(uri)
    if parts is None:
        return ""
    place = parts.hostname or f"{parts.scheme}:"
    # A site's past may hold what cannot be registered here. Who it belongs to stands at the end.
    return place if len(place) <= _MAX_SHOWN else f"…{place[1 - _MAX_SHOWN :]}"


def origin_of(uri: str) -> str:
    """Scheme, host and port of ``uri``; the scheme alone for apps."""
    parts = _split(uri)
    if parts is None:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.hostname else f"{parts.scheme}:"


def is_safe_origin(origin: str, *, risk_accepted: bool) -> bool:
    """Whether pages of ``origin`` may be let in: nobody else can be in their place.

    https, the user's own device, and what a browser or an app's own shell vouches for (extensions, Capacitor and
    the like). http inside a private network only where staff accept the risk.
    """
    parts = _split(origin)
    if parts is None or not parts.hostname:
        return False
    if parts.scheme == "http":
        return is_loopback(origin) or (risk_accepted and is_in_private_network(parts.hostname))
    return parts.scheme == "https" or parts.scheme in _SHELL_SCHEMES


def policy_source(uri: str) -> str:
    """How a Content Security Policy names the place that ``uri`` leads to (CSP 3 §2.3.1).

    Its origin, or the scheme alone: for an app's own scheme, whose URIs have no host for a browser, and
    for a host that a policy cannot write, such as an IPv6 address.
    """
    origin = origin_of(uri)
    return origin if not origin or _POLICY_ORIGIN.fullmatch(origin) else f"{origin.partition(':')[0]}:"


def problem_with(uri: str, use_case: UseCase | None = None, *, risk_accepted: bool = False) -> str | None:
    """Why ``uri`` cannot be registered, with a value that would be right; ``None`` when it can.

    ``risk_accepted``: staff have said why the client may have an address that is allowed only then.
    """
    if len(uri) > MAX_LENGTH:
        sentence = ngettext(
            "This address is longer than %(limit)d character.",
            "This address is longer than %(limit)d characters.",
            MAX_LENGTH,
        )
        return sentence % {"limit": MAX_LENGTH}
    if not _URI_CHARACTERS.fullmatch(uri):
        return _(
            "An address can hold only plain letters, digits and URL signs: no spaces, backslashes or "
            "accented letters (write such a host in its xn-- form)."
        )
    parts = _split(uri)
    if parts is None or not parts.scheme:
        sentence = _("This is not a whole address. Start with the scheme, as in %(example)s.")
        return sentence % {"example": examples_for(use_case)[0]}
    return _problem_with_parts(uri, parts) or _problem_with_scheme(parts, use_case, risk_accepted)


def examples_for(use_case: UseCase | None) -> tuple[str, ...]:
    """Redirect URIs as an app of that use case would register them."""
    return EXAMPLES_ON_THE_WEB if use_case is None else use_case.redirect_uri_examples


def is_at_risk(uri: str, use_case: UseCase | None = None) -> bool:
    """Whether ``uri`` can be registered only when staff accept the risk."""
    return problem_with(uri, use_case) is not None and problem_with(uri, use_case, risk_accepted=True) is None


def is_in_private_network(host: str) -> bool:
    """Whether ``host`` can only be one of a network of its own: no stranger on the internet answers there.

    An address of RFC 1918, RFC 4193 or RFC 6598; a name without a dot, or one that ends in what no public
    registry gives out (RFC 6762 §3 and appendix G, RFC 6761, RFC 8375).
    """
    with suppress(ValueError):
        address = ip_address(host)
        return (address.is_private or address in _SHARED) and not (
            address.is_unspecified or address.is_reserved or address.is_multicast
        )
    return "." not in host or host.rpartition(".")[2] in _PRIVATE_DOMAINS or host.endswith(".home.arpa")


def problem_with_server(uri: str) -> str | None:
    """Why this site may not call ``uri`` by itself; ``None`` when it may.

    https only, and no address of the site's own network; on a developer's machine (``DEBUG``) programs there, too.
    Where a name leads to is looked at when it is called.
    """
    parts = _split(uri)
    if settings.DEBUG and parts is not None and parts.hostname in LOOPBACK_HOSTS:
        return problem_with(uri)
    if parts is None or parts.scheme != "https":
        return problem_with(uri) or _("Give an https address: this site calls it by itself.")
    host = parts.hostname or ""
    with suppress(ValueError):
        if not is_public(ip_address(host)):
            return _("Give an address outside of this site's own network: this site calls it by itself.")
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 §6.3
        return _("Give an address outside of this site's own network: this site calls it by itself.")
    return problem_with(uri)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is of a machine on the internet, and leads nowhere else: IPv6 has many ways to write an address of
    IPv4, or of a site's own network, and none of those is in what is given out to networks (RFC 4291 §2.4).
    """
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if isinstance(address, IPv6Address) and (address not in _GIVEN_OUT or address.sixtofour is not None):
        return False
    return address.is_global and not address.is_multicast and address not in _RELAYS


def is_reserved(name: str) -> bool:
    """Whether a client may take the parameter ``name`` for one of an authorization response.

    Not only in one spelling: what reads the query on the client's side may fold case, take ``.`` and a
    space for ``_``, and ``iss[]`` for a list of that name.
    """
    plain = re.split(r"[\[\0]", name.strip(), maxsplit=1)[0].casefold()
    return re.sub(r"[.\s]", "_", plain) in RESERVED_PARAMETERS


def with_answer(uri: str, members: Mapping[str, str], *, in_fragment: bool = False) -> str:
    """A redirect URI with an answer added to its query or fragment, and not a letter of its own changed.

    RFC 6749 §3.1.2: its query is kept. Who takes a URI apart and puts it together again writes ``app://`` and
    ``App:///cb`` otherwise, and the app does not know them any more.
    """
    rest, mark, fragment = uri.partition("#")
    told = urlencode(members)
    if in_fragment:
        return f"{rest}#{_joined(fragment, told)}"
    address, _mark, query = rest.partition("?")
    return f"{address}?{_joined(query, told)}{mark}{fragment}"


def without_answers(uri: str) -> str:
    """A redirect URI whose own query names no parameter of an answer: none of them may be forged or doubled."""
    address, mark, query = uri.partition("?")
    given = query.split("&")
    kept = [part for part in given if not is_reserved(unquote_plus(part.partition("=")[0]))]
    return uri if kept == given else address + mark * bool(kept) + "&".join(kept)


def _joined(*parts: str) -> str:
    return "&".join(filter(None, parts))


def _problem_with_query(query: str) -> str | None:
    # Some read a semicolon as "&".
    names = {name for name, _value in parse_qsl(query.replace(";", "&"), keep_blank_values=True)}
    taken = sorted(name for name in names if is_reserved(name))
    if not taken:
        return None
    return _(
        "Leave %(name)s out of the part after the question mark: answers carry a parameter of that name, "
        "and the app could take this one for it."
    ) % {"name": taken[0]}


def _problem_with_host(parts: SplitResult) -> str | None:
    host = parts.hostname or ""
    if "%" in parts.netloc:
        return _("Write the host without percent signs.")
    # An app's scheme is a domain, turned round.
    for name in (host, parts.scheme):
        if len(name) > _MAX_HOST_LENGTH or any(len(label) > 63 for label in name.split(".")):
            return _("A host has 253 letters at most, and no more than 63 between two dots.")
    if parts.scheme in ("https", "http") and host and not _is_plain_host(host):
        return _("%(host)s is no host; write it as in https://app.example.com/callback.") % {"host": host}
    return None


def _is_plain_host(host: str) -> bool:
    if ":" in host or NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        try:
            return bool(ip_address(host))
        except ValueError:
            return False
    return all(map(_LABEL.fullmatch, host.split(".")))


def _problem_with_parts(uri: str, parts: SplitResult) -> str | None:
    if "#" in uri:
        return _("Leave out the part from # on: a redirect address cannot have a fragment.")
    if "@" in parts.netloc:
        return _("Leave out the name and password before @.")
    if "*" in uri:
        return _("Wildcards (*) are not possible: list every address in full.")
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        return _("Write the path without . and .. in it.")
    return _problem_with_host(parts) or _problem_with_query(parts.query)


def _problem_with_scheme(parts: SplitResult, use_case: UseCase | None, risk_accepted: bool) -> str | None:
    if parts.scheme in _DANGEROUS_SCHEMES | _COMMON_SCHEMES:
        return _("%(scheme)s: addresses are never safe to redirect to. Use an https address.") % {
            "scheme": parts.scheme
        }
    if parts.scheme in ("https", "http"):
        if not parts.hostname:
            return _("The host is missing, as in https://app.example.com/callback.")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            if is_in_private_network(parts.hostname):
                return None if risk_accepted else _ACCEPT_HTTP % {"host": parts.netloc, "path": parts.path}
            return _(
                "http is possible only on the user's own device (127.0.0.1). Use https://%(host)s%(path)s instead."
            ) % {"host": parts.netloc, "path": parts.path}
        return None
    if use_case is not None and not use_case.private_use_schemes:
        return _("Only mobile and desktop apps can have a scheme of their own. Use an https address.")
    if "." not in parts.scheme and not risk_accepted:
        return _(
            "An app's own scheme should be a domain you own, turned round, such as com.example.app:/callback. Another "
            "app could take a scheme without a dot: allow this one only with the reason why you accept the risk."
        )
    return None


_ACCEPT_HTTP = gettext_lazy(
    "Without https, everybody in that network can read the answers. Use https://%(host)s%(path)s, or allow this "
    "address with the reason why you accept the risk."
)


def matches(registered: str, presented: str, *, any_loopback_port: bool) -> bool:
    """Whether a presented redirect URI is the registered one.

    Simple string comparison (RFC 9700 §2.1), but for the port of a loopback address, which a native
    app learns only when it runs (RFC 8252 §7.3). The name localhost, too: §8.3 advises against it, and editors and
    agents use it.
    """
    if registered == presented:
        return True
    if not any_loopback_port or not _URI_CHARACTERS.fullmatch(presented):
        return False
    ours, theirs = _split(registered), _split(presented)
    return (
        ours is not None
        and theirs is not None
        and ours.scheme == "http"
        and ours.hostname in LOOPBACK_HOSTS
        and "@" not in theirs.netloc
        and _without_port(registered, ours) == _without_port(presented, theirs)
    )


def _without_port(uri: str, parts: SplitResult) -> str:
    """``uri`` with the port cut out of it, and nothing else changed."""
    if parts.port is None:
        return uri
    bare = parts.netloc.rpartition(":")[0]
    return uri.replace(f"//{parts.netloc}", f"//{bare}", 1)


def difference(registered: str, presented: str) -> str:
    """Which part of a presented URI differs from a registered one, in a few words."""
    ours, theirs = _split(registered), _split(presented)
    if ours is None or theirs is None:
        return _("it is not a whole address")
    for sentence, one, other in (
        (_("the scheme differs"), ours.scheme, theirs.scheme),
        (_("the host differs"), ours.hostname, theirs.hostname),
        (_("the port differs"), ours.port, theirs.port),
        (_("the path differs"), ours.path, theirs.path),
        (_("the query differs"), ours.query, theirs.query),
        (_("the fragment differs"), ours.fragment, theirs.fragment),
    ):
        if one != other:
            return sentence
    return _("the spelling differs")


def twins(uris: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different URIs that a person would take for one: but for case, a last slash or the usual port.

    Both are right (RFC 9700 §2.1: exact matching); who registers them mostly means one.
    """
    alike: dict[str, list[str]] = {}
    for uri in dict.fromkeys(uris):
        alike.setdefault(_as_read(uri), []).append(uri)
    return [(first, other) for first, *others in alike.values() for other in others]


def _as_read(uri: str) -> str:
    path, mark, query = uri.lower().partition("?")
    port = {"https": ":443", "http": ":80"}.get(path.partition(":")[0], "")
    head, slashes, rest = path.partition("://")
    host, slash, tail = rest.partition("/")
    host = host.removesuffix(port) if port else host
    return f"{head}{slashes}{host}{slash}{tail}".rstrip("/") + mark + query
