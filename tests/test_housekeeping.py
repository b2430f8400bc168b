"""What has ended is cleared away, and nothing else."""

from datetime import timedelta

from mailroom import drafts, sessions, sign_ins
from mailroom.service import Service
from mailroom.sign_ins import Visitor
from tests.house import CAST
from tests.live import prepare_records


def test_old_drafts_and_ended_sessions_go_and_batches_stay(service: Service) -> None:
    live = prepare_records(service)
    sari = CAST["sari"]
    sign_ins.by_password(
        service.store, sari.email, sari.password, Visitor("127.0.0.1", "test"), service.clock()
    )
    service.housekeeper.tidy()
    assert live.rows("SELECT count(*) FROM drafts") == [(1,)]
    assert live.rows("SELECT count(*) FROM sessions") == [(1,)]
    later = service.clock() + timedelta(days=drafts.KEPT_DAYS + 8)
    sessions.tidy(service.store, later)
    drafts.tidy(service.store, later)
    assert live.rows("SELECT count(*) FROM drafts") == [(0,)]
    assert live.rows("SELECT count(*) FROM sessions") == [(0,)]
    assert live.rows("SELECT count(*) FROM mails") == [(2,)]
