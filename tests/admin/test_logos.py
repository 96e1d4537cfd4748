"""Logos: uploaded by staff, written anew, kept and served by the site, and shown to users from nowhere else."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as UserAgent
from PIL import Image, PngImagePlugin

from django_oauthflows.models import Client
from tests.admin.conftest import form_data
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]
ADD = "/admin/django_oauthflows/client/add/?use_case=web"


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def app() -> Client:
    return ClientFactory(name="Calendar")[0]


def picture(size: tuple[int, int] = (400, 300), form: str = "PNG", **more: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "#aa3366").save(written, form, **more)
    return written.getvalue()


def upload(boss: UserAgent, app: Client, content: bytes, name: str = "logo.png") -> str:
    """What staff read afterwards."""
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    data = form_data(boss.get(path)) | {"logo": SimpleUploadedFile(name, content)}
    answer = boss.post(path, data, follow=True)
    assert answer.status_code == 200
    app.refresh_from_db()
    return str(answer.content.decode())


def files(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_made_small_and_shown_to_users(
    boss: UserAgent, app: Client, media: Path, form: str
) -> None:
    upload(boss, app, picture(form=form), f"my {form}.{form.lower()}")
    (kept,) = files(media)
    with Image.open(kept) as logo:
        assert (logo.format, logo.size) == ("PNG", (192, 192))
    user_agent = UserAgent()
    user_agent.force_login(UserFactory())
    page = Walk(user_agent, app).ask()
    address = f"/media/{kept.relative_to(media)}"
    assert f'<img class="oauthflows-logo" src="{address}" alt=""' in page.content.decode()
    assert "img-src 'self';" in page["Content-Security-Policy"]
    # Nothing of the name that it had.
    assert "my" not in kept.name


def test_nothing_but_the_pixels_is_kept(boss: UserAgent, app: Client, media: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script>")
    upload(boss, app, picture(pnginfo=notes) + b"<?php evil() ?><script>alert(2)</script>", "x.php")
    (kept,) = files(media)
    assert kept.suffix == ".png"
    for part in (b"script", b"php", b"Comment"):
        assert part not in kept.read_bytes()


def test_a_picture_that_is_sharpened_step_by_step_is_taken(boss: UserAgent, app: Client, media: Path) -> None:
    upload(boss, app, picture((800, 600), form="JPEG", progressive=True), "photo.jpg")
    (kept,) = files(media)
    with Image.open(kept) as logo:
        assert logo.size == (192, 192)


def test_nothing_of_where_it_was_taken_is_kept(boss: UserAgent, app: Client, media: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Taken at home"
    upload(boss, app, picture(form="JPEG", exif=exif), "photo.jpg")
    (kept,) = files(media)
    assert b"home" not in kept.read_bytes()


def bomb() -> bytes:
    """A few bytes that say they are a picture of 50 000 by 50 000."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def scans_without_end() -> bytes:
    """A JPEG that goes over its picture again and again: each time is 31 bytes, and some 50 ms to read."""
    whole = picture((4000, 4000), form="JPEG", progressive=True)
    last = whole[whole.rfind(b"\xff\xda") : -2]
    return whole[:-2] + last * 100 + whole[-2:]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            "no picture that can be read",
        ),
        (lambda: b"GIF89a<script>alert(1)</script>", "no picture that can be read"),
        (lambda: picture()[:200], "no picture that can be read"),
        (lambda: picture(form="BMP"), "no picture that can be read"),
        (lambda: picture(form="TIFF"), "no picture that can be read"),
        (bomb, "too many pixels"),
        (lambda: picture((5000, 4000)), "too many pixels"),
        (scans_without_end, "no picture that can be read"),
        (lambda: picture((16, 300)), "too small"),
        (lambda: picture() + b"\0" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_with_a_sentence(
    boss: UserAgent, app: Client, media: Path, content: Callable[[], bytes], said: str
) -> None:
    """Made here, and not where pytest reads this file, which it does in each of its processes."""
    assert said in upload(boss, app, content())
    assert not app.logo
    assert files(media) == []


def test_a_logo_that_is_replaced_or_taken_away_leaves_no_file(
    boss: UserAgent, app: Client, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        upload(boss, app, picture())
    before = files(media)
    with django_capture_on_commit_callbacks(execute=True):
        upload(boss, app, picture((64, 64)))
    after = files(media)
    assert len(after) == 1
    assert before != after
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    with django_capture_on_commit_callbacks(execute=True):
        data = form_data(boss.get(path)) | {"logo-clear": "on"}
        data.pop("logo")
        boss.post(path, data)
    app.refresh_from_db()
    assert (bool(app.logo), files(media)) == (False, [])
    upload(boss, app, picture())
    with django_capture_on_commit_callbacks(execute=True):
        app.remove()
    assert files(media) == []


def test_other_changes_leave_the_logo_alone(boss: UserAgent, app: Client, media: Path) -> None:
    upload(boss, app, picture())
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    data = form_data(boss.get(path)) | {"description": "New words"}
    data.pop("logo")
    boss.post(path, data)
    app.refresh_from_db()
    assert app.description == "New words"
    assert app.logo
    assert len(files(media)) == 1


def test_a_logo_comes_with_the_registration(boss: UserAgent, media: Path) -> None:
    data = form_data(boss.get(ADD)) | {
        "name": "Weather",
        "redirect_uris": "https://new.example/cb",
        "allowed_scopes": ["profile"],
        "logo": SimpleUploadedFile("logo.png", picture()),
    }
    boss.post(ADD, data, follow=True)
    assert Client.objects.get(name="Weather").logo
    assert len(files(media)) == 1


def test_a_site_without_a_place_for_files_is_not_asked_for_one(
    boss: UserAgent, app: Client, settings: Any
) -> None:
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    assert 'type="file" name="logo"' in boss.get(path).content.decode()
    settings.MEDIA_ROOT = ""
    for address in (path, ADD):
        assert 'name="logo"' not in boss.get(address).content.decode()


@pytest.mark.parametrize(
    ("uri", "refused"),
    [
        ("https://tracker.example/pixel.png", True),
        ("https://127.0.0.1/accounts/logout/", True),
        ("https://127.0.0.1/media/../accounts/logout/", True),
        ("https://tracker.example/media/logo.png", True),
        ("https://127.0.0.1/media/logos/own.png", False),
    ],
)
def test_an_address_that_can_never_be_shown_is_refused(
    boss: UserAgent, app: Client, uri: str, refused: bool
) -> None:
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    answer = boss.post(path, form_data(boss.get(path)) | {"logo_uri": uri}, follow=True).content.decode()
    app.refresh_from_db()
    assert ("This logo would never be shown" in answer) is refused
    assert app.logo_uri == ("" if refused else uri)


def test_an_address_from_before_does_not_stop_other_changes(boss: UserAgent, app: Client) -> None:
    Client.objects.filter(pk=app.pk).update(logo_uri="https://old.example/logo.png")
    path = f"/admin/django_oauthflows/client/{app.pk}/change/"
    boss.post(path, form_data(boss.get(path)) | {"description": "New words"})
    app.refresh_from_db()
    assert (app.description, app.logo_uri) == ("New words", "https://old.example/logo.png")


def test_the_example_site_serves_it(boss: UserAgent, app: Client) -> None:
    assert site.MEDIA_URL == "/media/"
    upload(boss, app, picture())
    answer = UserAgent().get(app.logo.url)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
