"""The shape of the database, as short dated facts that are never edited, only added to."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from sqlite_utils import Database, Migrations

migrations = Migrations("mailroom")


@migrations()
def m2026_11_23_people(db: Database) -> None:
    """Who may come in, the browsers they are signed in from, and the links that let them in."""
    db.executescript("""
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        email TEXT NOT NULL UNIQUE COLLATE NOCASE,
        name TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('admin', 'sender', 'viewer')),
        password_hash TEXT NOT NULL,
        created_at TEXT NOT NULL,
        disabled_at TEXT
    ) STRICT;
    CREATE TABLE sessions (
        id_hash TEXT PRIMARY KEY,              -- SHA-256 of the random id in the cookie
        user_id INTEGER NOT NULL REFERENCES users(id),
        created_at TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        address TEXT NOT NULL,
        browser TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_user ON sessions(user_id);
    CREATE TABLE invites (
        id INTEGER PRIMARY KEY,
        secret_hash TEXT NOT NULL UNIQUE,      -- SHA-256 of the secret in the link
        role TEXT NOT NULL CHECK (role IN ('admin', 'sender', 'viewer')),
        email TEXT NOT NULL DEFAULT '',
        invited_by INTEGER REFERENCES users(id),
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        used_at TEXT
    ) STRICT;
    CREATE TABLE signin_failures (
        key TEXT NOT NULL,                     -- 'account:…' or 'address:…'
        at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX signin_failures_by_key ON signin_failures(key, at);
    """)


@migrations()
def m2026_11_23_gateway(db: Database) -> None:
    """The gateway's tokens, and the identities mail is sent from."""
    db.executescript("""
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        secret BLOB NOT NULL,                  -- encrypted with the key file's key
        fingerprint TEXT NOT NULL UNIQUE,
        claims TEXT NOT NULL,                  -- JSON, for display only
        expires_at TEXT,
        per_second REAL NOT NULL CHECK (per_second > 0),
        created_at TEXT NOT NULL,
        created_by INTEGER NOT NULL REFERENCES users(id),
        checked_at TEXT,
        check_result TEXT NOT NULL DEFAULT '', -- '' not yet, 'ok', or what the gateway said
        stopped_at TEXT,                       -- set when the gateway refused it; nothing is sent with it then
        stop_reason TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TABLE senders (
        id INTEGER PRIMARY KEY,
        email TEXT NOT NULL COLLATE NOCASE,
        name TEXT NOT NULL,
        created_at TEXT NOT NULL,
        created_by INTEGER NOT NULL REFERENCES users(id),
        removed_at TEXT,
        UNIQUE (email, name)
    ) STRICT;
    """)


@migrations()
def m2026_11_23_templates(db: Database) -> None:
    """Templates; every save is a version, and a version never changes."""
    db.executescript("""
    CREATE TABLE templates (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        created_at TEXT NOT NULL,
        removed_at TEXT
    ) STRICT;
    CREATE TABLE template_versions (
        id INTEGER PRIMARY KEY,
        template_id INTEGER NOT NULL REFERENCES templates(id),
        number INTEGER NOT NULL,
        subject TEXT NOT NULL,
        html TEXT NOT NULL,
        fields TEXT NOT NULL,                  -- JSON list, in order of appearance
        created_at TEXT NOT NULL,
        created_by INTEGER NOT NULL REFERENCES users(id),
        UNIQUE (template_id, number)
    ) STRICT;
    """)


@migrations()
def m2026_11_23_drafts(db: Database) -> None:
    """What a sender has put together and not yet queued: the rows of a file with their faults."""
    db.executescript("""
    CREATE TABLE attachments (
        id INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL,
        filename TEXT NOT NULL,
        content_type TEXT NOT NULL,
        size INTEGER NOT NULL,                 -- bytes
        content BLOB NOT NULL,
        UNIQUE (sha256, filename, content_type)
    ) STRICT;
    CREATE TABLE drafts (
        id TEXT PRIMARY KEY,                   -- random; also the one-time key of the form that queues it
        created_by INTEGER NOT NULL REFERENCES users(id),
        created_at TEXT NOT NULL,
        name TEXT NOT NULL,
        template_version_id INTEGER NOT NULL REFERENCES template_versions(id),
        sender_id INTEGER NOT NULL REFERENCES senders(id),
        token_id INTEGER NOT NULL REFERENCES tokens(id),
        attachment_id INTEGER REFERENCES attachments(id),
        source TEXT NOT NULL,                  -- the file's name, or 'pasted'
        columns TEXT NOT NULL                  -- JSON object: the columns as in the file, and how it was read
    ) STRICT;
    CREATE TABLE draft_rows (
        draft_id TEXT NOT NULL REFERENCES drafts(id) ON DELETE CASCADE,
        row INTEGER NOT NULL,                  -- the line as a spreadsheet counts it, from 1
        email TEXT NOT NULL,
        fields TEXT NOT NULL,                  -- JSON object, column → value
        errors TEXT NOT NULL,                  -- JSON object, column → {text, values}; '{}' when the row is good
        PRIMARY KEY (draft_id, row)
    ) STRICT, WITHOUT ROWID;
    """)


@migrations()
def m2026_11_23_mails(db: Database) -> None:
    """Batches, their mails, every attempt to hand one over, and every change of state."""
    db.executescript("""
    CREATE TABLE batches (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        form_key TEXT NOT NULL UNIQUE,         -- the draft's id: a form sent twice queues once
        template_version_id INTEGER NOT NULL REFERENCES template_versions(id),
        sender_email TEXT NOT NULL,
        sender_name TEXT NOT NULL,
        token_id INTEGER NOT NULL REFERENCES tokens(id),
        attachment_id INTEGER REFERENCES attachments(id),
        source TEXT NOT NULL,
        size INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'cancelled')),
        paused_reason TEXT NOT NULL DEFAULT '',
        created_at TEXT NOT NULL,
        created_by INTEGER NOT NULL REFERENCES users(id)
    ) STRICT;
    CREATE INDEX batches_running ON batches(token_id) WHERE state = 'running';
    CREATE TABLE mails (
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches(id),
        row INTEGER NOT NULL,
        email TEXT NOT NULL COLLATE NOCASE,
        subject TEXT NOT NULL,
        fields TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'rejected', 'unknown',
            'undecided', 'cancelled', 'gave_up')),
        delivery TEXT NOT NULL DEFAULT '' CHECK (delivery IN ('', 'pending', 'delivered', 'opened', 'failed',
            'lost')),
        gateway_id TEXT UNIQUE,
        gateway_word TEXT NOT NULL DEFAULT '', -- the gateway's own word for its status
        due_at TEXT NOT NULL,
        faults INTEGER NOT NULL DEFAULT 0,     -- tries that failed through the mail's own fault
        created_at TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        accepted_at TEXT,
        looked_at TEXT,                        -- when the gateway was last asked about it
        shown TEXT GENERATED ALWAYS AS (
            CASE WHEN delivery IN ('', 'pending') THEN state ELSE delivery END) VIRTUAL,
        CHECK ((state = 'accepted') = (delivery <> '')),
        UNIQUE (batch_id, row)
    ) STRICT;
    CREATE INDEX mails_due ON mails(batch_id, due_at, id) WHERE state = 'queued';
    CREATE INDEX mails_in_doubt ON mails(email) WHERE state IN ('sending', 'unknown', 'undecided');
    CREATE INDEX mails_to_follow ON mails(accepted_at) WHERE delivery IN ('pending', 'delivered');
    CREATE INDEX mails_by_shown ON mails(shown, id);
    CREATE INDEX mails_by_batch_shown ON mails(batch_id, shown, id);
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        mail_id INTEGER NOT NULL REFERENCES mails(id),
        started_at TEXT NOT NULL,
        to_email TEXT NOT NULL,
        sender_email TEXT NOT NULL,
        sender_name TEXT NOT NULL,
        subject TEXT NOT NULL,
        body_sha256 TEXT NOT NULL,
        body_bytes INTEGER NOT NULL,
        attachment_name TEXT,
        attachment_sha256 TEXT,
        attachment_bytes INTEGER,
        token_fingerprint TEXT NOT NULL,
        finished_at TEXT,
        outcome TEXT,
        http_status INTEGER,
        code INTEGER,
        detail TEXT,
        msg_id TEXT,
        duration_ms INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX one_open_attempt_a_mail ON attempts(mail_id) WHERE finished_at IS NULL;
    CREATE INDEX attempts_by_mail ON attempts(mail_id, id);
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        mail_id INTEGER NOT NULL REFERENCES mails(id),
        at TEXT NOT NULL,
        from_state TEXT NOT NULL,
        to_state TEXT NOT NULL,
        why TEXT NOT NULL,
        actor TEXT NOT NULL                    -- 'user:<id>', or the part of the program
    ) STRICT;
    CREATE INDEX events_by_mail ON events(mail_id, id);
    """)


@migrations()
def m2026_11_23_counters(db: Database) -> None:
    """How many mails of a batch stand where, kept by the database itself so that it cannot be wrong."""
    db.executescript("""
    CREATE TABLE batch_counts (
        batch_id INTEGER NOT NULL REFERENCES batches(id),
        shown TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (batch_id, shown)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER count_new_mail AFTER INSERT ON mails BEGIN
        INSERT INTO batch_counts VALUES (new.batch_id, new.shown, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER count_changed_mail AFTER UPDATE OF state, delivery ON mails WHEN old.shown <> new.shown BEGIN
        UPDATE batch_counts SET n = n - 1 WHERE batch_id = old.batch_id AND shown = old.shown;
        INSERT INTO batch_counts VALUES (new.batch_id, new.shown, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER count_removed_mail AFTER DELETE ON mails BEGIN
        UPDATE batch_counts SET n = n - 1 WHERE batch_id = old.batch_id AND shown = old.shown;
    END;
    """)


@migrations()
def m2026_11_23_reconcile(db: Database) -> None:
    """What the gateway's history showed of mails in doubt, its clock beside ours, and what a batch wants in doubt."""
    db.executescript("""
    ALTER TABLE batches ADD COLUMN policy TEXT NOT NULL DEFAULT 'never_twice'
        CHECK (policy IN ('never_twice', 'never_lost'));
    CREATE TABLE lookups (
        attempt_id INTEGER PRIMARY KEY REFERENCES attempts(id),
        mail_id INTEGER NOT NULL REFERENCES mails(id),
        looks INTEGER NOT NULL,                -- how often the history was read for it
        first_at TEXT NOT NULL,                -- when it was first read to its end, by the gateway's clock
        last_at TEXT NOT NULL,                 -- the last time, by ours
        next_at TEXT NOT NULL,                 -- when it is read again, by ours
        finding TEXT NOT NULL CHECK (finding IN ('open', 'found', 'absent', 'undecided', 'unproven')),
        evidence TEXT NOT NULL                 -- JSON: what was looked for and what was seen
    ) STRICT;
    CREATE INDEX lookups_by_mail ON lookups(mail_id);
    CREATE TABLE gateway_clocks (
        id INTEGER PRIMARY KEY,
        token_id INTEGER NOT NULL REFERENCES tokens(id) ON DELETE CASCADE,
        attempt_id INTEGER NOT NULL,           -- the newest attempt at that moment, 0 before the first
        at TEXT NOT NULL,
        seconds REAL NOT NULL                  -- the gateway's clock minus ours
    ) STRICT;
    CREATE INDEX gateway_clocks_by_token ON gateway_clocks(token_id, id);
    """)


@migrations()
def m2026_11_23_follow(db: Database) -> None:
    """Each mail that is followed knows when the gateway is asked about it next."""
    db.executescript("""
    ALTER TABLE mails ADD COLUMN look_at TEXT;
    DROP INDEX mails_to_follow;
    CREATE INDEX mails_to_look ON mails(look_at) WHERE look_at IS NOT NULL;
    UPDATE mails SET look_at = accepted_at WHERE delivery IN ('pending', 'delivered');
    """)


@migrations()
def m2026_11_23_controls(db: Database) -> None:
    """Who paused a batch, or what made it pause by itself; which batch it sends again."""
    db.executescript("""
    ALTER TABLE batches ADD COLUMN retry_of INTEGER REFERENCES batches(id);
    ALTER TABLE batches ADD COLUMN paused_at TEXT;
    ALTER TABLE batches ADD COLUMN paused_by INTEGER REFERENCES users(id); -- NULL when it paused by itself
    ALTER TABLE batches ADD COLUMN early_refused INTEGER;  -- of so many first answers; set when it paused by itself,
    ALTER TABLE batches ADD COLUMN early_answered INTEGER; -- which it does once
    CREATE INDEX batches_by_retry ON batches(retry_of) WHERE retry_of IS NOT NULL;
    CREATE INDEX batch_counts_by_shown ON batch_counts(shown, batch_id) WHERE n > 0;
    CREATE INDEX attempts_that_stopped ON attempts(token_fingerprint, id) WHERE outcome IN ('token', 'account');
    """)


@migrations()
def m2026_11_23_skipped(db: Database) -> None:
    """A mail can be skipped, because its address is on the do-not-mail list; and have an attachment of its own."""
    # SQLite cannot change a CHECK, so the table is made anew (https://www.sqlite.org/lang_altertable.html#otheralter);
    # the store keeps foreign keys off meanwhile.
    db.executescript("""
    CREATE TABLE mails_anew (
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches(id),
        row INTEGER NOT NULL,
        email TEXT NOT NULL COLLATE NOCASE,
        subject TEXT NOT NULL,
        fields TEXT NOT NULL,
        attachment_id INTEGER REFERENCES attachments(id), -- its own; the batch's goes with every mail
        state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'rejected', 'unknown',
            'undecided', 'cancelled', 'gave_up', 'skipped')),
        delivery TEXT NOT NULL DEFAULT '' CHECK (delivery IN ('', 'pending', 'delivered', 'opened', 'failed',
            'lost')),
        gateway_id TEXT UNIQUE,
        gateway_word TEXT NOT NULL DEFAULT '', -- the gateway's own word for its status
        due_at TEXT NOT NULL,
        faults INTEGER NOT NULL DEFAULT 0,     -- tries that failed through the mail's own fault
        created_at TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        accepted_at TEXT,
        looked_at TEXT,                        -- when the gateway was last asked about it
        look_at TEXT,                          -- when it is asked next
        shown TEXT GENERATED ALWAYS AS (
            CASE WHEN delivery IN ('', 'pending') THEN state ELSE delivery END) VIRTUAL,
        CHECK ((state = 'accepted') = (delivery <> '')),
        UNIQUE (batch_id, row)
    ) STRICT;
    INSERT INTO mails_anew (id, batch_id, row, email, subject, fields, state, delivery, gateway_id, gateway_word,
        due_at, faults, created_at, changed_at, accepted_at, looked_at, look_at)
    SELECT id, batch_id, row, email, subject, fields, state, delivery, gateway_id, gateway_word,
        due_at, faults, created_at, changed_at, accepted_at, looked_at, look_at FROM mails;
    DROP TABLE mails;
    ALTER TABLE mails_anew RENAME TO mails;
    CREATE INDEX mails_due ON mails(batch_id, due_at, id) WHERE state = 'queued';
    CREATE INDEX mails_in_doubt ON mails(email) WHERE state IN ('sending', 'unknown', 'undecided');
    CREATE INDEX mails_by_shown ON mails(shown, id);
    CREATE INDEX mails_by_batch_shown ON mails(batch_id, shown, id);
    CREATE INDEX mails_to_look ON mails(look_at) WHERE look_at IS NOT NULL;
    CREATE INDEX mails_by_attachment ON mails(attachment_id) WHERE attachment_id IS NOT NULL;
    CREATE TRIGGER count_new_mail AFTER INSERT ON mails BEGIN
        INSERT INTO batch_counts VALUES (new.batch_id, new.shown, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER count_changed_mail AFTER UPDATE OF state, delivery ON mails WHEN old.shown <> new.shown BEGIN
        UPDATE batch_counts SET n = n - 1 WHERE batch_id = old.batch_id AND shown = old.shown;
        INSERT INTO batch_counts VALUES (new.batch_id, new.shown, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER count_removed_mail AFTER DELETE ON mails BEGIN
        UPDATE batch_counts SET n = n - 1 WHERE batch_id = old.batch_id AND shown = old.shown;
    END;
    """)


@migrations()
def m2026_11_23_suppressions(db: Database) -> None:
    """Addresses that get no mail, and what the team prefers."""
    db.executescript("""
    CREATE TABLE suppressions (
        email TEXT PRIMARY KEY COLLATE NOCASE,
        reason TEXT NOT NULL CHECK (reason IN ('hand', 'import', 'failed', 'unsubscribed')),
        note TEXT NOT NULL DEFAULT '',
        mail_id INTEGER,                       -- the mail that failed
        added_at TEXT NOT NULL,
        added_by INTEGER REFERENCES users(id)  -- NULL when nobody of the team did it
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX suppressions_by_time ON suppressions(added_at, email);
    CREATE TABLE preferences (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL,                   -- JSON
        changed_at TEXT NOT NULL,
        changed_by INTEGER NOT NULL REFERENCES users(id)
    ) STRICT, WITHOUT ROWID;
    """)


@migrations()
def m2026_11_23_template_kinds(db: Database) -> None:
    """A template is written as HTML or as MJML; what is filled is made of it once, when it is saved."""
    db.executescript("""
    ALTER TABLE templates ADD COLUMN marketing INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE template_versions ADD COLUMN kind TEXT NOT NULL DEFAULT 'html' CHECK (kind IN ('html', 'mjml'));
    ALTER TABLE template_versions ADD COLUMN compiled TEXT; -- the HTML that is filled; NULL when it is `html` itself
    """)


@migrations()
def m2026_11_23_lists(db: Database) -> None:
    """A list as it was uploaded, so that it can be read another way or be used again; and what was in it."""
    db.executescript("""
    CREATE TABLE sources (
        id INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL,
        filename TEXT NOT NULL,                -- the file's name, or 'pasted list' or 'one address'
        content BLOB NOT NULL,
        created_at TEXT NOT NULL,
        UNIQUE (sha256, filename)
    ) STRICT;
    CREATE TABLE lists (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        source_id INTEGER NOT NULL REFERENCES sources(id),
        reading TEXT NOT NULL,                 -- JSON: how the source is read
        rows INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        created_by INTEGER NOT NULL REFERENCES users(id)
    ) STRICT;
    ALTER TABLE drafts ADD COLUMN source_id INTEGER REFERENCES sources(id);
    ALTER TABLE drafts ADD COLUMN reading TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE drafts ADD COLUMN content_sha256 TEXT NOT NULL DEFAULT ''; -- of its good rows, whatever the file
    ALTER TABLE batches ADD COLUMN content_sha256 TEXT NOT NULL DEFAULT '';
    CREATE INDEX drafts_by_source ON drafts(source_id);
    CREATE INDEX lists_by_source ON lists(source_id);
    CREATE INDEX batches_by_content ON batches(content_sha256) WHERE content_sha256 <> '';
    """)


@migrations()
def m2026_11_23_row_attachments(db: Database) -> None:
    """The files of an uploaded zip, one for each row that names it."""
    db.executescript("""
    CREATE TABLE draft_files (
        draft_id TEXT NOT NULL REFERENCES drafts(id) ON DELETE CASCADE,
        name TEXT NOT NULL,                    -- as it is called inside the zip
        attachment_id INTEGER NOT NULL REFERENCES attachments(id),
        used INTEGER NOT NULL DEFAULT 0,       -- whether a row names it
        PRIMARY KEY (draft_id, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX draft_files_by_attachment ON draft_files(attachment_id);
    ALTER TABLE draft_rows ADD COLUMN attachment_id INTEGER REFERENCES attachments(id);
    CREATE INDEX draft_rows_by_attachment ON draft_rows(attachment_id) WHERE attachment_id IS NOT NULL;
    """)


@migrations()
def m2026_11_23_plans(db: Database) -> None:
    """When a batch goes out and how fast; test mails; and batches that wait for a second person."""
    db.executescript("""
    ALTER TABLE batches ADD COLUMN kind TEXT NOT NULL DEFAULT 'batch' CHECK (kind IN ('batch', 'test'));
    ALTER TABLE batches ADD COLUMN start_at TEXT NOT NULL DEFAULT '';  -- not before; '' for at once
    ALTER TABLE batches ADD COLUMN office_hours INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE batches ADD COLUMN per_minute REAL;                    -- mails; NULL for as fast as the token may
    ALTER TABLE batches ADD COLUMN next_at TEXT NOT NULL DEFAULT '';   -- when its next mail may be claimed
    CREATE TABLE approvals (
        draft_id TEXT PRIMARY KEY REFERENCES drafts(id) ON DELETE CASCADE,
        plan TEXT NOT NULL,                    -- JSON: when and how fast, and the policy
        fingerprint TEXT NOT NULL,             -- of everything that would be sent
        asked_by INTEGER NOT NULL REFERENCES users(id),
        asked_at TEXT NOT NULL,
        decided_by INTEGER REFERENCES users(id),
        decided_at TEXT,
        decision TEXT NOT NULL DEFAULT '' CHECK (decision IN ('', 'approved', 'returned')),
        note TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE batches ADD COLUMN approved_by INTEGER REFERENCES users(id);
    """)


@migrations()
def m2026_11_23_reports(db: Database) -> None:
    """What reports count, kept by the database itself: by day and by month, so that no report ever reads the mails."""
    db.executescript("""
    ALTER TABLE mails ADD COLUMN domain TEXT NOT NULL DEFAULT ''; -- stays when the address is forgotten
    ALTER TABLE mails ADD COLUMN delivered_at TEXT;               -- when we first knew
    ALTER TABLE mails ADD COLUMN forgotten_at TEXT;               -- when address and content were taken out
    UPDATE mails SET domain = lower(substr(email, instr(email, '@') + 1)), delivered_at = (
        SELECT min(e.at) FROM events e WHERE e.mail_id = mails.id AND e.to_state IN ('delivered', 'opened'));
    CREATE INDEX mails_by_email ON mails(email, id);
    CREATE INDEX mails_by_domain ON mails(domain, id);
    CREATE TABLE report_zone (
        minutes INTEGER NOT NULL               -- the team's zone, east of Greenwich: where a day begins
    ) STRICT;
    INSERT INTO report_zone VALUES (420);
    CREATE TABLE report_counts (
        period TEXT NOT NULL,                  -- a day, '2026-11-23', and again its month, '2026-11'
        template_id INTEGER NOT NULL,
        sender_email TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        shown TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (period, template_id, sender_email, user_id, shown)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE report_domains (
        period TEXT NOT NULL,
        domain TEXT NOT NULL,
        shown TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (period, domain, shown)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE report_times (
        period TEXT NOT NULL,
        template_id INTEGER NOT NULL,
        sender_email TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        seconds INTEGER NOT NULL,              -- exact, above 1 min in minutes, above 1 h in hours
        n INTEGER NOT NULL,
        PRIMARY KEY (period, template_id, sender_email, user_id, seconds)
    ) STRICT, WITHOUT ROWID;
    -- The one place that says what is counted and where: twice a mail, for its day and for its month.
    CREATE VIEW reported AS
    SELECT m.id, substr(m.day, 1, w.width) AS period, m.template_id, m.sender_email, m.user_id, m.shown, m.domain,
        CASE WHEN m.took < 60 THEN m.took WHEN m.took < 3600 THEN m.took / 60 * 60 ELSE m.took / 3600 * 3600 END
            AS seconds
    FROM (SELECT m.id, m.shown, m.domain, v.template_id, b.sender_email, b.created_by AS user_id,
            date(coalesce(m.accepted_at, m.changed_at), z.minutes || ' minutes') AS day,
            CAST(max(0, round((julianday(m.delivered_at) - julianday(m.accepted_at)) * 86400)) AS INTEGER) AS took
        FROM mails m JOIN batches b ON b.id = m.batch_id JOIN template_versions v ON v.id = b.template_version_id
        CROSS JOIN report_zone z
        WHERE m.shown NOT IN ('queued', 'sending') AND b.kind = 'batch') m
    CROSS JOIN (SELECT 10 AS width UNION ALL SELECT 7) w;
    -- Before, the view still shows the mail as it was; after, as it is.
    CREATE TRIGGER report_as_it_was BEFORE UPDATE OF state, delivery, changed_at, accepted_at, delivered_at, domain
    ON mails WHEN old.shown NOT IN ('queued', 'sending') BEGIN
        INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, -1 FROM reported
            WHERE id = old.id ON CONFLICT DO UPDATE SET n = n - 1;
        INSERT INTO report_domains SELECT period, domain, shown, -1 FROM reported
            WHERE id = old.id ON CONFLICT DO UPDATE SET n = n - 1;
        INSERT INTO report_times SELECT period, template_id, sender_email, user_id, seconds, -1 FROM reported
            WHERE id = old.id AND seconds IS NOT NULL ON CONFLICT DO UPDATE SET n = n - 1;
    END;
    CREATE TRIGGER report_as_it_is AFTER UPDATE OF state, delivery, changed_at, accepted_at, delivered_at, domain
    ON mails WHEN new.shown NOT IN ('queued', 'sending') BEGIN
        INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, 1 FROM reported
            WHERE id = new.id ON CONFLICT DO UPDATE SET n = n + 1;
        INSERT INTO report_domains SELECT period, domain, shown, 1 FROM reported
            WHERE id = new.id ON CONFLICT DO UPDATE SET n = n + 1;
        INSERT INTO report_times SELECT period, template_id, sender_email, user_id, seconds, 1 FROM reported
            WHERE id = new.id AND seconds IS NOT NULL ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER report_removed BEFORE DELETE ON mails
    WHEN old.shown NOT IN ('queued', 'sending') BEGIN
        INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, -1 FROM reported
            WHERE id = old.id ON CONFLICT DO UPDATE SET n = n - 1;
        INSERT INTO report_domains SELECT period, domain, shown, -1 FROM reported
            WHERE id = old.id ON CONFLICT DO UPDATE SET n = n - 1;
        INSERT INTO report_times SELECT period, template_id, sender_email, user_id, seconds, -1 FROM reported
            WHERE id = old.id AND seconds IS NOT NULL ON CONFLICT DO UPDATE SET n = n - 1;
    END;
    CREATE TRIGGER report_added AFTER INSERT ON mails
    WHEN new.shown NOT IN ('queued', 'sending') BEGIN
        INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, 1 FROM reported
            WHERE id = new.id ON CONFLICT DO UPDATE SET n = n + 1;
        INSERT INTO report_domains SELECT period, domain, shown, 1 FROM reported
            WHERE id = new.id ON CONFLICT DO UPDATE SET n = n + 1;
        INSERT INTO report_times SELECT period, template_id, sender_email, user_id, seconds, 1 FROM reported
            WHERE id = new.id AND seconds IS NOT NULL ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, count(*) FROM reported
        GROUP BY 1, 2, 3, 4, 5;
    INSERT INTO report_domains SELECT period, domain, shown, count(*) FROM reported GROUP BY 1, 2, 3;
    INSERT INTO report_times SELECT period, template_id, sender_email, user_id, seconds, count(*) FROM reported
        WHERE seconds IS NOT NULL GROUP BY 1, 2, 3, 4, 5;
    """)


@migrations()
def m2026_11_23_used_attachments(db: Database) -> None:
    """Whether anything still has an attachment is told by indices, also to the foreign keys when one is removed."""
    db.executescript("""
    CREATE INDEX drafts_by_attachment ON drafts(attachment_id) WHERE attachment_id IS NOT NULL;
    CREATE INDEX batches_by_attachment ON batches(attachment_id) WHERE attachment_id IS NOT NULL;
    """)


@migrations()
def m2026_11_23_whole_drafts(db: Database) -> None:
    """A draft's rows come in small portions; it is there for people once they are counted. When a list was used."""
    db.executescript("""
    ALTER TABLE drafts ADD COLUMN good INTEGER;
    ALTER TABLE drafts ADD COLUMN total INTEGER;                       -- NULL until all rows are in
    UPDATE drafts SET
        good = (SELECT count(*) FROM draft_rows WHERE draft_id = drafts.id AND errors = '{}'),
        total = (SELECT count(*) FROM draft_rows WHERE draft_id = drafts.id);
    ALTER TABLE lists ADD COLUMN used_at TEXT NOT NULL DEFAULT '';     -- when mail was last queued for it
    """)


@migrations()
def m2026_11_23_suppression_reasons(db: Database) -> None:
    """The do-not-mail list can be looked through by reason: with a million addresses in 1 ms instead of 2 s."""
    db.execute("CREATE INDEX suppressions_by_reason ON suppressions(reason, added_at, email)")


@migrations()
def m2026_11_23_reports_by_batch(db: Database) -> None:
    """Counts by day and batch, which lead from a number to its mails; times by one thing each, to read a year fast."""
    db.executescript("""
    DROP TRIGGER report_as_it_was;
    DROP TRIGGER report_as_it_is;
    DROP TRIGGER report_removed;
    DROP TRIGGER report_added;
    DROP VIEW reported;
    DROP TABLE report_times;
    CREATE TABLE report_batches (
        batch_id INTEGER NOT NULL,
        period TEXT NOT NULL,                  -- days alone
        shown TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (batch_id, period, shown)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE report_times (
        period TEXT NOT NULL,
        kind TEXT NOT NULL,                    -- all, template, sender or person
        what TEXT NOT NULL,                    -- which of them: its id or address, '' for all
        seconds INTEGER NOT NULL,              -- exact, above 1 min in minutes, above 1 h in hours
        n INTEGER NOT NULL,
        PRIMARY KEY (period, kind, what, seconds)
    ) STRICT, WITHOUT ROWID;
    -- The one place that says what is counted and where: twice a mail, for its day and for its month.
    CREATE VIEW reported AS
    SELECT m.id, m.batch_id, substr(m.day, 1, w.width) AS period, m.template_id, m.sender_email, m.user_id, m.shown,
        m.domain, CASE WHEN m.took < 60 THEN m.took WHEN m.took < 3600 THEN m.took / 60 * 60
            ELSE m.took / 3600 * 3600 END AS seconds
    FROM (SELECT m.id, m.batch_id, m.shown, m.domain, v.template_id, b.sender_email, b.created_by AS user_id,
            date(coalesce(m.accepted_at, m.changed_at), z.minutes || ' minutes') AS day,
            CAST(max(0, round((julianday(m.delivered_at) - julianday(m.accepted_at)) * 86400)) AS INTEGER) AS took
        FROM mails m JOIN batches b ON b.id = m.batch_id JOIN template_versions v ON v.id = b.template_version_id
        CROSS JOIN report_zone z
        WHERE m.shown NOT IN ('queued', 'sending') AND b.kind = 'batch') m
    CROSS JOIN (SELECT 10 AS width UNION ALL SELECT 7) w;
    CREATE VIEW reported_times AS
    SELECT r.id, r.period, k.kind, CASE k.kind WHEN 'all' THEN '' WHEN 'sender' THEN r.sender_email
        WHEN 'template' THEN CAST(r.template_id AS TEXT) ELSE CAST(r.user_id AS TEXT) END AS what, r.seconds
    FROM reported r CROSS JOIN (SELECT 'all' AS kind UNION ALL SELECT 'template' UNION ALL SELECT 'sender'
        UNION ALL SELECT 'person') k
    WHERE r.seconds IS NOT NULL;
    INSERT INTO report_batches SELECT batch_id, period, shown, count(*) FROM reported WHERE length(period) = 10
        GROUP BY 1, 2, 3;
    INSERT INTO report_times SELECT period, kind, what, seconds, count(*) FROM reported_times GROUP BY 1, 2, 3, 4;
    """)
    moved = "UPDATE OF state, delivery, changed_at, accepted_at, delivered_at, domain ON mails"
    # Before, the view still shows the mail as it was; after, as it is.
    for name, when, row, by in (
        ("report_as_it_was", f"BEFORE {moved}", "old", -1),
        ("report_as_it_is", f"AFTER {moved}", "new", 1),
        ("report_removed", "BEFORE DELETE ON mails", "old", -1),
        ("report_added", "AFTER INSERT ON mails", "new", 1),
    ):
        counted = f"FROM reported WHERE id = {row}.id"
        added = f"ON CONFLICT DO UPDATE SET n = n + ({by})"
        db.execute(
            f"CREATE TRIGGER {name} {when} WHEN {row}.shown NOT IN ('queued', 'sending') BEGIN "  # noqa: S608
            f"INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, {by} {counted} "
            f"{added}; "
            f"INSERT INTO report_domains SELECT period, domain, shown, {by} {counted} {added}; "
            f"INSERT INTO report_batches SELECT batch_id, period, shown, {by} {counted} AND length(period) = 10 "
            f"{added}; "
            f"INSERT INTO report_times SELECT period, kind, what, seconds, {by} FROM reported_times "
            f"WHERE id = {row}.id {added}; END"
        )


@migrations()
def m2026_11_23_kinds(db: Database) -> None:
    """A batch can be a report to the team, or what was found at the gateway; a template can be the program's own."""
    # A CHECK changes nothing on the disk, so the text of the table is changed alone, however many batches there are
    # (https://www.sqlite.org/lang_altertable.html#otheralter).
    db.execute("PRAGMA writable_schema = ON")
    changed = db.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, :old, :new) WHERE name = 'batches' AND instr(sql, :old)",
        {"old": "kind IN ('batch', 'test')", "new": "kind IN ('batch', 'test', 'report', 'found')"},
    ).rowcount
    db.execute("PRAGMA writable_schema = RESET")
    if changed != 1:
        raise RuntimeError("the table of batches is not as it was made")
    db.execute("ALTER TABLE templates ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0")


