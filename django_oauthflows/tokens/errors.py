"""What can be wrong with the text of a token. The causes are deliberately not told: nobody learns by trying."""

from __future__ import annotations


class BadToken(ValueError):  # noqa: N818 - the field says "bad token"
    """The text is not a token of this kind that we sealed."""


class BadSignature(ValueError):  # noqa: N818 - as `BadToken`
    """Not a token that this key signed, or not one of ours in form."""


class Expired(ValueError):  # noqa: N818 - the field's word
    """A good token whose time is over."""


class TokenTooLong(ValueError):  # noqa: N818 - says what is wrong
    """What a token was to hold does not fit into one that would be accepted again."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"The token would have {length} characters; {limit} is the limit.")
        self.length = length
        self.limit = limit


class BrokenSeal(ValueError):  # noqa: N818 - the thing, not the error
    """The text is nothing that was encrypted with one of the site's keys, for this purpose."""
