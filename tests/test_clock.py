"""Times and ids never go backwards, whatever the machine's clock does."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.clock import Clock, id_time_ms

NOW = 1_800_000_000_000


class SetClock(Clock):
    """A clock whose wall clock the test sets."""

    def __init__(self, ms: int = NOW) -> None:
        super().__init__()
        self.ms = ms

    def wall_ms(self) -> int:
        return self.ms


@given(st.lists(st.integers(-10_000, 10_000)))
def test_time_and_ids_go_forward_while_the_machines_clock_jumps(jumps: list[int]) -> None:
    clock = SetClock()
    times, ids = [clock.now_ms()], [clock.new_id()]
    for jump in jumps:
        clock.ms += jump
        times.append(clock.now_ms())
        ids.append(clock.new_id())
    assert times == sorted(times)
    assert ids == sorted(set(ids))


def test_an_id_is_a_uuid_of_version_7_that_tells_its_time() -> None:
    identity = SetClock().new_id()
    parsed = uuid.UUID(identity)
    assert str(parsed) == identity
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert id_time_ms(identity) == NOW


def test_more_ids_than_a_millisecond_holds_still_sort() -> None:
    clock = SetClock()
    ids = [clock.new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {uuid.UUID(identity).version for identity in ids} == {7}
    # The clock has moved ahead with the ids, and does not go back.
    assert id_time_ms(ids[-1]) > NOW
    assert clock.now_ms() == id_time_ms(ids[-1])


def test_a_clock_continues_after_the_newest_time_of_a_history() -> None:
    clock = SetClock()
    clock.start_after(NOW + 5_000)
    first = clock.now_ms()
    assert NOW + 5_000 <= first <= NOW + 5_001
    clock.start_after(NOW)
    assert clock.now_ms() == first
    clock.ms = NOW + 6_000
    assert clock.now_ms() == NOW + 6_000


def test_ids_continue_after_the_newest_id_of_a_history() -> None:
    before = SetClock()
    newest = [before.new_id() for _ in range(5)][-1]
    # The program starts again after the machine's clock was set back.
    after = SetClock(NOW - 60_000)
    after.start_after(id_time_ms(newest))
    ids = [after.new_id() for _ in range(5)]
    assert [newest, *ids] == sorted({newest, *ids})


def test_ids_made_on_many_threads_are_all_different() -> None:
    clock = Clock()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [clock.new_id() for _ in range(200)], range(8)))
    assert len({identity for ids in made for identity in ids}) == 1600
    assert all(ids == sorted(ids) for ids in made)


def test_the_machines_clock_is_the_machines() -> None:
    assert abs(Clock().now_ms() - Clock().wall_ms()) < 60_000