@migrations()
def m2026_11_23_activity(db: Database) -> None:
    """The activity trail, which nothing changes; how many mails of a batch have been forgotten."""
    db.executescript("""
    CREATE TABLE activity (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- so that SQLite remembers how many there were
        at TEXT NOT NULL,
        actor TEXT NOT NULL,                   -- 'user:<id>', or the part of the program
        address TEXT NOT NULL,                 -- of the browser it came from, or ''
        kind TEXT NOT NULL,                    -- one of `deeds.KINDS`
        details TEXT NOT NULL,                 -- JSON: the fields of its kind
        before TEXT NOT NULL,                  -- the hash of the entry before; '' for the first
        hash TEXT NOT NULL                     -- SHA-256 of all the other columns
    ) STRICT;
    CREATE INDEX activity_by_kind ON activity(kind, id);
    CREATE INDEX activity_by_actor ON activity(actor, id);
    CREATE INDEX activity_by_whom ON activity(details ->> '$.whom_sha256', id)
        WHERE details ->> '$.whom_sha256' IS NOT NULL;
    CREATE TRIGGER activity_is_not_changed BEFORE UPDATE ON activity
        BEGIN SELECT RAISE(ABORT, 'the activity trail is only added to'); END;
    CREATE TRIGGER activity_is_not_removed BEFORE DELETE ON activity
        BEGIN SELECT RAISE(ABORT, 'the activity trail is only added to'); END;
    ALTER TABLE batches ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0; -- of its mails
    CREATE INDEX batches_to_forget ON batches(created_at) WHERE forgotten < size;
    """)


