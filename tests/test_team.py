"""What the team's admins can do, and what nobody can: inviting, roles, shutting out, links, and the last admin."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from mailroom import activity, invites, people, resets, second_factors, sessions, sign_ins, team
from mailroom.problems import Problem
from mailroom.service import Service
from mailroom.sign_ins import Entered, Visitor
from mailroom.store import Store
from tests.house import CAST
from tests.live import prepare_records
from tests.records import give_passkey

ADI, SARI, VINO, EDO = 1, 2, 3, 4
NOW = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)
BUDI = ("budi@contoh.id", "Budi", "kereta api malam budi")


def later(**parts: float) -> datetime:
    return NOW + timedelta(**parts)


@pytest.fixture
def store(service: Service) -> Store:
    return service.store


def trail(store: Store) -> list[tuple[str, str]]:
    """Who did what, oldest first, but for signing in."""
    entries = [(entry.who, entry.kind) for entry in reversed(activity.newest(store))]
    return [(who, kind) for who, kind in entries if kind != "signed_in"]


def admins(store: Store) -> list[int]:
    return [one.id for one in team.everybody(store, NOW) if one.role == "admin" and not one.disabled_at]


def sign_in(store: Store, person: str = "vino", now: datetime = NOW) -> str:
    who = CAST[person]
    entered = sign_ins.by_password(store, who.email, who.password, Visitor("127.0.0.1", "Firefox"), now)
    assert isinstance(entered, Entered)
    return entered.session_id


# Invitations


def test_an_invitation_gives_its_role_and_works_once(store: Store) -> None:
    made = invites.invite(store, "editor", "", ADI, NOW)
    assert invites.find_invite(store, made.secret, NOW) == invites.Invite("editor", "", "Adi")
    user = invites.accept_invite(store, made.secret, *BUDI, NOW)
    assert (user.email, user.name, user.role) == ("budi@contoh.id", "Budi", "editor")
    assert invites.find_invite(store, made.secret, NOW) is None
    with pytest.raises(invites.InviteEnded):
        invites.accept_invite(store, made.secret, "lain@contoh.id", "Lain", BUDI[2], NOW)
    assert trail(store) == [("Adi", "person_invited"), ("Budi", "person_joined")]


def test_an_invitation_for_one_address_makes_nobody_else(store: Store) -> None:
    made = invites.invite(store, "viewer", " budi@contoh.id ", ADI, NOW)
    user = invites.accept_invite(store, made.secret, "lain@contoh.id", *BUDI[1:], NOW)
    assert user.email == "budi@contoh.id"


def test_an_invitation_ends_after_48_hours_and_is_shown_as_ended(store: Store) -> None:
    made = invites.invite(store, "viewer", "", ADI, NOW)
    assert [one.ended for one in invites.invitations(store, later(hours=47, minutes=59))] == [False]
    assert [one.ended for one in invites.invitations(store, later(hours=48))] == [True]
    with pytest.raises(invites.InviteEnded):
        invites.accept_invite(store, made.secret, *BUDI, later(hours=48))


def test_a_new_link_ends_the_one_before_and_is_good_for_48_hours_again(store: Store) -> None:
    first = invites.invite(store, "viewer", "budi@contoh.id", ADI, NOW)
    second = invites.renew(store, first.id, ADI, later(hours=50))
    assert second.id == first.id
    assert invites.find_invite(store, first.secret, later(hours=50)) is None
    assert invites.find_invite(store, second.secret, later(hours=97))
    assert trail(store)[-1] == ("Adi", "invite_renewed")


def test_inviting_the_same_address_again_ends_the_first_invitation(store: Store) -> None:
    first = invites.invite(store, "viewer", "budi@contoh.id", ADI, NOW)
    second = invites.invite(store, "sender", "Budi@Contoh.ID", ADI, NOW)
    assert invites.find_invite(store, first.secret, NOW) is None
    assert [one.id for one in invites.invitations(store, NOW)] == [second.id]


def test_a_withdrawn_invitation_lets_nobody_in(store: Store) -> None:
    made = invites.invite(store, "viewer", "", ADI, NOW)
    assert invites.withdraw(store, made.id, ADI, NOW)
    assert invites.find_invite(store, made.secret, NOW) is None
    assert not invites.withdraw(store, made.id, ADI, NOW)
    with pytest.raises(LookupError):
        invites.renew(store, made.id, ADI, NOW)
    assert trail(store) == [("Adi", "person_invited"), ("Adi", "invite_withdrawn")]


def test_an_invitation_that_was_used_is_neither_renewed_nor_withdrawn(store: Store) -> None:
    made = invites.invite(store, "viewer", "", ADI, NOW)
    invites.accept_invite(store, made.secret, *BUDI, NOW)
    assert not invites.withdraw(store, made.id, ADI, NOW)
    with pytest.raises(LookupError):
        invites.renew(store, made.id, ADI, NOW)


@pytest.mark.parametrize(
    ("role", "email", "field"),
    [
        ("", "", "role"),
        ("owner", "", "role"),
        ("viewer", "bukan alamat", "email"),
        ("viewer", "sari@contoh.id", "email"),
        ("viewer", "SARI@contoh.id", "email"),
    ],
)
def test_what_cannot_be_invited_is_said_beside_its_field(
    store: Store, role: str, email: str, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        invites.invite(store, role, email, ADI, NOW)
    assert refused.value.field == field
    assert invites.invitations(store, NOW) == []


def test_whoever_is_shut_out_does_not_come_back_by_a_link_of_their_own(store: Store) -> None:
    team.change_role(store, SARI, "admin", ADI, NOW)
    made = invites.invite(store, "admin", "", SARI, NOW)
    reset = resets.make(store, EDO, SARI, NOW)
    team.change_role(store, SARI, "sender", ADI, NOW)
    assert invites.find_invite(store, made.secret, NOW) is None
    assert resets.find(store, reset, NOW) is None
    assert [(one.by, one.ended) for one in invites.invitations(store, NOW)] == [("Sari", True)]
    # Another admin stands for it now.
    fresh = invites.renew(store, made.id, ADI, NOW)
    assert invites.find_invite(store, fresh.secret, NOW) == invites.Invite("admin", "", "Adi")


def test_the_addresses_of_those_who_never_came_are_not_kept(store: Store, service: Service) -> None:
    invites.invite(store, "viewer", "budi@contoh.id", ADI, NOW)
    invites.tidy(store, later(days=31))
    assert len(invites.invitations(store, NOW)) == 1
    invites.tidy(store, later(days=32, minutes=1))
    assert invites.invitations(store, NOW) == []
    service.housekeeper.tidy()


# Roles, and who is shut out


def test_a_role_holds_from_the_next_request_on(store: Store) -> None:
    session = sign_in(store)
    assert team.change_role(store, VINO, "sender", ADI, NOW)
    user = sessions.session_user(store, session, NOW, extend=True)
    assert user
    assert user.role == "sender"
    assert not team.change_role(store, VINO, "sender", ADI, NOW)
    assert [entry.details["before"] for entry in activity.newest(store, kind="role_changed")] == ["viewer"]


def test_whoever_is_shut_out_is_signed_out_and_cannot_sign_in_until_let_in(store: Store) -> None:
    session, reset = sign_in(store), resets.make(store, VINO, ADI, NOW)
    assert team.disable(store, VINO, ADI, NOW)
    assert not team.disable(store, VINO, ADI, NOW)
    assert sessions.session_user(store, session, NOW, extend=True) is None
    with pytest.raises(Problem):
        sign_in(store)
    assert team.enable(store, VINO, ADI, NOW)
    assert not team.enable(store, VINO, ADI, NOW)
    # What was open before stays ended.
    assert sessions.session_user(store, session, NOW, extend=True) is None
    assert resets.find(store, reset, NOW) is None
    assert sign_in(store)
    assert trail(store) == [
        ("Adi", "reset_link_made"),
        ("Adi", "person_disabled"),
        ("Adi", "person_enabled"),
    ]


def test_ending_all_sessions_of_somebody_ends_nobody_elses(store: Store) -> None:
    vino, sari = [sign_in(store), sign_in(store)], sign_in(store, "sari")
    assert team.member(store, VINO, NOW).browsers == 2
    assert team.end_sessions(store, VINO, ADI, NOW) == 2
    assert team.end_sessions(store, VINO, ADI, NOW) == 0
    assert [sessions.session_user(store, one, NOW, extend=True) for one in vino] == [None, None]
    assert sessions.session_user(store, sari, NOW, extend=True)
    assert trail(store) == [("Adi", "person_signed_out")]


def test_when_somebody_was_last_here_is_known_after_their_sessions_have_ended(store: Store) -> None:
    assert team.member(store, VINO, NOW).seen_at is None
    session = sign_in(store)
    sessions.session_user(store, session, later(hours=1), extend=True)
    for _ in range(2):
        assert team.member(store, VINO, NOW).seen_at == "2026-11-23T03:41:07.000Z"
        sessions.tidy(store, later(days=30))
    assert team.member(store, VINO, NOW).browsers == 0
    # Coming from a clock that runs behind does not make it earlier.
    sessions.sign_out(store, sign_in(store, now=later(hours=-5)))
    assert team.member(store, VINO, NOW).seen_at == "2026-11-23T03:41:07.000Z"


def test_batches_of_somebody_that_still_go_are_counted(service: Service) -> None:
    live = prepare_records(service)
    assert (team.batches_going(service.store, SARI), team.batches_going(service.store, ADI)) == (1, 0)
    team.disable(service.store, SARI, ADI, NOW)
    assert live.batch(1).waiting == 2


def test_nobody_who_is_no_admin_any_more_does_what_an_admin_does(store: Store) -> None:
    made = invites.invite(store, "viewer", "", ADI, NOW)
    before = trail(store)
    for by in (SARI, EDO, VINO, 99):
        for act in (
            lambda by: team.change_role(store, VINO, "admin", by, NOW),
            lambda by: team.disable(store, ADI, by, NOW),
            lambda by: team.enable(store, ADI, by, NOW),
            lambda by: team.end_sessions(store, ADI, by, NOW),
            lambda by: invites.invite(store, "admin", "", by, NOW),
            lambda by: invites.renew(store, made.id, by, NOW),
            lambda by: invites.withdraw(store, made.id, by, NOW),
            lambda by: resets.make(store, ADI, by, NOW),
        ):
            with pytest.raises(people.NotAllowed):
                act(by)
    assert trail(store) == before


# Second factors


def test_who_uses_a_second_factor_is_seen_and_an_admin_can_take_a_lost_one(store: Store) -> None:
    give_passkey(store, VINO)
    assert [one.name for one in team.everybody(store, NOW) if one.second_factor] == ["Vino"]
    assert second_factors.remove_all(store, VINO, ADI, NOW)
    assert not second_factors.remove_all(store, VINO, ADI, NOW)
    assert not team.member(store, VINO, NOW).second_factor
    assert sign_in(store)
    assert trail(store)[0] == ("Adi", "second_factors_removed")


def test_nobody_takes_their_own_second_factor_here_or_anothers_without_being_admin(store: Store) -> None:
    give_passkey(store, ADI)
    with pytest.raises(Problem):
        second_factors.remove_all(store, ADI, ADI, NOW)
    with pytest.raises(people.NotAllowed):
        second_factors.remove_all(store, ADI, SARI, NOW)
    with pytest.raises(LookupError):
        second_factors.remove_all(store, 99, ADI, NOW)
    assert team.member(store, ADI, NOW).second_factor


def test_a_new_password_by_a_link_leaves_the_second_factor(store: Store) -> None:
    give_passkey(store, VINO)
    resets.use(store, resets.make(store, VINO, ADI, NOW), "kata sandi yang baru", NOW)
    assert team.member(store, VINO, NOW).second_factor


# The last admin


def test_the_last_admin_stays(store: Store) -> None:
    with pytest.raises(Problem):
        team.change_role(store, ADI, "viewer", ADI, NOW)
    with pytest.raises(Problem):
        team.disable(store, ADI, ADI, NOW)
    # An admin who is shut out is no other admin.
    team.change_role(store, SARI, "admin", ADI, NOW)
    team.disable(store, SARI, ADI, NOW)
    with pytest.raises(Problem):
        team.disable(store, ADI, ADI, NOW)
    # Nor is anything lost when that one gets another role.
    assert team.change_role(store, SARI, "viewer", ADI, NOW)
    assert admins(store) == [ADI]


@pytest.mark.parametrize("round_", range(5))
def test_of_two_admins_who_demote_or_shut_out_each_other_at_once_one_stays(store: Store, round_: int) -> None:
    team.change_role(store, SARI, "admin", ADI, NOW)
    start = threading.Barrier(2)

    def act(by: int, about: int) -> str:
        start.wait()
        try:
            if round_ % 2:
                return str(team.disable(store, about, by, NOW))
            return str(team.change_role(store, about, "viewer", by, NOW))
        except (Problem, people.NotAllowed) as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(2) as pool:
        came = sorted(pool.map(act, (ADI, SARI), (SARI, ADI)))
    assert came == ["NotAllowed", "True"]
    assert len(admins(store)) == 1


def test_of_two_admins_who_give_the_role_up_at_once_one_stays(store: Store) -> None:
    team.change_role(store, SARI, "admin", ADI, NOW)
    start = threading.Barrier(2)

    def act(own: int) -> bool:
        start.wait()
        try:
            return team.change_role(store, own, "viewer", own, NOW)
        except Problem:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, (ADI, SARI))) == [False, True]
    assert len(admins(store)) == 1


def test_without_the_condition_nobody_would_be_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "_NOT_THE_LAST", "true")
    team.change_role(store, ADI, "viewer", ADI, NOW)
    assert admins(store) == []


# New passwords


def test_a_link_sets_a_new_password_once_and_signs_out_everywhere(store: Store) -> None:
    session, secret = sign_in(store), resets.make(store, VINO, ADI, NOW)
    assert resets.find(store, secret, NOW) == resets.Reset(VINO, "vino@contoh.id", "Vino")
    assert sessions.session_user(store, session, NOW, extend=True)
    resets.use(store, secret, "kata sandi yang baru", NOW)
    assert sessions.session_user(store, session, NOW, extend=True) is None
    with pytest.raises(Problem):
        sign_in(store)
    assert sign_ins.by_password(
        store, "vino@contoh.id", "kata sandi yang baru", Visitor("127.0.0.1", "x"), NOW
    )
    with pytest.raises(resets.ResetEnded):
        resets.use(store, secret, "kata sandi yang lain", NOW)
    assert trail(store) == [("Adi", "reset_link_made"), ("Vino", "password_reset")]


def test_of_two_who_use_a_password_link_at_once_one_gets_through(store: Store) -> None:
    secret = resets.make(store, VINO, ADI, NOW)

    def race(number: int) -> bool:
        try:
            resets.use(store, secret, f"kata sandi nomor {number}", NOW)
        except resets.ResetEnded:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(race, range(4))) == 1


def test_a_password_link_ends_after_48_hours_and_with_a_newer_one(store: Store) -> None:
    first = resets.make(store, VINO, ADI, NOW)
    second = resets.make(store, VINO, ADI, later(hours=1))
    assert resets.find(store, first, later(hours=1)) is None
    assert resets.open_until(store, VINO, later(hours=48)) == "2026-11-25T03:41:07.000Z"
    assert resets.find(store, second, later(hours=49)) is None
    assert resets.open_until(store, VINO, later(hours=49)) is None


def test_a_password_that_cannot_be_used_leaves_the_link_good(store: Store) -> None:
    secret = resets.make(store, VINO, ADI, NOW)
    with pytest.raises(Problem) as refused:
        resets.use(store, secret, "pendek", NOW)
    assert refused.value.field == "password"
    assert resets.find(store, secret, NOW)


def test_nobody_makes_a_password_link_for_themselves_or_for_who_is_shut_out(store: Store) -> None:
    team.disable(store, VINO, ADI, NOW)
    for user_id in (ADI, VINO):
        with pytest.raises(Problem):
            resets.make(store, user_id, ADI, NOW)
    with pytest.raises(LookupError):
        resets.make(store, 99, ADI, NOW)


def test_whoever_tried_too_many_old_passwords_comes_in_with_the_new_one_at_once(store: Store) -> None:
    for _ in range(6):
        with pytest.raises(Problem):
            sign_ins.by_password(store, "vino@contoh.id", "lupa lupa lupa", Visitor("127.0.0.1", "x"), NOW)
    resets.use(store, resets.make(store, VINO, ADI, NOW), "kata sandi yang baru", NOW)
    assert sign_ins.by_password(
        store, "vino@contoh.id", "kata sandi yang baru", Visitor("127.0.0.1", "x"), NOW
    )


# What is kept


def test_no_secret_and_no_whole_address_stands_in_the_trail_or_the_database(store: Store) -> None:
    made = invites.invite(store, "viewer", "budi@contoh.id", ADI, NOW)
    reset = resets.make(store, VINO, ADI, NOW)
    dump = "\n".join(store.read().conn.iterdump())
    for secret in (made.secret, reset):
        assert secret not in dump
    for entry in activity.newest(store):
        assert "budi@" not in str(entry.details)
        assert "vino@" not in str(entry.details)
    assert [entry.kind for entry in activity.about(store, "VINO@contoh.id")] == ["reset_link_made"]
