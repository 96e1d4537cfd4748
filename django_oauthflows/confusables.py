"""Text that others chose, made safe to read: nothing invisible, and told when it looks like other text.

``skeleton`` follows the idea of Unicode TS 39 §4 with a small table of its own: the Cyrillic and Greek
letters, digits and pairs of letters that are commonly passed off for Latin ones. It finds everyday
confusables, not every possible one; that is why the page always shows the host in full as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

NAME_LENGTH = 120
#: Characters without a shape of their own: controls, direction changes, zero width, unassigned.
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
#: Letters, signs and marks that show nothing, though their category does not say so.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0").union(map(chr, range(0xFE00, 0xFE10)))
#: So many marks stand on one letter in any language; more of them reach into the lines around.
_MARKS = 3
#: Where a mail program would see an address: after these, right before what follows.
_IN_ADDRESS = re.compile(r"(?<=[.:/@])(?=\S)")
#: What a letter can be taken for, small letters only: text is case-folded before.
_TAKEN_FOR = str.maketrans(
    # Cyrillic, Greek, digits and signs, Latin letters that no decomposition turns into plain ones.
    "авекмнорстухіјѕԁԛԝһӏгпьзαβεηικμνορτυχωγ0135|!$@ıłøđħɡɑʟɩ",
    "abekmhopctyxijsdqwhlrnbeabenikmvoptuxwyolesllsailodhgali",
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("i", "l"))


def readable(text: str, limit: int = NAME_LENGTH) -> str:
    """``text`` on one line, without characters that hide, reorder or break what stands around it."""
    # Nothing that ASCII can print is hidden, a mark, or a blank but the space.
    shown = text if text.isascii() and text.isprintable() else "".join(_shown(text))
    short = " ".join(shown.split())
    return short if len(short) <= limit else f"{short[: limit - 1]}…"


def _shown(text: str) -> Iterator[str]:
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if letter.isspace():
            yield " "
        elif category not in _INVISIBLE and letter not in _BLANK and marks <= _MARKS:
            yield letter


def unlinked(text: str) -> str:
    """``text`` that no mail program turns into a link: a name may be an address, and we vouch for none.

    A word joiner (U+2060), which nobody sees, parts what would be taken for one.
    """
    return _IN_ADDRESS.sub("\u2060", text)


def skeleton(text: str) -> str:
    """What is left of ``text`` for a hasty reader: texts with the same skeleton look alike."""
    decomposed = unicodedata.normalize("NFKD", readable(text, limit=1000).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    bare = "".join(letter for letter in plain.translate(_TAKEN_FOR) if letter.isalnum())
    for pair, single in _PAIRS:
        bare = bare.replace(pair, single)
    return bare


def host_skeleton(host: str) -> str:
    """The skeleton of a host name, its ``xn--`` labels read as the letters that they stand for."""
    return skeleton(".".join(_label(label) for label in host.split(".")))


def in_letters(host: str) -> str:
    """A host with ``xn--`` labels (RFC 5891) as people of its language write it; empty for any other.

    Empty, too, when the labels stand for anything but letters, digits, marks and hyphens.
    """
    written = ".".join(map(_label, host.split(".")))
    plain = all(letter in ".-" or unicodedata.category(letter)[0] in "LNM" for letter in written)
    labels = zip(host.split("."), written.split("."), strict=False)
    whole = host.count(".") == written.count(".") and all(
        mine == other or not other.isascii() for mine, other in labels
    )
    return readable(written, limit=255) if written != host and plain and whole else ""


def _label(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
