"""What a batch writes: one statement per table, none for what is empty."""

import re

from actor.store.base import Batch
from actor.store.sql import QUERIES
from actor.store.sqlite_rows import statements
from tests.actor.store.contract import AT_MS, event, project, reply, slot, task, template


def written(batch: Batch) -> list[str]:
    by_query = {query: name for name, query in QUERIES.items()}
    return [by_query[query] for query, _ in statements(batch)]


def test_an_empty_batch_writes_nothing() -> None:
    assert written(Batch()) == []


def test_a_full_batch_is_one_statement_per_table_in_an_order_that_references_allow() -> None:
    batch = Batch(
        projects=[project(), project(2, "b")],
        tasks=[task(1), task(2)],
        tasks_removed=[3, 4],
        slots=[slot(), slot(2)],
        slots_freed=[(1, 2), (1, 3)],
        templates=[template(), template("b")],
        templates_removed=[(1, "c"), (1, "d")],
        events=[event(1), event(2)],
        replies=[reply("a"), reply("b")],
        forget_replies_before_ms=AT_MS,
    )
    assert written(batch) == [
        "forget_replies",
        "upsert_projects",
        "delete_tasks",
        "delete_slots",
        "delete_templates",
        "upsert_tasks",
        "upsert_slots",
        "upsert_templates",
        "insert_events",
        "upsert_replies",
        "mark_projects",
        "mark_removed",
    ]


def test_what_a_batch_has_not_costs_no_statement() -> None:
    assert written(Batch(events=[event(1)])) == ["insert_events", "mark_projects"]
    assert written(Batch(replies=[reply()])) == ["upsert_replies"]
    assert written(Batch(forget_replies_before_ms=0)) == ["forget_replies"]


def test_every_column_of_a_task_is_updated_but_its_identity() -> None:
    inserted = re.search(r"INSERT INTO tasks \((.*?)\)", QUERIES["upsert_tasks"], re.DOTALL)
    assert inserted is not None
    columns = set(re.findall(r"\w+", inserted[1]))
    updated = set(re.findall(r"(\w+) = excluded\.\1", QUERIES["upsert_tasks"]))
    assert columns - updated == {"number", "project", "id"}
