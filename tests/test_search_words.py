"""What is typed into the search: taken apart, understood, and explained where it is not; never an error."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom import search
from mailroom.search_meaning import Meaning, understand
from mailroom.search_words import LONGEST, STATES, join, parse, states_called, with_only, without, word
from mailroom.states import DELIVERY_CHANGES, State
from mailroom.store import Store
from tests.records import NOON, STAMP, add_batch

JAKARTA = ZoneInfo("Asia/Jakarta")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A batch to three addresses, only read here."""
    store = Store(tmp_path_factory.mktemp("sent") / "mailroom.db")
    add_batch(store, ["siti@contoh.id", "sita@contoh.id", "budi@gmail.com"])
    with store.write() as db:
        db.execute(
            "INSERT INTO senders (email, name, created_at, created_by) VALUES ('tim@contoh.id', 'Tim', ?, 1)",
            [STAMP],
        )
    yield store
    store.close()


def mean(store: Store, text: str) -> Meaning:
    return understand(store, text, NOON, JAKARTA)


def notes(store: Store, text: str) -> list[str]:
    return [str(note) for note in mean(store, text).notes]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tagihan siti@", [("", "tagihan"), ("", "siti@")]),
        ('"tagihan november" x', [("", "tagihan november"), ("", "x")]),
        ('template:"Promo ""hari"" ini"', [("template", 'Promo "hari" ini')]),
        ("“tagihan november”", [("", "tagihan november")]),
        ('status:failed "not closed', [("status", "failed"), ("", "not closed")]),
        ("from:tim@contoh.id STATE:Lost", [("sender", "tim@contoh.id"), ("status", "Lost")]),
        ("12:30 10.000", [("", "12:30"), ("", "10.000")]),
        ("Re: tagihan", [("re", ""), ("", "tagihan")]),
        ('"', [("", "")]),
        (" \x00\t\n ", []),
    ],
)
def test_a_search_is_taken_apart(text: str, found: list[tuple[str, str]]) -> None:
    assert [(each.key, each.value) for each in parse(text)] == found


@given(st.text(max_size=80))
def test_what_was_taken_apart_and_put_together_is_the_same_search(text: str) -> None:
    assert parse(join(parse(text))) == parse(text)


@given(
    st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u00a0"), max_size=40)
)
def test_a_word_that_was_made_reads_as_it_was_meant(name: str) -> None:
    printable = "".join(letter for letter in name if letter.isprintable())
    [read] = parse(word("template", printable))
    assert (read.key, read.value) == ("template", printable)


def test_words_are_added_and_taken_away() -> None:
    assert with_only('siti "a b"', "status", "failed") == 'siti "a b" status:failed'
    assert with_only("status:lost siti state:sending", "status", "opened") == "siti status:opened"
    assert with_only("status:lost siti", "status", "") == "siti"
    assert without('siti "a b" status:x', 1) == "siti status:x"


def test_every_state_has_a_word_for_searching() -> None:
    deliveries = {state for change in DELIVERY_CHANGES for state in change} - {"pending"}
    assert set(STATES) == set(State.__args__) | deliveries  # type: ignore[attr-defined]
    for state, names in STATES.items():
        for name in (*names, state):
            assert states_called(name) == (state,), name


def test_a_state_is_known_by_its_beginning() -> None:
    assert states_called("fai") == ("failed",)
    assert states_called("gave-up") == ("gave_up",)
    assert states_called("can") == ("cancelled",)
    assert states_called("") == ()


def test_an_address_is_meant_exactly_when_there_is_such_a_mail(sent: Store) -> None:
    assert mean(sent, "siti@contoh.id").email == "siti@contoh.id"
    assert mean(sent, "Siti@Contoh.id").email == "Siti@Contoh.id"
    assert mean(sent, "siti@con").email_start == "siti@con"
    assert mean(sent, "to:sit").email_start == "sit"
    assert mean(sent, "@contoh.id").domain == "contoh.id"
    assert mean(sent, "contoh.id").domain == "contoh.id"
    assert mean(sent, "domain:cont").domain_start == "cont"
    # A word with a dot that is no domain we wrote to is one of the subject.
    assert mean(sent, "10.000").match == '"10.000"*'


