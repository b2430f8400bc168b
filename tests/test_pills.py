"""States are drawn as pills: each once in a language, and never as anything but text."""

from flask import Flask

from views.words import drawn


def test_a_pill_has_a_word_and_says_what_it_means(app: Flask) -> None:
    with app.test_request_context():
        pill = drawn("delivered")
        assert ">Delivered</span>" in pill
        assert "title=" in pill
        assert drawn("delivered", word_only=True) == "Delivered"


def test_a_state_that_nobody_knows_is_shown_as_text(app: Flask) -> None:
    with app.test_request_context():
        assert "&lt;b&gt;" in drawn("<b>")
        assert drawn(None, word_only=True) == "–"
