"""Random commands about many tasks at once: bulk changes, imports, templates.

Owns the rules that send them. The model knows no bulk: it does the single commands one by one.
"""

import copy
from collections.abc import Callable
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from protocol import params as p
from protocol.errors import CoordinatorError
from protocol.models import TemplateTask
from protocol.results import BulkChanged
from tests.model.naive import Naive
from tests.model.strategies import ALL, ANY_NAME, FIELDS, NAMES, PICK, SEEN, TAGS
from tests.model.work_rules import WorkRules

FILTER = st.fixed_dictionaries(
    {}, optional={"status": st.lists(st.sampled_from(ALL), max_size=2), "tags": TAGS}
)
FINISHED = st.sampled_from([None, None, "done", "failed", "cancelled"])
Single = Callable[[Naive, str], str | None]
"""The single command that a bulk change repeats."""


class BulkRules(WorkRules):
    """Many at once."""

    def bulk(
        self, method: str, params: p.CancelTasks | p.ResetTasks | p.EditTasks, single: Single
    ) -> None:
        told, reason = self.call("s1", method, params)
        assert reason is None
        assert isinstance(told, BulkChanged)
        naive = copy.deepcopy(self.naive) if params.dry_run else self.naive
        statuses, tags = set(params.filter.status), set(params.filter.tags)
        found = sorted(
            (item.order, name)
            for name, item in naive.tasks.items()
            if (not statuses or item.status in statuses) and tags <= set(item.tags)
        )
        changed: list[str] = []
        skipped: list[tuple[str, str]] = []
        for _, name in found:
            said = len(naive.said)
            refusal = single(naive, name)
            if refusal is not None:
                skipped.append((name, refusal))
            elif len(naive.said) > said:
                changed.append(name)
        assert (told.matched, told.changed, told.task_ids) == (len(found), len(changed), changed)
        assert [(one.task_id, one.reason) for one in told.skipped] == skipped
        SEEN[f"{method} changed"] += len(changed)

    @rule(given=FILTER, dry_run=st.booleans(), chance=st.integers(0, 2))
    def cancel_tasks(self, given: dict[str, Any], dry_run: bool, chance: int) -> None:
        if chance:
            return
        params = p.CancelTasks(filter=p.TaskFilter(**given), dry_run=dry_run)
        self.bulk("cancel_tasks", params, lambda naive, name: naive.cancel(name))

    @rule(given=FILTER, force=st.booleans(), dry_run=st.booleans())
    def reset_tasks(self, given: dict[str, Any], force: bool, dry_run: bool) -> None:
        params = p.ResetTasks(filter=p.TaskFilter(**given), force=force, dry_run=dry_run)
        self.bulk("reset_tasks", params, lambda naive, name: naive.reset(name, force=force))

    @rule(
        given=FILTER,
        priority=FIELDS["priority"],
        attempts=FIELDS["max_attempts"],
        added=TAGS,
        dry_run=st.booleans(),
    )
    def edit_tasks(
        self,
        given: dict[str, Any],
        priority: int,
        attempts: int | None,
        added: list[str],
        dry_run: bool,
    ) -> None:
        removed = [tag for tag in ("x", "y") if tag not in added]
        params = p.EditTasks(
            filter=p.TaskFilter(**given),
            priority=priority,
            max_attempts=attempts,
            add_tags=added,
            remove_tags=removed,
            dry_run=dry_run,
        )

        def edit(naive: Naive, name: str) -> str | None:
            item = naive.tasks[name]
            kept = [tag for tag in item.tags if tag in added]
            fields: dict[str, Any] = {"priority": priority, "tags": kept + added}
            if attempts is not None:
                fields["max_attempts"] = attempts
            return naive.edit(name, fields)

        self.bulk("edit_tasks", params, edit)

    @rule(
        wanted=st.lists(st.tuples(ANY_NAME, FINISHED, FIELDS["needs"]), min_size=1, max_size=3),
        dry_run=st.booleans(),
    )
    def import_tasks(
        self,
        wanted: list[tuple[str, Literal["done", "failed", "cancelled"] | None, list[str]]],
        dry_run: bool,
    ) -> None:
        tasks = [
            p.ImportedTask(id=name, description="do it", status=status, dependencies=needs)
            for name, status, needs in wanted
        ]
        _, reason = self.call("s1", "import_tasks", p.ImportTasks(tasks=tasks, dry_run=dry_run))
        naive = copy.deepcopy(self.naive) if dry_run else self.naive
        statuses = {name: status for name, status, _ in wanted}
        expected = naive.add([(name, {"needs": needs}) for name, _, needs in wanted], statuses)
        assert reason == expected

    @rule(index=PICK)
    def use_a_template(self, index: int) -> None:
        self.open()
        if len(self.naive.tasks) > len(NAMES):
            return
        rank = index % 3
        one = TemplateTask(id="one", description="do it", resources=["{{to}}/"], priority=rank)
        two = TemplateTask(id="two", description="do it", dependencies=["one"], tags=["x"])
        saved = p.SaveTemplate(name="plan", tasks=[one, two])
        _, reason = self.call("s1", "save_template", saved)
        assert reason is None
        self.naive.save_template(f"plan {rank}")
        prefix = f"{index}-"
        params = p.InstantiateTemplate(name="plan", parameters={"to": "src"}, prefix=prefix)
        _, reason = self.call("s1", "instantiate_template", params)
        first: dict[str, Any] = {"resources": ["src/"], "priority": rank}
        second: dict[str, Any] = {"needs": [f"{prefix}one"], "tags": ["x"]}
        assert reason == self.naive.add([(f"{prefix}one", first), (f"{prefix}two", second)])

    @rule(index=PICK, behind=st.integers(0, 2))
    def edit_a_copy_that_may_be_outdated(self, index: int, behind: int) -> None:
        self.open()
        name = self.pick(index, *ALL)
        if name is None:
            return
        version = max(1, self.driver.state.tasks[name].version - behind)
        outdated = version != self.driver.state.tasks[name].version
        params = p.EditTask(task_id=name, priority=7, version=version)
        outcome = self.driver.call("s1", "edit_task", params)
        if outdated:
            assert isinstance(outcome, CoordinatorError)
            assert outcome.reason == "version_conflict"
        else:
            assert self.naive.edit(name, {"priority": 7}) is None
