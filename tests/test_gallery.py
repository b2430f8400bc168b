"""The gallery: twelve mails that can be sent as they are, in Indonesian and in English."""

import re

import pytest

from mailroom import compiling, gallery, mail_lint
from mailroom.email_templates import Renderer
from mailroom.gallery import Language, Starter

LANGUAGES: tuple[Language, ...] = ("id", "en")
ALL = [*gallery.starters("id"), *gallery.starters("en")]
each = pytest.mark.parametrize("starter", ALL, ids=lambda one: one.key)
LINK = {"unsubscribe_url": "https://contoh.id/berhenti"}


def made(starter: Starter) -> Renderer:
    return Renderer(starter.subject, compiling.compiled("mjml", starter.mjml) or "")


def test_there_are_six_purposes_in_each_language_and_every_file_is_one_of_them() -> None:
    purposes = [[one.key.rpartition("-")[0] for one in gallery.starters(lang)] for lang in LANGUAGES]
    assert purposes[0] == purposes[1] == ["invoice", "code", "welcome", "announcement", "event", "receipt"]
    assert {f"{one.key}.mjml" for one in ALL} == {path.name for path in gallery._FOLDER.iterdir()}
    assert gallery.starter("invoice-id") in ALL
    assert gallery.starter("../schema") is None


@each
def test_a_mail_of_the_gallery_has_nothing_to_mend_but_whose_it_is(starter: Starter) -> None:
    body = compiling.compiled("mjml", starter.mjml)
    notes = mail_lint.notes("mjml", starter.subject, starter.mjml, body, starter.marketing)
    left = [dict(note.sentence.values)["words"] for note in notes]
    assert left == [words for words in gallery.PLACEHOLDERS if words in starter.mjml]
    assert len(left) == 2
    own = starter.mjml
    for words in left:
        own = own.replace(str(words), "PT Contoh")
    assert mail_lint.notes("mjml", starter.subject, own, body, starter.marketing) == []
    assert "prefers-color-scheme" in (body or "")


@each
def test_a_mail_of_the_gallery_has_a_value_for_every_field_and_can_do_without_the_optional_ones(
    starter: Starter,
) -> None:
    renderer = made(starter)
    assert set(starter.samples) == set(renderer.fields)
    full = renderer.render({**starter.samples, **LINK})
    least = renderer.render({**{name: starter.samples[name] for name in renderer.required}, **LINK})
    for mail in (full, least):
        assert not re.search(r"\{[{%]|[%}]\}|<mj", mail.html + mail.subject)
        assert 'href=""' not in mail.html
    assert least.html != full.html


@each
def test_a_mail_of_the_gallery_fetches_nothing_from_elsewhere(starter: Starter) -> None:
    html = made(starter).render({**starter.samples, **LINK}).html
    assert re.findall(r"<img|<link|<script|@import|url\(", html) == []
    hosts = set(re.findall(r"https?://([^/\"'<\s]+)", html))
    assert hosts <= {"contoh.id", "www.w3.org"}


@each
def test_marketing_has_a_way_out_and_the_others_do_not_offer_one(starter: Starter) -> None:
    assert starter.marketing == (starter.key.partition("-")[0] in ("announcement", "event"))
    assert made(starter).always_unsubscribe == made(starter).uses_unsubscribe == starter.marketing