def test_the_last_word_of_the_subject_may_be_a_beginning(sent: Store) -> None:
    assert mean(sent, "tagihan nov").match == '"tagihan" AND "nov"*'
    assert mean(sent, "tagihan no").match == '"tagihan" AND "no"'
    assert mean(sent, "tagihan nov status:failed").match == '"tagihan" AND "nov"'
    assert mean(sent, '"tagihan nov"').match == '"tagihan nov"'


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("after:2026-11-23", "2026-11-22T17:00:00.000Z", ""),
        ("before:23/11/2026", "", "2026-11-22T17:00:00.000Z"),
        ("after:today", "2026-11-22T17:00:00.000Z", ""),
        ("after:yesterday before:today", "2026-11-21T17:00:00.000Z", "2026-11-22T17:00:00.000Z"),
        ("after:2026-11", "2026-10-31T17:00:00.000Z", ""),
        ("after:2026-01-01 after:2026-11-23", "2026-11-22T17:00:00.000Z", ""),
    ],
)
def test_a_day_begins_in_the_teams_zone(sent: Store, text: str, since: str, until: str) -> None:
    meaning = mean(sent, text)
    assert (meaning.since, meaning.until, meaning.notes) == (since, until, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("statu:failed", "Did you mean “status:”?"),
        ("xyzzy:1", "put it in quotes"),
        ("status:asleep", "No status is called “asleep”"),
        ("template:promo", "No template begins with “promo”"),
        ("sender:nobody", "No sender begins with “nobody”"),
        ("batch:99", "No batch has that number"),
        ("by:nobody", "Nobody’s name or address begins with “nobody”"),
        ("before:someday", "a day is written as"),
        ("before:0001-01-01", "a day is written as"),
        ("status:", "needs something behind the colon, such as status:failed"),
        ("@", "needs something behind it"),
        ("!!!", "has no letter and no digit"),
        ("siti@contoh.id budi@gmail.com", "One address at a time"),
        ("x" * 10_000, f"and {LONGEST} letters"),
    ],
)
def test_what_is_not_understood_is_said(sent: Store, text: str, said: str) -> None:
    assert any(said in note for note in notes(sent, text)), notes(sent, text)


def test_what_is_understood_but_not_there_finds_nothing(sent: Store) -> None:
    for text in ("template:promo", "sender:nobody", "batch:99", "by:nobody", "tagihan batch:99"):
        assert search.find(sent, mean(sent, text)).lines == (), text
    # What is not understood is left out instead.
    assert len(search.find(sent, mean(sent, "status:asleep")).lines) == 3


@pytest.mark.parametrize("text", ["tagihan", "template:tag", "sender:tim", "sender:TIM@contoh.id", "batch:1", "by:ad",
                                  'batch:"tagihan"', "template:TAGIHAN", "to:"])  # fmt: skip
def test_names_are_found_by_their_beginning_in_any_case(sent: Store, text: str) -> None:
    assert len(search.find(sent, mean(sent, text)).lines) == 3


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(
                [
                    '"',
                    "*",
                    "AND",
                    "NOT",
                    "NEAR(",
                    "^",
                    "subject:",
                    "subject:^a",
                    "{",
                    "')--",
                    "\x00",
                    "a*b",
                    "''",
                    "-",
                    "status:",
                    "batch:99999999999999999999",
                    "after:9999-99-99",
                    "to:%",
                    "domain:@",
                    "@@",
                    "+",
                    "a.b",
                    "batch:²",
                    "\U0010ffff",
                    "\ud800",
                ]
            ),
        ),
        max_size=8,
    )
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_answered(sent: Store, parts: list[str]) -> None:
    search.find(sent, mean(sent, " ".join(parts)))
