"""Chance that can be repeated: every test here that needs it takes `rng`."""

import os
import random

import pytest

SEED_VARIABLE = "FAULT_SEED"


@pytest.fixture
def rng() -> random.Random:
    """Random numbers from a seed that is printed; set FAULT_SEED to get the same ones again."""
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))
    print(f"{SEED_VARIABLE}={seed}")
    return random.Random(seed)
