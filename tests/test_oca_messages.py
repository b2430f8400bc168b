"""What may be sent, and what is refused before anything leaves."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oca import Attachment, InvalidMessage, Message
from tests.oca_stub import MAIL


def mail_with(field: str, value: str) -> Message:
    changes: dict[str, Any] = {field: value}
    return replace(MAIL, **changes)


@pytest.mark.parametrize("field", ["to", "subject", "sender_email", "sender_name"])
@pytest.mark.parametrize("bad", ["\r", "\n", "\x00", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"])
def test_a_control_character_in_a_header_part_is_refused(field: str, bad: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        mail_with(field, f"a{bad}b").check()
    assert caught.value.field == field
    assert bad not in str(caught.value)


@pytest.mark.parametrize("field", ["to", "subject", "html", "sender_email", "sender_name"])
def test_an_empty_part_is_refused(field: str) -> None:
    for empty in ("", " \n"):
        with pytest.raises(InvalidMessage, match=r"missing|no content") as caught:
            mail_with(field, empty).check()
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("attachment", "field"),
    [
        (Attachment("a\r\nX: y.pdf", b""), "filename"),
        (Attachment("", b""), "filename"),
        (Attachment("a.pdf", b"", "text/plain\r\nX: y"), "content_type"),
    ],
)
def test_an_attachment_cannot_break_out_of_its_part(attachment: Attachment, field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        replace(MAIL, attachment=attachment).check()
    assert caught.value.field == field


def test_content_that_cannot_be_encoded_is_refused_as_content() -> None:
    with pytest.raises(InvalidMessage) as caught:
        replace(MAIL, html="<p>\ud83d</p>").check()
    assert caught.value.field == "html"


def test_line_breaks_in_the_content_and_any_script_in_the_names_are_fine() -> None:
    replace(
        MAIL, html="<p>\r\n\t😀</p>", subject="Tagihan № 5 – 请付款", sender_name="Sari & O'Brien"
    ).check()


def test_a_message_knows_the_hash_and_size_of_what_is_sent() -> None:
    mail = replace(MAIL, html="<p>é</p>")
    assert mail.body_bytes == 9
    assert mail.body_sha256 == hashlib.sha256("<p>é</p>".encode()).hexdigest()


def test_an_attachment_is_read_from_a_path_with_the_type_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "tagihan.pdf").write_bytes(b"%PDF")
    assert Attachment.from_path(tmp_path / "tagihan.pdf") == Attachment(
        "tagihan.pdf", b"%PDF", "application/pdf"
    )
    (tmp_path / "tagihan").write_bytes(b"?")
    assert Attachment.from_path(str(tmp_path / "tagihan")).content_type == "application/octet-stream"
