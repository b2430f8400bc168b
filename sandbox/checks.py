"""Reads a posted mail and names what is wrong with it, as express-validator would."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping

from flask import Request

from sandbox.ledger import Mail
from sandbox.refusals import wrong_parameters

ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def is_address(value: str) -> bool:
    return bool(ADDRESS.fullmatch(value))


def is_base64(value: str) -> bool:
    try:
        return bool(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False


RULES: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("email", is_address, "Invalid email address"),
    ("message", is_base64, "message must be base64"),
    ("sender_email", is_address, "Invalid email address"),
    ("sender_name", lambda value: bool(value.strip()), "sender_name is required"),
    ("subject", lambda value: bool(value.strip()), "subject is required"),
)


def posted_mail(request: Request) -> Mail:
    """The mail in this request; raises a refusal that lists every wrong parameter."""
    form = request.form
    wrong = [fault(form, name, text) for name, good, text in RULES if not good(form.get(name, ""))]
    if "attachment" in form:
        wrong.append(fault(form, "attachment", "attachment must be a file"))
    if wrong:
        raise wrong_parameters(wrong)
    file = request.files.get("attachment")
    return Mail(
        email=form["email"],
        sender_email=form["sender_email"],
        sender_name=form["sender_name"],
        subject=form["subject"],
        body=base64.b64decode(form["message"]),
        attachment_name=file.filename or "" if file else None,
        attachment=file.read() if file else None,
    )


def fault(values: Mapping[str, str], param: str, text: str, location: str = "body") -> dict[str, str]:
    """One entry of the validator's list; a missing parameter has no value to show."""
    value = {"value": values[param]} if param in values else {}
    return {**value, "msg": text, "param": param, "location": location}


def positive(values: Mapping[str, str], param: str, default: int) -> int:
    """A whole number from 1 in the query; raises a refusal for anything else."""
    text = values.get(param, str(default))
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text, re.ASCII):
        raise wrong_parameters([fault(values, param, "Invalid value", "query")])
    return int(text)
