import pytest

from faults import Runner


@pytest.fixture(scope="session")
def runner():
    """One cluster under load for all faults; each heals before the next."""
    with Runner() as it:
        yield it
