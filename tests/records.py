"""Batches put straight into a database, for tests that are not about how they got there."""

import json
from datetime import UTC, datetime

from mailroom import states
from mailroom.store import Store

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
STAMP = "2026-11-23T05:00:00.000Z"


def add_batch(store: Store, emails: list[str], name: str = "Tagihan", token_id: int = 1) -> int:
    """The id of a running batch with one queued mail to each address, by a user, token and template made up here."""
    with store.write() as db:
        if not db.table("users").count:
            db.execute(
                "INSERT INTO users (id, email, name, role, password_hash, created_at) "
                "VALUES (1, 'adi@contoh.id', 'Adi', 'admin', '-', ?)",
                [STAMP],
            )
        if not db.table("tokens").count:
            db.execute(
                "INSERT INTO tokens (id, name, secret, fingerprint, claims, per_second, created_at, created_by) "
                "VALUES (1, 'Utama', x'00', 'abc', '{}', 25, ?, 1)",
                [STAMP],
            )
        if not db.table("templates").count:
            db.execute(
                "INSERT INTO templates (id, name, created_at, removed_at) VALUES (1, 'Tagihan', ?, NULL)",
                [STAMP],
            )
            db.execute(
                "INSERT INTO template_versions "
                "(id, template_id, number, subject, html, fields, created_at, created_by) VALUES "
                "(1, 1, 1, 'Tagihan {{ nama }}', '<p>Halo {{ nama }}</p>', '[\"nama\"]', ?, 1)",
                [STAMP],
            )
        batch_id = db.execute(
            "INSERT INTO batches (name, form_key, template_version_id, sender_email, sender_name, token_id, source, "
            "size, state, created_at, created_by) VALUES (?, hex(randomblob(8)), 1, 'tim@contoh.id', 'Tim', ?, "
            "'daftar.csv', ?, 'running', ?, 1)",
            [name, token_id, len(emails), STAMP],
        ).lastrowid
        rows = (
            (n, email, "Tagihan Joko", json.dumps({"nama": "Joko"}), None)
            for n, email in enumerate(emails, 2)
        )
        states.queue(db, int(batch_id or 0), states.packed(rows), states.Change(NOON, "daftar.csv", "user:1"))
        return int(batch_id or 0)


def give_passkey(store: Store, user_id: int) -> None:
    """Has the person use a second factor, as far as anybody can see from outside."""
    with store.write() as db:
        db.execute(
            "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name, created_at) "
            "VALUES (?, x'01', x'02', 0, 'Telepon', '2026-11-23')",
            [user_id],
        )
