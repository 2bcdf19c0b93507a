from typing import get_args

import pytest

from protocol.errors import ERRORS
from protocol.methods import METHODS, Method
from protocol.models import STATUSES, EventType
from protocol.reference_page import reference_page


@pytest.fixture(scope="module")
def page() -> str:
    return reference_page()


def section(page: str, heading: str) -> str:
    """From a heading to the next one of its depth or above."""
    depth = heading.partition(" ")[0]
    _, found, rest = page.partition(f"\n{heading}\n")
    assert found, f"{heading} is missing"
    for shallower in ("## ", "### ")[: len(depth) - 1]:
        rest = rest.partition(f"\n{shallower}")[0]
    return rest


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: str(method.name))
def test_every_method_has_its_summary_params_result_and_refusals(page: str, method: Method) -> None:
    text = section(page, f"### {method.name}")
    assert method.summary in text
    assert f"Role: {method.role.name.lower()}" in text
    assert f"Result: `{method.result.__name__}`" in text
    for name in method.positional:
        assert f"| `{name}` |" in text
    for error in method.all_errors():
        assert f"`{error.reason}`" in text


def test_a_param_shows_type_default_bounds_and_meaning(page: str) -> None:
    text = section(page, "### get_all_tasks")
    assert "| `limit` | integer | `100` | 1 to 500 | At most this many per page. |" in text


def test_a_required_param_and_one_that_is_left_alone_are_told_apart(page: str) -> None:
    text = section(page, "### edit_task")
    assert "| `taskId` | string | required |" in text
    assert "| `priority` | integer | left as it is |" in text


def test_a_refusal_says_when_it_comes(page: str) -> None:
    text = section(page, "### claim_task")
    assert "| 1105 | `slot_busy` | The slot already works on a task;" in text


def test_the_errors_are_listed_once_by_code(page: str) -> None:
    text = section(page, "## Errors")
    codes = [int(line.split("|")[1]) for line in text.splitlines() if "| `" in line]
    assert codes == sorted(error.code for error in ERRORS.values())


def test_every_event_type_and_status_is_named(page: str) -> None:
    types = section(page, "## Event types")
    rows = [line.split("`")[1] for line in types.splitlines() if line.startswith("| `")]
    assert set(rows) == set(get_args(EventType))
    statuses = section(page, "## Statuses")
    for status in STATUSES:
        assert f"| `{status}` |" in statuses


def test_every_link_within_the_page_leads_to_a_heading(page: str) -> None:
    headings = {
        line.lstrip("# ").lower().replace(" ", "-").replace(".", "")
        for line in page.splitlines()
        if line.startswith("#")
    }
    targets = {part.partition(")")[0] for part in page.split("](#")[1:]}
    assert len(targets) > 30
    assert targets <= headings


def test_the_tables_have_as_many_cells_in_each_row_as_in_their_head(page: str) -> None:
    head = 0
    for line in page.splitlines():
        if not line.startswith("|"):
            head = 0
            continue
        cells = line.replace("\\|", "").count("|")
        head = head or cells
        assert cells == head, line