@migrations()
def m2026_11_23_subjects(db: Database) -> None:
    """The words of subjects can be searched; and a batch is found by what it has in common, however many there are."""
    db.executescript("""
    -- It holds no text of its own: the words point at the mails. Beginnings of three letters have an index.
    CREATE VIRTUAL TABLE subjects USING fts5(subject, content='mails', content_rowid='id', prefix='3',
        tokenize="unicode61 remove_diacritics 2");
    CREATE TRIGGER subject_added AFTER INSERT ON mails BEGIN
        INSERT INTO subjects(rowid, subject) VALUES (new.id, new.subject);
    END;
    CREATE TRIGGER subject_changed AFTER UPDATE OF subject ON mails WHEN old.subject <> new.subject BEGIN
        INSERT INTO subjects(subjects, rowid, subject) VALUES ('delete', old.id, old.subject);
        INSERT INTO subjects(rowid, subject) VALUES (new.id, new.subject);
    END;
    CREATE TRIGGER subject_removed AFTER DELETE ON mails BEGIN
        INSERT INTO subjects(subjects, rowid, subject) VALUES ('delete', old.id, old.subject);
    END;
    INSERT INTO subjects(subjects) VALUES ('rebuild');
    CREATE VIRTUAL TABLE subject_words USING fts5vocab(subjects, 'instance'); -- a view of the words in it
    CREATE INDEX batches_by_version ON batches(template_version_id, id);
    CREATE INDEX batches_by_sender ON batches(sender_email, id);
    CREATE INDEX batches_by_person ON batches(created_by, id);
    CREATE INDEX batches_by_name ON batches(name COLLATE NOCASE, id);
    """)


