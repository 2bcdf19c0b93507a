"""The house rules that a machine can check; import-linter checks the floors."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("actor", "protocol", "mcp_client", "dashboard", "benchmarks")
FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 450
GENERATED = {"protocol/typed.py"}


def modules() -> Iterator[Path]:
    yield ROOT / "task_coordinator.py"
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


MODULES = {str(path.relative_to(ROOT)): path for path in modules()}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree) or ""
    assert len(docstring) > 20
    if not name.endswith(("__init__.py", "__main__.py")) and name not in GENERATED:
        assert "Owns" in docstring or "one place" in docstring, "say what the module owns"


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_fit_into_one_head(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    if name not in GENERATED:
        assert len(text.splitlines()) <= MODULE_LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name not in GENERATED:
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


def test_every_package_is_packaged_and_typed() -> None:
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    for package in PACKAGES[:-1]:
        assert (ROOT / package / "py.typed").exists()
        for init in (ROOT / package).rglob("__init__.py"):
            name = ".".join(init.parent.relative_to(ROOT).parts)
            assert f"\n    {name}\n" in setup, f"{name} is not in setup.cfg's list of packages"
