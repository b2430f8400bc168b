"""The answers in every shape that the vendor's pages show."""

from typing import Any

from sandbox.ledger import Entry

# A list where the history comes as a bare list, an object otherwise.
Payload = dict[str, Any] | list[dict[str, Any]]

IDS = ("msg_id", "msgid", "msg_uid")


def send_answer(msg_id: str, shape: str) -> Payload:
    if shape == "v1":
        return {"status": True, "msg_uid": msg_id}
    if shape == "data":
        return {"success": True, "data": {"msg_id": msg_id}}
    return {"success": True, "msg_id": msg_id}


def status_answer(entry: Entry, status: str, body: str, shape: str) -> Payload:
    if shape == "flat":
        return history_item(entry, status, body)
    data = {
        "msgid": entry.msg_id,
        "attachment": entry.attachment_name is not None,
        "history": [],
        "email": entry.email,
        "status": status,
        "created_at": entry.accepted_at,
        "source": "api",
        "message_body": body,
    }
    return {"status": True, "data": data}


def history_item(entry: Entry, status: str, body: str) -> dict[str, Any]:
    return {
        "email": entry.email,
        "message_body": body,
        "created_at": entry.accepted_at,
        "status": status,
        "msg_id": entry.msg_id,
    }


def history_answer(items: list[dict[str, Any]], page: int, limit: int, total: int, shape: str) -> Payload:
    if shape == "list":
        return items
    pages = -(-total // limit)
    return {"page": page, "pages": pages, "total_inpage": len(items), "limit": limit, "data": items}


def without_id(answer: Any) -> Any:
    """The same answer with every id taken out, however it is spelled and wherever it sits."""
    if isinstance(answer, list):
        return [without_id(item) for item in answer]
    if isinstance(answer, dict):
        return {name: without_id(value) for name, value in answer.items() if name not in IDS}
    return answer
