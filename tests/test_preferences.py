"""What the team prefers: kept, with who changed it, and refused where it could not be meant."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailroom import preferences
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.store import Store
from tests.records import NOON, add_batch


def test_until_somebody_changes_them_they_are_the_usual_ones(store: Store) -> None:
    assert preferences.get(store) == Preferences()
    assert preferences.last_changed(store) is None


def test_they_are_kept_and_only_what_changed_is_said_to_have_changed(store: Store) -> None:
    add_batch(store, [])
    wanted = Preferences(500, "07:30", "16:00", (0, 1, 2, 3, 4, 5), suppress_failed=True)
    assert len(preferences.save(store, wanted, 1, NOON)) == 5
    assert preferences.get(store) == wanted
    assert preferences.save(store, wanted, 1, NOON + timedelta(hours=1)) == []
    changed = preferences.last_changed(store)
    assert changed
    assert (changed.at, changed.by) == ("2026-11-23T05:00:00.000Z", "Adi")
    assert preferences.save(store, replace(wanted, approval_above=None), 1, NOON) == ["approval_above"]
    assert preferences.get(store).approval_above is None


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Preferences(approval_above=-1), "approval_above"),
        (Preferences(approval_above=2**63), "approval_above"),
        (Preferences(office_from="8:00"), "office_from"),
        (Preferences(office_to="24:00"), "office_to"),
        (Preferences(office_to="17:00\n"), "office_to"),
        (Preferences(office_from="17:00", office_to="08:00"), "office_to"),
        (Preferences(office_from="17:00", office_to="17:00"), "office_to"),
        (Preferences(office_days=()), "office_days"),
        (Preferences(office_days=(7,)), "office_days"),
    ],
)
def test_what_cannot_be_meant_is_refused_beside_its_field(
    store: Store, wanted: Preferences, field: str
) -> None:
    add_batch(store, [])
    with pytest.raises(Problem) as caught:
        preferences.save(store, wanted, 1, NOON)
    assert caught.value.field == field
    assert preferences.get(store) == Preferences()
