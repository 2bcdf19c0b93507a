"""The rows of the table: what pages, events and tasks that were read again leave of them."""

from typing import Any

import pytest

from tests.dashboard.node import run


def task(name: str, version: int = 1, **fields: Any) -> dict[str, Any]:
    number = int(name[1:])
    plain: dict[str, Any] = {
        "status": "available",
        "priority": 0,
        "dependencies": [],
        "tags": [],
        "attempt": 0,
    }
    times = {"createdAt": f"2026-01-31T09:{number:02}:00.000Z"}
    return {
        "id": name,
        "version": version,
        **plain,
        **times,
        "updatedAt": times["createdAt"],
        **fields,
    }


def page(*names: str, cursor: str | None = None) -> dict[str, Any]:
    return {"tasks": [task(name) for name in names], **({"nextCursor": cursor} if cursor else {})}


def rows(expression: str, sort: str = "created", **values: Any) -> Any:
    """The ids after an expression that makes rows of `r`, which has one page."""
    values.setdefault("page", page("t1", "t3", "t5"))
    whole = (
        "(() => { const r = m.withPage(m.noRows(v.sort), v.page);"
        f"const found = {expression}; return [found.tasks.map((t) => t.id), found.complete]; }})()"
    )
    return run("task_rows.js", whole, sort=sort, **values)


def test_pages_follow_one_another_and_nothing_is_shown_twice() -> None:
    two: dict[str, Any] = {"page": page("t1", "t2", cursor="c"), "next": page("t2", "t3")}
    assert rows("r", **two) == [["t1", "t2"], False]
    assert rows("m.withPage(r, v.next)", **two) == [["t1", "t2", "t3"], True]


@pytest.mark.parametrize(
    ("sort", "loaded", "expected"),
    [
        ("created", ["t1", "t3", "t5"], ["t1", "t3", "t4", "t5"]),
        ("-created", ["t5", "t3", "t1"], ["t5", "t4", "t3", "t1"]),
        ("priority", ["t1", "t3", "t5"], ["t4", "t1", "t3", "t5"]),
        ("-priority", ["t1", "t3", "t5"], ["t1", "t3", "t5", "t4"]),
    ],
)
def test_a_new_task_stands_where_it_belongs(
    sort: str, loaded: list[str], expected: list[str]
) -> None:
    new = task("t4", priority=9)
    found = rows("m.withTask(r, v.new)", sort=sort, page=page(*loaded), new=new)
    assert found == [expected, True]


def test_a_new_task_beyond_what_is_loaded_comes_with_its_page() -> None:
    new = task("t9")
    assert rows("m.withTask(r, v.new)", page=page("t1", cursor="c"), new=new)[0] == ["t1"]
    assert rows("m.withTask(r, v.new)", page=page("t1"), new=new)[0] == ["t1", "t9"]


def test_what_was_read_again_and_did_not_pass_goes() -> None:
    values: dict[str, Any] = {
        "asked": ["t1", "t3", "t4"],
        "found": [task("t3", 2), task("t4")],
    }
    assert rows("m.withReread(r, v.asked, v.found)", **values)[0] == ["t3", "t4", "t5"]


def test_an_older_state_of_a_task_is_no_news() -> None:
    expression = "m.withTask(m.withTask(r, v.new), v.old).byId.get('t3').version"
    script = (
        f"(() => {{ const r = m.withPage(m.noRows('created'), v.page); return {expression}; }})()"
    )
    values = {"page": page("t3"), "new": task("t3", 5), "old": task("t3", 2)}
    assert run("task_rows.js", script, **values) == 5


def after(events: list[dict[str, Any]], *, narrowed: bool) -> Any:
    script = (
        "(() => { const r = m.withPage(m.noRows('created'), v.page);"
        "const { rows, reread, reload } = m.afterEvents(r, v.events, { narrowed: v.narrowed });"
        "return { tasks: rows.tasks, same: rows === r, reread: [...reread], reload }; })()"
    )
    values = {"page": page("t1", "t3", cursor="c"), "events": events, "narrowed": narrowed}
    return run("task_rows.js", script, **values)


def event(type_: str, name: str, **fields: Any) -> dict[str, Any]:
    plain = {"seq": 9, "time": "2026-01-31T10:00:00.000Z", "version": 2, "attempt": 1}
    return {"type": type_, "taskId": name, **plain, **fields}


def test_an_event_changes_its_row_in_its_place() -> None:
    claimed = event("task_claimed", "t1", status="working", workerId="w")
    found = after([claimed], narrowed=False)
    assert [(one["id"], one["status"]) for one in found["tasks"]] == [
        ("t1", "working"),
        ("t3", "available"),
    ]
    assert (found["reread"], found["reload"]) == ([], False)


def test_under_a_filter_every_change_may_bring_a_task_in_or_out() -> None:
    events = [event("task_claimed", name, status="working") for name in ("t1", "t7")]
    assert after(events, narrowed=True)["reread"] == ["t1", "t7"]
    assert after([events[1]], narrowed=False) | {"tasks": 0} == {
        "tasks": 0,
        "same": True,
        "reread": [],
        "reload": False,
    }


def test_what_is_deleted_goes_and_what_is_added_is_read() -> None:
    found = after([event("task_deleted", "t1"), event("task_added", "t9")], narrowed=False)
    assert [one["id"] for one in found["tasks"]] == ["t3"]
    assert found["reread"] == ["t9"]
    assert after([{"type": "tasks_cleaned", "seq": 9}], narrowed=False)["reload"] is True


def test_a_range_is_chosen_and_a_step_stays_within_the_rows() -> None:
    def ask(expression: str) -> Any:
        begin = "const r = m.withPage(m.noRows('created'), v.page);"
        script = f"(() => {{ {begin} return {expression}; }})()"
        return run("task_rows.js", script, page=page("t1", "t2", "t3", "t4"))

    assert ask("m.idsBetween(r, 't3', 't1')") == ["t1", "t2", "t3"]
    assert ask("m.idsBetween(r, 'gone', 't2')") == ["t2"]
    assert [
        ask(f"m.idBeside(r, {at}, {by})") for at, by in (("'t1'", 1), ("'t1'", -1), ("''", 1))
    ] == [
        "t2",
        "t1",
        "t1",
    ]


def test_the_counters_tell_how_many_pass_where_they_can() -> None:
    counts = {"available": 3, "done": 4}
    assert run("task_rows.js", "m.totalFor({}, v.counts)", counts=counts) == 7
    assert run("task_rows.js", 'm.totalFor({ status: ["done"] }, v.counts)', counts=counts) == 4
    assert run("task_rows.js", 'm.totalFor({ search: "x" }, v.counts)', counts=counts) is None


def test_more_than_can_be_shown_is_cut_at_the_end_and_nothing_is_loaded_behind_it() -> None:
    most = run("task_rows.js", "m.ROWS_MAX")
    full = {"tasks": [{**task("t1"), "id": f"old{n}"} for n in range(most)], "nextCursor": "on"}
    script = """(() => {
      const r = m.withTask(m.withPage(m.noRows("-created"), v.page), v.task);
      const less = m.withReread(r, ["old0"], []);
      const ids = less.tasks.map(({ id }) => id);
      return [r.tasks.length, r.byId.size, ids[0], ids.at(-1), m.isFull(less), less.complete];
    })()"""
    found = run("task_rows.js", script, page=full, task=task("t9"))
    assert found == [most, most, "t9", f"old{most - 2}", True, False]
