"""Runs in `.venv-bench`: a Django project of one file that queues mails and sends them with `send_queued_mail`."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench.machine import usage
from mailroom import starter


class Gateway:
    """A Django mail backend that posts each mail to the gateway; django-post-office opens one for each thread."""

    def __init__(self, **_options: object) -> None:
        self._session: Any = None

    def open(self) -> None:
        import requests

        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {os.environ['BENCH_TOKEN']}"

    def close(self) -> None:
        self._session.close()

    def send_messages(self, messages: list[Any]) -> int:
        """Raises requests.HTTPError for a mail that the gateway does not take."""
        for message in messages:
            form = {
                "email": message.to[0],
                "message": base64.b64encode(message.body.encode()).decode(),
                "sender_email": "tagihan@contoh.id",
                "sender_name": "Tim Tagihan",
                "subject": message.subject,
            }
            self._session.post(os.environ["BENCH_URL"], data=form, timeout=60).raise_for_status()
        return len(messages)


def set_up(folder: Path) -> None:
    """A Django project with SQLite in this folder and nothing but django-post-office in it."""
    import django  # type: ignore[import-not-found]
    from django.conf import settings  # type: ignore[import-not-found]

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}},
        INSTALLED_APPS=["post_office"],
        POST_OFFICE={"BACKENDS": {"default": "bench.post_office_worker.Gateway"}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
    )
    django.setup()


def queue(mails: int) -> None:
    """Queues the mails with their bodies already filled in."""
    from post_office import mail  # type: ignore[import-not-found]

    def filled(text: str, n: int) -> str:
        return text.replace("{{ nama }}", f"Orang {n}").replace("{{ total }}", f"Rp {n}.000")

    mail.send_many(
        [
            {
                "recipients": [f"orang{n}@contoh.id"],
                "sender": "Tim Tagihan <tagihan@contoh.id>",
                "subject": filled(starter.SUBJECT, n),
                "html_message": filled(starter.HTML, n),
            }
            for n in range(mails)
        ]
    )


def main() -> None:
    """Arguments: folder, URL, token, mails. Prints CPU seconds and memory before and after as JSON."""
    folder, url, token, mails = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.environ.update(BENCH_URL=f"{url}/email/v2/send-single", BENCH_TOKEN=token)
    set_up(folder)
    from django.core.management import call_command  # type: ignore[import-not-found]

    call_command("migrate", verbosity=0)
    queue(mails)
    before = usage(os.getpid())
    call_command("send_queued_mail", lockfile=str(folder / "lock"))
    after = usage(os.getpid())
    print(json.dumps([[before.cpu, before.peak_mb], [after.cpu, after.peak_mb]]))


if __name__ == "__main__":
    main()
