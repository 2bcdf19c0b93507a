"""Which events the page keeps, what the filter means for them, and how they are exported."""

from typing import Any

import pytest

from tests.dashboard.node import STATIC, run

EVENT = {"seq": 5, "type": "task_failed", "taskId": "login", "workerId": "w", "status": "failed"}

# --- the filter -------------------------------------------------------------------------------


def filtered(expression: str, text: str, **values: Any) -> Any:
    """The value of an expression that may use `c`, the conditions of a filter."""
    script = (
        "await (async () => { const f = await import(v.filter);"
        f"const c = m.conditionsOf(f.parse(v.text), 0); return {expression}; }})()"
    )
    where = (STATIC / "filter.js").as_uri()
    return run("event_filter.js", script, text=text, filter=where, **values)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("login", True),
        ("LOG failed", True),
        ("red", True),
        ("logout", False),
        ("worker:w status:failed", True),
        ("worker:v", False),
        ("-status:failed", False),
        ("id:login,other", True),
        ("id:other", False),
        ("tag:api", False),
    ],
)
def test_a_filter_means_the_same_for_events(text: str, passes: bool) -> None:
    event = "{ ...v.event, data: { error: 'red' } }"
    assert filtered(f"m.eventPasses({event}, c, new Set())", text, event=EVENT) is passes


@pytest.mark.parametrize("text", ["tag:api", "up:login", "age:>5m", "is:overdue", "priority:>2"])
def test_what_only_tasks_can_answer_is_asked_of_them(text: str) -> None:
    expression = "[[], ['login']].map((ids) => m.eventPasses(v.event, c, new Set(ids)))"
    assert filtered(expression, text, event=EVENT) == [False, True]
    of_no_task = "m.eventPasses({ ...v.event, taskId: undefined }, c, new Set(['login']))"
    assert filtered(of_no_task, text, event=EVENT) is False
    assert filtered("m.eventPasses(v.event, c, null)", text, event=EVENT) is False


@pytest.mark.parametrize(
    ("text", "types", "params"),
    [
        ("", [], {}),
        ("words", [], {}),
        ("worker:w", ["task_done"], {"types": ["task_done"], "workerId": "w"}),
        ("id:a", [], {"taskId": "a"}),
        ("id:a,b", [], {}),
    ],
)
def test_the_server_looks_for_what_it_can(
    text: str, types: list[str], params: dict[str, Any]
) -> None:
    assert filtered("m.eventParams(c, v.types)", text, types=types) == params


# --- what is kept -----------------------------------------------------------------------------

LOG = """(() => {
  const log = new m.EventLog();
  const events = (from, to) => Array.from({ length: to - from }, (_, i) => ({ seq: from + 1 + i }));
  const answer = (pruned = 0) => {
    const asked = log.earlier;
    const found = events(Math.max(asked.since, pruned), asked.until);
    return log.takeEarlier(asked, found.length, found, asked.since < pruned ? pruned : 0);
  };
  const seqs = () => log.shown.map(({ seq }) => seq);
  %s
})()"""


def logged(steps: str, **values: Any) -> Any:
    return run("event_log.js", LOG % steps, **values)


def test_pages_and_what_happens_meanwhile_fit_together_once_and_in_order() -> None:
    """What is asked for ends where the page began; what comes while it is asked comes on top."""
    shown = logged("log.start(700); log.add(events(600, 705), 705); answer(); return seqs();")
    assert shown == list(range(705, 200, -1))


def test_the_tail_is_bounded_and_knows_what_it_lost() -> None:
    steps = """log.start(0);
      for (let seq = 0; seq < 20_000; seq += 50) { log.add(events(seq, seq + 50), seq + 50); }
      const { until } = log.earlier;
      return { shown: seqs(), until, complete: log.complete };"""
    found = logged(steps)
    assert found["shown"] == list(range(20_000, 19_800, -1))
    assert (found["until"], found["complete"]) == (19_800, False)


def test_what_is_held_does_not_move_and_the_news_are_counted() -> None:
    steps = """log.start(0); log.add(events(0, 10), 10); log.hold();
      log.add(events(10, 13), 13);
      const few = log.news;
      log.add(events(13, 900), 900);
      const held = seqs();
      log.follow();
      return { few, held, more: log.news.more, now: seqs().length };"""
    found = logged(steps)
    assert [event["seq"] for event in found["few"]["events"]] == [13, 12, 11]
    assert found["few"]["more"] is False
    assert found["held"] == list(range(10, 0, -1))
    assert found["now"] == 200


def test_more_news_than_are_kept_are_said_to_be_more() -> None:
    steps = """log.start(0); log.add(events(0, 10), 10); log.hold();
      log.add(events(10, 900), 900);
      return log.news;"""
    news = logged(steps)
    assert len(news["events"]) == 200
    assert news["more"] is True


