import pytest

from shop import Shop


@pytest.fixture(scope="session")
def shop():
    """One shop for all tests that do it no harm."""
    it = Shop().up()
    yield it
    it.remove()


@pytest.fixture
def own_shop():
    """A shop for tests that break things; call it with settings."""
    made = []

    def make(**settings):
        it = Shop(**settings)
        made.append(it)
        return it.up()

    yield make
    for it in made:
        it.remove()
