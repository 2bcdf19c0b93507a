"""Resources: how they are written, when two conflict, and an index that finds all that do."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actor.resources import ResourceIndex, normal_form, normal_forms
from protocol.errors import InvalidResource
from tests.model.plain import clash

# --- how they are written ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("src/auth/login.py", "src/auth/login.py"),
        ("src/auth/", "src/auth/"),
        ("src/auth/**", "src/auth/"),
        ("src/auth/*", "src/auth/"),
        ("./src//auth/./login.py", "src/auth/login.py"),
        (".//src/", "src/"),
        ("db-schema", "db-schema"),
        ("the database", "the database"),
        ("issue #12: login", "issue #12: login"),
        ("a..b", "a..b"),
        ("...", "..."),
        (".env", ".env"),
        ("/", "/"),
        ("*", "/"),
        ("**", "/"),
        ("/**", "/"),
        (".", "/"),
        ("./", "/"),
        ("straße/ü", "straße/ü"),
    ],
)
def test_a_resource_has_one_form_however_it_is_written(written: str, meant: str) -> None:
    assert normal_form(written) == meant
    assert normal_form(meant) == meant


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("../secrets", "leads out of its folder"),
        ("src/../../etc", "leads out of its folder"),
        ("src/..", "leads out of its folder"),
        ("..", "leads out of its folder"),
        ("/etc/passwd", "is an absolute path"),
        ("//", "is an absolute path"),
        ("src\\auth", "has a backslash"),
        ("src/*.py", "has a wildcard that is not at its end"),
        ("src/**/test", "has a wildcard that is not at its end"),
        ("src**", "has a wildcard that is not at its end"),
    ],
)
def test_a_resource_that_cannot_be_meant_is_refused_with_the_fix(
    written: str, problem: str
) -> None:
    with pytest.raises(InvalidResource, match=problem) as refused:
        normal_form(written)
    assert refused.value.data == {"resource": written}
    assert f"`{written}`" in refused.value.message


def test_resources_that_are_the_same_are_one() -> None:
    assert normal_forms(["b", "src/", "./b", "src/**"]) == ("b", "src/")


WRITTEN = st.lists(st.sampled_from(["a", "b", "/", ".", "..", "*", "**", "\\", " "]), min_size=1)


@given(WRITTEN.map("".join))
def test_a_form_is_final_and_stays_inside(written: str) -> None:
    try:
        form = normal_form(written)
    except InvalidResource:
        return
    assert normal_form(form) == form
    assert form == "/" or not form.startswith("/")
    assert not {"..", "."} & set(form.split("/"))
    assert "//" not in form


# --- when two conflict ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "conflicts"),
    [
        ("src/auth/login.py", "src/auth/login.py", True),
        ("src/auth/", "src/auth/login.py", True),
        ("src/", "src/auth/login.py", True),
        ("src/", "src/auth/", True),
        ("src/auth/", "src/auth", True),
        ("/", "db-schema", True),
        ("/", "/", True),
        ("src/auth/", "src/authors/", False),
        ("src/auth/", "src/auth.py", False),
        ("src/auth/login.py", "src/auth/logout.py", False),
        ("src/a", "src/ab", False),
        ("db", "db-schema", False),
        ("auth/", "src/auth/", False),
    ],
)
def test_two_resources_conflict_when_one_contains_the_other(
    one: str, other: str, conflicts: bool
) -> None:
    index = ResourceIndex[str]()
    index.add(one, "holder")
    assert list(index.conflicting(other)) == ([(one, "holder")] if conflicts else [])
    index = ResourceIndex[str]()
    index.add(other, "holder")
    assert list(index.conflicting(one)) == ([(other, "holder")] if conflicts else [])


PARTS = st.sampled_from(["a", "b", "ab", "a.", "a0", "a ", "\U0010ffff", "\U0010ffffa"])
NAMES = st.one_of(
    st.just("/"),
    st.tuples(st.lists(PARTS, min_size=1, max_size=3), st.booleans()).map(
        lambda made: "/".join(made[0]) + ("/" if made[1] else "")
    ),
)


@given(st.lists(st.tuples(NAMES, st.integers(0, 2)), max_size=12), NAMES)
@example([("a/\U0010ffffa", 0)], "a/")
def test_the_index_finds_what_the_plain_rule_finds(held: list[tuple[str, int]], name: str) -> None:
    index = ResourceIndex[int]()
    for resource, owner in held:
        index.add(resource, owner)
    expected = {(resource, owner) for resource, owner in held if clash(resource, name)}
    found = list(index.conflicting(name))
    assert set(found) == expected
    assert len(found) == len(expected), "each one once"


@given(st.lists(st.tuples(NAMES, st.integers(0, 2), st.booleans()), max_size=30))
def test_what_was_removed_is_in_nobodys_way(steps: list[tuple[str, int, bool]]) -> None:
    index = ResourceIndex[int]()
    held: set[tuple[str, int]] = set()
    for resource, owner, is_added in steps:
        if is_added:
            index.add(resource, owner)
            held.add((resource, owner))
        elif (resource, owner) in held:
            index.remove(resource, owner)
            held.remove((resource, owner))
    assert set(index.items()) == held
    assert len(index) == len({resource for resource, _ in held})
