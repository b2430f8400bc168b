"""Every documented way in which the gateway says no."""

from typing import Any

from flask import Response, jsonify


class Refusal(Exception):
    """Answered as the gateway's error body: `{"errors": [{"message": …, "code": …}]}`."""

    def __init__(self, http_status: int, code: int | str, message: str | list[dict[str, str]]) -> None:
        super().__init__(http_status, code)
        self.http_status = http_status
        self.body: dict[str, Any] = {"errors": [{"message": message, "code": code}]}


def missing_header() -> Refusal:
    return Refusal(401, 19, "Missing Authorization Header")


def token_not_supplied() -> Refusal:
    return Refusal(401, 43, "Auth token is not supplied")


def token_not_valid() -> Refusal:
    return Refusal(401, 45, "Auth token is not valid")


def not_found() -> Refusal:
    return Refusal(404, 33, "Data doesn't exist")


def too_many() -> Refusal:
    return Refusal(429, 9, "Too Many Request")


def internal_error() -> Refusal:
    return Refusal(500, 13, "Internal Error")


def low_balance(http_status: int) -> Refusal:
    return Refusal(http_status, 5, "low-balance")


def wrong_parameters(faults: list[dict[str, str]]) -> Refusal:
    """Unlike the others it carries a list, and its code is a text: so the vendor's sample shows it."""
    return Refusal(406, "39", faults)


def as_json(refusal: Refusal) -> Response:
    answer = jsonify(refusal.body)
    answer.status_code = refusal.http_status
    return answer
