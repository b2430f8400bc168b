"""What has to be there before a team can send, and the first mail that shows that it can."""

from typing import Literal

from mailroom.email_templates import all_templates
from mailroom.identities import all_identities
from mailroom.store import Store
from mailroom.tokens import all_tokens

Step = Literal["token", "sender", "template", "test"]


def missing(store: Store) -> list[Step]:
    """The steps that nobody has taken yet, in order. The test is taken once any mail was queued."""
    row = store.read().execute("SELECT EXISTS (SELECT 1 FROM batches)").fetchone()
    done: dict[Step, bool] = {
        "token": bool(all_tokens(store)),
        "sender": bool(all_identities(store)),
        "template": bool(all_templates(store)),
        "test": bool(row[0]),
    }
    return [step for step, there in done.items() if not there]
