"""The agenda: one moment for each thing, two clocks, earliest first."""

from hypothesis import given
from hypothesis import strategies as st

from actor.agenda import Agenda, Due, Kind

KINDS: tuple[Kind, ...] = ("task_lease", "slot_lease", "start", "deadline")
LEASE, START = Due("task_lease", 1, "a"), Due("start", 1, "b")


def test_leases_go_by_one_clock_and_starts_by_the_other() -> None:
    agenda = Agenda()
    agenda.set(LEASE, 100)
    agenda.set(START, 200)
    assert agenda.wait_ms(50, 60) == (150, 40)
    assert agenda.due(wall_ms=150, mono_ms=99, limit=9) == []
    assert agenda.due(wall_ms=150, mono_ms=100, limit=9) == [LEASE]
    assert agenda.due(wall_ms=200, mono_ms=0, limit=9) == [START]
    assert agenda.due(wall_ms=9_999, mono_ms=9_999, limit=9) == [LEASE, START], "leases first"
    assert agenda.due(wall_ms=9_999, mono_ms=9_999, limit=1) == [LEASE]


def test_a_thing_has_one_moment_at_most() -> None:
    agenda = Agenda()
    agenda.set(LEASE, 100)
    agenda.set(LEASE, 300)
    assert agenda.due(0, 299, 9) == []
    assert (len(agenda), LEASE in agenda) == (1, True)
    agenda.set(LEASE, None)
    agenda.set(LEASE, None)
    assert (len(agenda), LEASE in agenda, agenda.wait_ms(0, 0)) == (0, False, (None, None))


@given(
    st.lists(
        st.tuples(
            st.builds(Due, st.sampled_from(KINDS), st.integers(1, 2), st.sampled_from("ab")),
            st.none() | st.integers(0, 20),
        ),
        max_size=40,
    ),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(1, 5),
)
def test_it_answers_what_a_full_scan_would(
    steps: list[tuple[Due, int | None]], wall: int, mono: int, limit: int
) -> None:
    agenda = Agenda()
    plain: dict[Due, int] = {}
    for due, at in steps:
        agenda.set(due, at)
        plain.pop(due, None)
        if at is not None:
            plain[due] = at
    assert agenda.moments() == plain
    now = {due: mono if due.kind.endswith("lease") else wall for due in plain}
    ripe = [due for due, at in plain.items() if at <= now[due]]
    found = agenda.due(wall, mono, limit)
    assert len(found) == min(limit, len(ripe))
    assert found == sorted(found, key=lambda due: (due.kind in {"start", "deadline"}, plain[due]))
    assert set(found) <= set(ripe)
    waits = [at - now[due] for due, at in plain.items()]
    known = [wait for wait in agenda.wait_ms(wall, mono) if wait is not None]
    assert min(known, default=None) == min(waits, default=None)
