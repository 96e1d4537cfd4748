"""Text that others chose, made safe to read: nothing invisible, and told when it looks like other text.

``skeleton`` follows the idea of Unicode TS 39 §4 with a small table of its own: the Cyrillic and Greek
letters, digits and pairs of letters that are commonly passed off for Latin ones. It finds everyday
imitations, not every possible one; that is why the page always shows the host in full as well.
"""

from __future__ import annotations

import unicodedata

NAME_LENGTH = 120
#: Characters without a shape of their own: controls, direction changes, zero width, unassigned.
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
#: What a letter can be taken for, small letters only: text is case-folded before.
_TAKEN_FOR = str.maketrans(
    # Cyrillic, Greek, digits and signs, Latin letters that no decomposition turns into plain ones.
    "авекмнорстухіјѕԁԛԝһӏгпьзαβεηικμνορτυχωγ0135|!$@ıłøđħɡɑʟɩ",
    "abekmhopctyxijsdqwhlrnbeabenikmvoptuxwyolesllsailodhgali",
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("i", "l"))


def readable(text: str, limit: int = NAME_LENGTH) -> str:
    """``text`` on one line, without characters that hide, reorder or break what stands around it."""
    spaced = "".join(
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter) not in _INVISIBLE
    )
    short = " ".join(spaced.split())
    return short if len(short) <= limit else f"{short[: limit - 1]}…"


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


def _label(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
