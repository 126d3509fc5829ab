"""Events that a consumer never took: an operator lists them, has them delivered again, or drops them."""

import subprocess
import time

import pytest

from shop import Shop


@pytest.fixture(scope="module")
def quiet_shop():
    shop = Shop()
    try:
        yield shop.up()
    finally:
        shop.remove()


def sql(shop, text):
    url = (shop.var / "run" / "database-url").read_text().strip()
    return subprocess.run(["psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", text, url], check=True, capture_output=True,
                          text=True).stdout.strip()  # fmt: skip


def park(shop, consumer, n):
    sql(shop, "SET ROLE souk_writer; INSERT INTO outbox_parked (consumer, shard, seq, n, topic, subject, payload, at, error) VALUES "
              f"('{consumer}', 3, 700, {n}, 'user.created', gen_random_uuid(), '{{}}', now(), 'delivery failed 8 times')")  # fmt: skip


def left(shop):
    return sql(shop, "SET ROLE souk_writer; SELECT consumer || ' ' || n FROM outbox_parked ORDER BY 1").split("\n")[1:]


def test_parked_events_are_listed_delivered_again_and_dropped(quiet_shop):
    for consumer, n in (("log", 0), ("log", 1), ("gone", 2)):
        park(quiet_shop, consumer, n)
    said = quiet_shop.souk("events", "parked").stdout
    assert "log  3-700-0  user.created" in said and "gone  3-700-2" in said and "delivery failed 8 times" in said
    assert "1 dropped" in quiet_shop.souk("events", "drop", "log", "3-700-1").stdout
    assert left(quiet_shop) == ["gone 2", "log 0"]
    assert "2 to be delivered again" in quiet_shop.souk("events", "retry", "all", "all").stdout
    until = time.monotonic() + 90
    while left(quiet_shop) != ["gone 2"]:
        assert time.monotonic() < until, "the consumer that takes it was not given it"
        time.sleep(1)
    # A consumer that is not there took nothing: it stays, and is not tried for ever.
    while "was not taken" not in (said := quiet_shop.souk("events", "parked").stdout):
        assert time.monotonic() < until
        time.sleep(1)
    assert "(to be delivered again)" not in said
    assert "1 dropped" in quiet_shop.souk("events", "drop", "gone", "all").stdout
    assert "no event is parked" in quiet_shop.souk("events", "parked").stdout


@pytest.mark.parametrize("words", [["eat"], ["retry"], ["drop", "log"], ["retry", "log", "3-7"], ["retry", "log", "nonsense"]])
def test_wrong_words_are_refused(quiet_shop, words):
    assert quiet_shop.souk("events", *words, check=False).returncode != 0