@migrations()
def m2026_11_23_totals(db: Database) -> None:
    """How many mails stand where over all batches; and until which day a batch had mails to hand over."""
    db.executescript("""
    CREATE TABLE totals (
        kind TEXT NOT NULL,                    -- of the batch
        shown TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (kind, shown)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO totals SELECT b.kind, m.shown, count(*) FROM mails m JOIN batches b ON b.id = m.batch_id GROUP BY 1, 2;
    CREATE TRIGGER total_with_new AFTER INSERT ON mails BEGIN
        INSERT INTO totals SELECT kind, new.shown, 1 FROM batches WHERE id = new.batch_id
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER total_with_changed AFTER UPDATE OF state, delivery ON mails WHEN old.shown <> new.shown BEGIN
        UPDATE totals SET n = n - 1
            WHERE kind = (SELECT kind FROM batches WHERE id = old.batch_id) AND shown = old.shown;
        INSERT INTO totals SELECT kind, new.shown, 1 FROM batches WHERE id = new.batch_id
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER total_without_removed AFTER DELETE ON mails BEGIN
        UPDATE totals SET n = n - 1
            WHERE kind = (SELECT kind FROM batches WHERE id = old.batch_id) AND shown = old.shown;
    END;
    -- The last day, in UTC, that one of its mails counts for: handed over, or else last changed.
    ALTER TABLE batches ADD COLUMN last_day TEXT NOT NULL DEFAULT '';
    UPDATE batches SET last_day = max(substr(created_at, 1, 10), coalesce(
        (SELECT max(substr(coalesce(accepted_at, changed_at), 1, 10)) FROM mails WHERE batch_id = batches.id), ''));
    CREATE INDEX batches_by_last_day ON batches(last_day, id);
    CREATE TRIGGER batch_first_day AFTER INSERT ON batches WHEN new.last_day = '' BEGIN
        UPDATE batches SET last_day = substr(created_at, 1, 10) WHERE id = new.id;
    END;
    CREATE TRIGGER batch_last_day AFTER UPDATE OF state ON mails BEGIN
        UPDATE batches SET last_day = substr(coalesce(new.accepted_at, new.changed_at), 1, 10)
            WHERE id = new.batch_id AND last_day < substr(coalesce(new.accepted_at, new.changed_at), 1, 10);
    END;
    """)


