"""One format of times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor.timestamps import to_ms, to_text


@given(st.integers(0, 253_402_300_799_999))
def test_every_millisecond_survives_the_way_there_and_back(ms: int) -> None:
    text = to_text(ms)
    assert len(text) == len("2026-01-31T09:30:00.000Z")
    assert to_ms(text) == ms


def test_the_format_is_rfc_3339_in_utc() -> None:
    assert to_text(1_769_851_800_000) == "2026-01-31T09:30:00.000Z"
    assert to_ms("2026-01-31T10:30:00+01:00") == 1_769_851_800_000
    with pytest.raises(ValueError, match="no UTC offset"):
        to_ms("2026-01-31T09:30:00")
