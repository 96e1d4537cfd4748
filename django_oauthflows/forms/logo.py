"""An uploaded logo: checked, made small and written anew, so that nothing of the file as it came is served."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.http.request import validate_host
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from django_oauthflows import logos
from django_oauthflows.conf import named_origin

#: In bytes; of what is uploaded.
MAX_BYTES = 1_000_000
#: Width times height, before anything is decoded: a small file can hold a very large picture.
MAX_PIXELS = 16_000_000
#: A JPEG may go over its whole picture as often as it likes, at 30 bytes a time: 1 MB of that takes minutes to read.
#: What programs write has about ten scans, and a small picture of itself may have as many.
MAX_SCANS = 50
#: Starts a scan; within one, a byte of 255 is followed by a zero (ITU-T T.81, B.1.1.2 and B.1.1.5).
_SCAN = b"\xff\xda"
MIN_SIDE = 32
#: Width and height of what is kept: enough for 64 pixels on a fine screen.
SIDE = 192
#: Formats that are pictures and nothing else. SVG is a document that can run scripts.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


class LogoField(forms.FileField):
    """Takes a picture; gives a small PNG, whatever came."""

    widget = forms.ClearableFileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"})

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Logo"))
        kwargs.setdefault("required", False)
        kwargs.setdefault(
            "help_text",
            _("PNG, JPEG, WebP or GIF, best square, of at most 1 MB. It is kept by this site, made small."),
        )
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """The file that there is, to be linked to and taken away; ``None`` without one."""
        return value or None

    def clean(self, data: Any, initial: Any = None) -> Any:
        uploaded = super().clean(data, initial)
        # False: it is to be taken away. What is there already is no new file.
        return uploaded if not uploaded or uploaded is initial or data is None else made_anew(uploaded)


def made_anew(uploaded: Any) -> ContentFile[bytes]:
    """A square PNG of the picture. Raises ``ValidationError`` for what is no picture, or too large a one."""
    if uploaded.size > MAX_BYTES:
        raise ValidationError(gettext("This file is larger than 1 MB. Choose a smaller one."))
    try:
        with Image.open(uploaded, formats=FORMATS) as picture:
            _check_size(*picture.size)
            if isinstance(picture, JpegImageFile):
                _check_scans(uploaded)
            small = _small(picture)
    except ValidationError:
        raise
    except Image.DecompressionBombError:
        raise ValidationError(_too_many_pixels()) from None
    except Exception as error:  # every format has errors of its own for a broken file
        raise ValidationError(
            gettext("This file is no picture that can be read: choose a PNG, JPEG, WebP or GIF.")
        ) from error
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    return ContentFile(written.getvalue(), name="logo.png")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValidationError(_too_many_pixels())
    if min(width, height) < MIN_SIDE:
        raise ValidationError(gettext("This picture is too small: 32 by 32 pixels are the least."))


def _check_scans(uploaded: Any) -> None:
    """Raises ``ValueError``. The file is at most ``MAX_BYTES`` long, and is left where its reader was."""
    here = uploaded.tell()
    uploaded.seek(0)
    scans = uploaded.read().count(_SCAN)
    uploaded.seek(here)
    if scans > MAX_SCANS:
        raise ValueError("a JPEG of too many scans")


def _too_many_pixels() -> str:
    return gettext("This picture has too many pixels: 4000 by 4000 are the most.")


def _small(picture: Image.Image) -> Image.Image:
    """The first frame, upright, in a square. Only the pixels are taken along: no place, no comments, no profile."""
    picture.draft("RGB", (SIDE * 2, SIDE * 2))
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    fitted = ImageOps.contain(upright, (SIDE, SIDE))
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(fitted, ((SIDE - fitted.width) // 2, (SIDE - fitted.height) // 2))
    return square


def problem_with_address(address: str) -> str:
    """Why a logo at ``address`` would never be shown; empty where it would."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    own = f"{parts.scheme}://{parts.netloc}"
    here = own == named_origin() or validate_host((parts.hostname or "").lower(), settings.ALLOWED_HOSTS)
    if logos.is_of_site(address) or (here and logos.is_of_site(parts.path) and not parts.query):
        return ""
    return gettext(
        "This logo would never be shown: pages for users load nothing from elsewhere. Upload the picture instead."
    )