@migrations()
def m2026_11_23_unanswered(db: Database) -> None:
    """Which attempts to an address were never answered, so that no mail of another program is taken for one of ours."""
    db.execute(
        "CREATE INDEX attempts_unanswered ON attempts(to_email COLLATE NOCASE) WHERE outcome = 'unknown'"
    )


@migrations()
def m2026_11_23_reports_by_one(db: Database) -> None:
    """Counts by one thing at a time, so that a year is read in a few hundred rows; kept from those by all things."""
    each = (
        "(SELECT 'all' AS kind, '' AS what UNION ALL SELECT 'template', CAST({row}template_id AS TEXT) UNION ALL "
        "SELECT 'sender', {row}sender_email UNION ALL SELECT 'person', CAST({row}user_id AS TEXT))"
    )
    db.executescript("""
    CREATE TABLE report_ones (
        kind TEXT NOT NULL,                    -- all, template, sender or person
        period TEXT NOT NULL,                  -- a day, and again its month
        what TEXT NOT NULL,                    -- which of them: its id or address, '' for all
        shown TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (kind, period, what, shown)
    ) STRICT, WITHOUT ROWID;
    CREATE VIEW reported_ones AS
    SELECT 'all' AS kind, period, '' AS what, shown, n FROM report_counts
    UNION ALL SELECT 'template', period, CAST(template_id AS TEXT), shown, n FROM report_counts
    UNION ALL SELECT 'sender', period, sender_email, shown, n FROM report_counts
    UNION ALL SELECT 'person', period, CAST(user_id AS TEXT), shown, n FROM report_counts;
    INSERT INTO report_ones SELECT kind, period, what, shown, sum(n) FROM reported_ones GROUP BY 1, 2, 3, 4;
    """)
    for name, when, row, by in (
        ("report_ones_added", "INSERT", "new.", "new.n"),
        ("report_ones_moved", "UPDATE OF n", "new.", "new.n - old.n"),
        ("report_ones_removed", "DELETE", "old.", "- old.n"),
    ):
        db.execute(
            f"CREATE TRIGGER {name} AFTER {when} ON report_counts BEGIN "  # noqa: S608
            f"INSERT INTO report_ones SELECT kind, {row}period, what, {row}shown, {by} FROM {each.format(row=row)} "
            f"WHERE true ON CONFLICT DO UPDATE SET n = n + excluded.n; END"
        )


