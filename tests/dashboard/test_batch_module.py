"""When the page hands on what happens, in its own time."""

from typing import Any

from tests.dashboard.node import run

BATCH = """await (async () => {
  const { mock } = await import("node:test");
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  performance.now = () => now;
  const told = [];
  let drawnLast = () => {};
  const done = () => { drawnLast(); drawnLast = () => {}; };
  const deliver = (things) => told.push([now, things]);
  const batch = new m.Batch(deliver, (drawn) => { drawnLast = drawn; });
  const pass = (milliseconds) => {
    for (let passed = 0; passed < milliseconds; passed += 1) { now += 1; mock.timers.tick(1); }
  };
  %s
  return told;
})()"""


def told(steps: str) -> Any:
    """What was handed on, each with its moment."""
    return run("batch.js", BATCH % steps)


def test_what_comes_alone_is_handed_on_at_once() -> None:
    steps = "batch.add([1]); done(); pass(400); batch.add([2]); pass(1_000); batch.add([3]);"
    assert told(steps) == [[0, [1]], [400, [2]], [1400, [3]]]


def test_what_comes_fast_is_handed_on_together_and_in_order() -> None:
    steps = "for (let n = 0; n < 9; n += 1) { batch.add([n]); done(); pass(100); }"
    assert told(steps) == [[0, [0]], [400, [1, 2, 3]], [800, [4, 5, 6, 7]]]


def test_what_takes_long_to_draw_is_drawn_seldom_but_every_second() -> None:
    slow = "batch.add([1]); batch.add([2]); pass(%d); done(); pass(2_000); "
    assert told(slow % 70) == [[0, [1]], [700, [2]]]
    assert told(slow % 300) == [[0, [1]], [1000, [2]]]


def test_what_waits_can_be_had_at_once_and_comes_once() -> None:
    steps = "batch.add([1]); batch.add([2]); pass(10); batch.flush(); batch.flush(); pass(999);"
    assert told(steps) == [[0, [1]], [10, [2]]]
