"""What this client assumes about the OCA Email Gateway, in one place and easy to change.

Each line says where it comes from: [V2] the vendor's text, [page] a sample on the vendor's pages,
[infer] our inference, which nobody has confirmed against a real account.
"""

from typing import Literal

StatusWord = Literal["pending", "delivered", "opened", "failed"]

DEFAULT_BASE_URL = "https://webapigw.ocatelkom.co.id"  # [V2]
SEND_PATH = "/email/v2/send-single"  # [V2]
STATUS_PATH = "/email/v2/email/status/{msg_id}"  # [V2]
HISTORY_PATH = "/email/v2/email/history"  # [infer] from V1 and the SMS channel; the V2 text leaves it empty
AUTH_SCHEME = "Bearer"  # [infer] from the sister channels
DEFAULT_PER_SECOND = 25.0  # [V2]

ID_KEYS = ("msg_id", "msgid", "msg_uid")  # [V2], [page] status sample, [page] V1
SUCCESS_KEYS = ("success", "status")  # [V2], [page] V1
NO_BODY = "-"  # [page] what stands where the gateway does not give a body back

# [infer] The vendor's list of words ends in "etc": any other word, such as the sister channels' "sent"
# and "send", means that nothing final is known yet.
STATUS_WORDS: dict[str, StatusWord] = {
    "delivered": "delivered",
    "opened": "opened",
    "failed": "failed",
}


def status_word(raw: str) -> StatusWord:
    """The one of our four words that a gateway's status word stands for."""
    return STATUS_WORDS.get(raw.strip().lower(), "pending")