@migrations()
def m2026_11_28_roles(db: Database) -> None:
    """There are template editors: they write templates, and send nothing but tests to themselves."""
    # Changed as in `m2026_11_23_kinds`: a CHECK changes nothing on the disk.
    db.execute("PRAGMA writable_schema = ON")
    changed = db.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, :old, :new) "
        "WHERE name IN ('users', 'invites') AND instr(sql, :old)",
        {
            "old": "role IN ('admin', 'sender', 'viewer')",
            "new": "role IN ('admin', 'sender', 'editor', 'viewer')",
        },
    ).rowcount
    db.execute("PRAGMA writable_schema = RESET")
    if changed != 2:
        raise RuntimeError("the tables of people and invitations are not as they were made")


@migrations()
def m2026_11_28_languages(db: Database) -> None:
    """In which language a person has the pages; '' for whichever their browser asks for."""
    db.execute(
        "ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'id', 'en'))"
    )


@migrations()
def m2026_11_28_team(db: Database) -> None:
    """Links by which people set a new password; and when somebody was last here, after their sessions have ended."""
    db.executescript("""
    CREATE TABLE password_resets (
        id INTEGER PRIMARY KEY,
        secret_hash TEXT NOT NULL UNIQUE,      -- SHA-256 of the secret in the link
        user_id INTEGER NOT NULL REFERENCES users(id),
        made_by INTEGER NOT NULL REFERENCES users(id),
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        used_at TEXT
    ) STRICT;
    CREATE INDEX password_resets_by_user ON password_resets(user_id);
    ALTER TABLE users ADD COLUMN last_seen_at TEXT; -- of the sessions that have ended
    CREATE TRIGGER session_ended AFTER DELETE ON sessions BEGIN
        UPDATE users SET last_seen_at = max(coalesce(last_seen_at, ''), old.seen_at) WHERE id = old.user_id;
    END;
    """)