def test_whoever_goes_back_far_has_a_window_on_the_history() -> None:
    steps = """log.start(9_000); answer(); log.hold();
      const widths = [];
      while (log.earlier) { answer(); widths.push(seqs().length); }
      return { widths, cut: log.cut, shown: seqs(), complete: log.complete };"""
    found = logged(steps)
    assert max(found["widths"]) == 2_000
    assert (found["cut"], found["complete"]) == (True, True)
    assert found["shown"] == list(range(2_000, 0, -1))


def test_where_few_events_are_wanted_the_search_takes_longer_steps() -> None:
    steps = """log.start(1_000_000);
      let asked = 0;
      while (log.earlier) {
        asked += 1;
        log.takeEarlier(log.earlier, 0, [], 0);
      }
      return asked;"""
    assert logged(steps) < 20


def test_a_step_that_was_too_long_is_taken_back() -> None:
    steps = """log.start(100_000);
      const length = () => log.earlier.until - log.earlier.since;
      const lengths = [length()];
      log.takeEarlier(log.earlier, 0, [], 0);
      lengths.push(length());
      const shorter = log.shorten();
      lengths.push(length());
      return { lengths, shorter, again: log.shorten() };"""
    found = logged(steps)
    assert found["lengths"] == [500, 4_000, 500]
    assert (found["shorter"], found["again"]) == (True, False)


def test_a_history_without_its_beginning_ends_where_it_was_removed() -> None:
    steps = """log.start(900); answer(300); answer(300);
      return { shown: seqs(), complete: log.complete, pruned: log.pruned };"""
    found = logged(steps)
    assert found["shown"] == list(range(900, 300, -1))
    assert (found["complete"], found["pruned"]) == (True, 300)


@pytest.mark.parametrize("meanwhile", ["log.start(900)", "log.forget()", "answer()"])
def test_an_answer_to_an_earlier_question_is_not_taken(meanwhile: str) -> None:
    steps = f"""log.start(900);
      const asked = log.earlier;
      {meanwhile};
      const before = seqs().length;
      const taken = log.takeEarlier(asked, 1, [{{ seq: 1 }}], 0);
      return [taken, seqs().length - before];"""
    assert logged(steps) == [False, 0]


def test_what_turned_out_to_be_unwanted_makes_room() -> None:
    steps = """log.start(0); log.add(events(0, 200), 200);
      const full = log.isFull;
      log.drop(({ seq }) => seq % 2);
      return { full, later: log.isFull, shown: seqs(), from: log.tail.from };"""
    found = logged(steps)
    assert (found["full"], found["later"], found["from"]) == (True, False, 0)
    assert found["shown"] == list(range(200, 0, -2))


# --- export -----------------------------------------------------------------------------------

EXPORT = """await (async () => {
  const asked = [];
  const call = async (method, params) => {
    asked.push(params.since);
    const last = Math.min(params.until, params.since + v.page);
    const events = [];
    for (let seq = params.since + 1; seq <= last; seq += 1) { events.push({ seq }); }
    return { events, ...(last < params.until ? { nextSince: last } : {}) };
  };
  const passing = async (events) => events.filter(({ seq }) => seq % v.every === 0);
  const made = await m.exportEvents(call, {}, v.until, passing, (lines) => lines < v.stopAt);
  const text = await new Blob(made.parts).text();
  const seqs = text.split("\\n").filter(Boolean).map((line) => JSON.parse(line).seq);
  const { lines, cut, stopped } = made;
  const [first, last] = [seqs[0], seqs.at(-1)];
  return { lines, cut, stopped, count: seqs.length, first, last, asked: asked.length };
})()"""


def exported(until: int, *, page: int = 1_000, every: int = 1, stop_at: int = 10**9) -> Any:
    return run("event_export.js", EXPORT, until=until, page=page, every=every, stopAt=stop_at)


def test_an_export_holds_all_that_passes_up_to_its_beginning() -> None:
    """An answer may hold less than was asked for: what it says is where the next one begins."""
    found = exported(2_500, page=300, every=2)
    assert (found["lines"], found["cut"], found["stopped"]) == (1_250, False, False)
    assert (found["count"], found["first"], found["last"]) == (1_250, 2, 2_500)
    assert found["asked"] == 9
    assert exported(0)["count"] == 0


@pytest.mark.parametrize(("until", "cut"), [(100_000, False), (100_001, True), (250_000, True)])
def test_an_export_is_cut_at_its_maximum_and_says_so(until: int, cut: bool) -> None:
    found = exported(until)
    assert (found["lines"], found["count"], found["cut"]) == (100_000, 100_000, cut)


def test_an_export_can_be_stopped() -> None:
    found = exported(50_000, stop_at=3_000)
    assert (found["stopped"], found["asked"]) == (True, 3)
