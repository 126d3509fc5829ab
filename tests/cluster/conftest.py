import pytest

from faults import Runner


@pytest.fixture(scope="module")
def runner():
    """One cluster under load for all faults; each heals before the next."""
    with Runner() as it:
        it.doctor_each = False  # seconds each time; once at the end says the same
        yield it