@migrations()
def m2026_11_28_second_factors(db: Database) -> None:
    """What a person has besides a password, the step between the two, and when they last showed who they are."""
    db.executescript("""
    CREATE TABLE totp_secrets (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users(id),
        confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)), -- whether a first code was given
        secret BLOB NOT NULL,                  -- encrypted with the key file's key
        created_at TEXT NOT NULL,
        last_step INTEGER NOT NULL DEFAULT 0,  -- half minutes since 1970: no code up to this one is taken again
        UNIQUE (user_id, confirmed)
    ) STRICT;
    CREATE TABLE recovery_codes (
        user_id INTEGER NOT NULL REFERENCES users(id),
        code_hash TEXT NOT NULL,               -- SHA-256; a used code is removed
        PRIMARY KEY (user_id, code_hash)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE passkeys (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- so that a form for one that is gone never means another
        user_id INTEGER NOT NULL REFERENCES users(id),
        credential_id BLOB NOT NULL UNIQUE,
        public_key BLOB NOT NULL,
        sign_count INTEGER NOT NULL,
        name TEXT NOT NULL,
        created_at TEXT NOT NULL,
        last_used_at TEXT
    ) STRICT;
    CREATE INDEX passkeys_by_user ON passkeys(user_id);
    CREATE TABLE spent_challenges (
        challenge_hash TEXT PRIMARY KEY,       -- SHA-256
        until TEXT NOT NULL                    -- it ends then anyway
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pending_sign_ins (
        id_hash TEXT PRIMARY KEY,              -- SHA-256 of the random id in the cookie
        user_id INTEGER NOT NULL REFERENCES users(id),
        expires_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pending_sign_ins_by_user ON pending_sign_ins(user_id);
    -- By password or passkey; what matters can be changed for some minutes after.
    ALTER TABLE sessions ADD COLUMN confirmed_at TEXT NOT NULL DEFAULT '';
    """)


