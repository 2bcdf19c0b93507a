"""Tasks as a file may hold them, with every kind of text that the contract allows."""

from typing import Any

from hypothesis import strategies as st

_ODD_TEXTS = [
    *["no", "1e3", "0o17", "~", "", " a ", "`a`", "#tag", "!5", "a: b", "- [ ] a", "(needs: a)"],
    *["-", "a, b", '"a"', "[a]", "\u202e", "\x85", "\u2028", "\ufeff", "\x1b[2J", "  b", "a\n\n b"],
    *["a\r\nb", "\tb", "{{x}}", "<!-- a", "> a", "a\n- note: b", "<<", "2026-01-01", "08:30", "''"],
]
_ODD = st.sampled_from(_ODD_TEXTS)
_ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
texts = st.one_of(_ANY, _ODD, st.lists(_ODD | _ANY, max_size=4).map("\n".join))
words = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]),
    min_size=1,
    max_size=12,
) | st.sampled_from(["no", "1e3", "a b", "a, b", "`", "a`b", "- a", "#", "x:", " a", "null", "[a"])
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
_lists = st.lists(words, min_size=1, max_size=3, unique=True)
_numbers = st.integers(1, 1_000)

fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"id": words, "description": texts.filter(bool)},
    optional={
        "dependencies": _lists,
        "output": texts.filter(bool),
        "priority": st.integers(-1_000_000, 1_000_000).filter(bool),
        "tags": _lists,
        "metadata": st.dictionaries(texts, _values, min_size=1, max_size=3),
        "resources": _lists,
        "maxAttempts": _numbers,
        "retryDelaySeconds": st.floats(0.5, 1_000),
        "notBefore": st.just("2126-01-31T09:30:00.000Z"),
        "timeoutSeconds": _numbers,
        "status": st.sampled_from(["done", "failed", "cancelled"]),
        "result": texts.filter(bool),
        "error": texts.filter(bool),
        "workerId": words,
        "note": texts.filter(bool),
    },
)
"""The fields of a task, as `sheet.portable` gives them."""