@migrations()
def m2026_11_28_counts_side_by_side(db: Database) -> None:
    """What is counted for a domain, or by one thing, on a day stands in one row: a seventh of the rows for a report.

    Beside the counts stands how many times until delivered lie between a few marks, so that a median reads only the
    times between two of them.
    """
    states = (
        "accepted", "delivered", "opened", "failed", "lost", "rejected", "gave_up", "unknown", "undecided",
        "cancelled", "skipped",
    )  # fmt: skip
    # In seconds, each up to the next; the last is far beyond what anybody waits.
    marks = (0, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900, 3600, 14400, 10**12)
    counts = {state: f"(shown = '{state}')" for state in states}
    tooks = {f"took_{a}": f"(seconds >= {a} AND seconds < {b})" for a, b in pairwise(marks)}
    one, domain = "kind, period, what", "period, domain"

    def added(table: str, keys: str, values: Iterable[str], found: Iterable[str], source: str) -> str:
        """What is `found` in each row of `source` added to the rows of a table; new rows where there are none."""
        return (
            f"INSERT INTO {table} ({keys}, {', '.join(values)}) SELECT {keys}, {', '.join(found)} FROM {source} "  # noqa: S608
            f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in values)}"
        )

    def each(values: Mapping[str, str], by: object) -> list[str]:
        return [f"({by}) * {value}" for value in values.values()]

    def summed(values: Mapping[str, str]) -> list[str]:
        return [f"sum(n * {value})" for value in values.values()]

    for name in ("report_as_it_was", "report_as_it_is", "report_removed", "report_added", "report_ones_added",
                 "report_ones_moved", "report_ones_removed"):  # fmt: skip
        db.execute(f"DROP TRIGGER {name}")
    db.execute("ALTER TABLE report_domains RENAME TO domains_before")
    db.execute("DROP TABLE report_ones")
    wide = ", ".join(f"{name} INTEGER NOT NULL DEFAULT 0" for name in counts)
    db.execute(
        f"CREATE TABLE report_domains (period TEXT NOT NULL, domain TEXT NOT NULL, {wide}, "
        "PRIMARY KEY (period, domain)) STRICT, WITHOUT ROWID"
    )
    wide = ", ".join(f"{name} INTEGER NOT NULL DEFAULT 0" for name in (*counts, *tooks))
    db.execute(
        f"CREATE TABLE report_ones (kind TEXT NOT NULL, period TEXT NOT NULL, what TEXT NOT NULL, {wide}, "
        "PRIMARY KEY (kind, period, what)) STRICT, WITHOUT ROWID"
    )
    db.execute(added("report_domains", domain, counts, summed(counts), f"domains_before GROUP BY {domain}"))
    db.execute("DROP TABLE domains_before")
    db.execute(added("report_ones", one, counts, summed(counts), f"reported_ones GROUP BY {one}"))
    db.execute(added("report_ones", one, tooks, summed(tooks), "report_times GROUP BY period, kind, what"))
    db.execute(
        "CREATE VIEW reported_by_one AS SELECT r.id, k.kind, r.period, CASE k.kind WHEN 'all' THEN '' "
        "WHEN 'sender' THEN r.sender_email WHEN 'template' THEN CAST(r.template_id AS TEXT) "
        "ELSE CAST(r.user_id AS TEXT) END AS what, r.shown FROM reported r CROSS JOIN (SELECT 'all' AS kind "
        "UNION ALL SELECT 'template' UNION ALL SELECT 'sender' UNION ALL SELECT 'person') k"
    )
    for name, when, row, by in (
        ("added", "INSERT", "new", "new.n"),
        ("moved", "UPDATE OF n", "new", "new.n - old.n"),
        ("removed", "DELETE", "old", "- old.n"),
    ):
        time = f"(SELECT {row}.kind AS kind, {row}.period AS period, {row}.what AS what, {row}.seconds AS seconds)"
        db.execute(
            f"CREATE TRIGGER report_times_{name} AFTER {when} ON report_times BEGIN "
            f"{added('report_ones', one, tooks, each(tooks, by), f'{time} WHERE true')}; END"
        )

    def counted(by: int, row: str, counts: Mapping[str, str] = counts) -> str:
        """The statements that count a mail, or with -1 count it no more."""
        reported, or_more = f"FROM reported WHERE id = {row}.id", f"ON CONFLICT DO UPDATE SET n = n + ({by})"
        return (
            f"INSERT INTO report_counts SELECT period, template_id, sender_email, user_id, shown, {by} {reported} "
            f"{or_more}; "
            f"INSERT INTO report_batches SELECT batch_id, period, shown, {by} {reported} AND length(period) = 10 "
            f"{or_more}; "
            f"{added('report_domains', domain, counts, each(counts, by), f'reported WHERE id = {row}.id')}; "
            f"{added('report_ones', one, counts, each(counts, by), f'reported_by_one WHERE id = {row}.id')}; "
        )

    def timed(by: int, row: str) -> str:
        return (
            f"INSERT INTO report_times SELECT period, kind, what, seconds, {by} FROM reported_times "  # noqa: S608
            f"WHERE id = {row}.id ON CONFLICT DO UPDATE SET n = n + ({by}); "
        )

    was, now = "old.shown NOT IN ('queued', 'sending')", "new.shown NOT IN ('queued', 'sending')"
    # Most changes: of a mail that was handed over we learn more, and it counts for the same day as before.
    same = "old.accepted_at IS NOT NULL AND old.accepted_at IS new.accepted_at AND old.domain = new.domain"
    stays = f"{same} AND old.state NOT IN ('queued', 'sending') AND new.state NOT IN ('queued', 'sending')"
    late = f"NOT ({stays}) OR old.delivered_at IS NOT new.delivered_at"
    moved = "UPDATE OF state, delivery, changed_at, accepted_at, delivered_at, domain ON mails"
    # Before, the views still show the mail as it was; after, as it is.
    for name, when, condition, statements in (
        ("report_as_it_was", f"BEFORE {moved}", f"{was} AND NOT ({stays})", counted(-1, "old")),
        # What happens once for every mail, and while it is being sent, touches no more than it has to.
        (
            "report_handed_over",
            f"AFTER {moved}",
            f"new.shown = 'accepted' AND NOT ({stays})",
            counted(1, "new", {"accepted": "1"}),
        ),
        (
            "report_as_it_is",
            f"AFTER {moved}",
            f"{now} AND new.shown <> 'accepted' AND NOT ({stays})",
            counted(1, "new"),
        ),
        (
            "report_time_as_it_was",
            f"BEFORE {moved}",
            f"{was} AND old.delivered_at IS NOT NULL AND ({late})",
            timed(-1, "old"),
        ),
        (
            "report_time_as_it_is",
            f"AFTER {moved}",
            f"{now} AND new.delivered_at IS NOT NULL AND ({late})",
            timed(1, "new"),
        ),
        ("report_removed", "BEFORE DELETE ON mails", was, counted(-1, "old") + timed(-1, "old")),
        ("report_added", "AFTER INSERT ON mails", now, counted(1, "new") + timed(1, "new")),
    ):
        db.execute(f"CREATE TRIGGER {name} {when} WHEN {condition} BEGIN {statements} END")
    both = "(SELECT old.shown AS shown, -1 AS n UNION ALL SELECT new.shown, 1) s"
    change = {state: f"((new.shown = '{state}') - (old.shown = '{state}'))" for state in states}
    db.execute(
        f"CREATE TRIGGER report_moved AFTER {moved} WHEN old.shown <> new.shown AND {stays} BEGIN "  # noqa: S608
        "INSERT INTO report_counts SELECT r.period, r.template_id, r.sender_email, r.user_id, s.shown, s.n "
        f"FROM reported r CROSS JOIN {both} WHERE r.id = new.id ON CONFLICT DO UPDATE SET n = n + excluded.n; "
        f"INSERT INTO report_batches SELECT r.batch_id, r.period, s.shown, s.n FROM reported r CROSS JOIN {both} "
        "WHERE r.id = new.id AND length(r.period) = 10 ON CONFLICT DO UPDATE SET n = n + excluded.n; "
        f"{added('report_domains', domain, change, change.values(), 'reported WHERE id = new.id')}; "
        f"{added('report_ones', one, change, change.values(), 'reported_by_one WHERE id = new.id')}; END"
    )
