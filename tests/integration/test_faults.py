"""What must survive: a killed server, a restarted database, a vanished Redis, a crowd."""

import os
import signal
import subprocess
import threading
import time

import requests
from shop import Shoppers, ok, refused


def psql(shop, statement):
    url = database_url(shop)
    done = subprocess.run(["psql", "-At", "-c", statement, url], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def database_url(shop):
    environment = open(f"/proc/{shop.pid('soukd')}/environ", "rb").read().decode().split("\0")
    return next(x for x in environment if x.startswith("SOUK_DATABASE_URL=")).split("=", 1)[1]


def settled(shop, seconds=40):
    """Waits until no order waits for its payment."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if psql(shop, "SELECT count(*) FROM reservations WHERE state IN (1, 2)") == "0":
            return
        time.sleep(0.5)
    open_ones = psql(shop, "SELECT order_id, state, deadline FROM reservations WHERE state IN (1, 2) LIMIT 5")
    raise AssertionError("stock is still held: " + open_ones)


def test_two_hundred_shoppers_buy_fifty_pieces(shop):
    merchant = shop.merchant()
    product, variant = merchant.product(stock=50)
    people = [shop.guest() for _ in range(200)]
    answers = [None] * len(people)
    gate = threading.Barrier(len(people))

    def buy(i):
        gate.wait()
        answers[i] = people[i].order(merchant.store, product, variant, timeout=60)

    threads = [threading.Thread(target=buy, args=(i,)) for i in range(len(people))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    sold = [a for a in answers if a.status_code == 201]
    assert len(sold) == 50
    for a in answers:
        if a.status_code != 201:
            refused(a, 409, "out_of_stock")
    numbers = sorted(a.json()["order_number"] for a in sold)
    assert numbers == list(range(1001, 1051)), "order numbers have no gaps"
    level = merchant.stock_of(variant)
    assert (level["on_hand"], level["reserved"], level["available"]) == (0, 0, 0)
    shop.doctor()


def test_every_acknowledged_order_survives_kill_9(own_shop):
    shop = own_shop(reservation_seconds=5)
    merchant = shop.merchant()
    goods = [merchant.product(stock=100000, title=f"Cup {i}") for i in range(5)]
    shoppers = Shoppers(shop, merchant.store, goods).start()
    for _ in range(3):
        time.sleep(3)
        os.kill(shop.pid("soukd"), signal.SIGKILL)
        time.sleep(1)
        shop.wait_until_ready()
    time.sleep(2)
    shoppers.stop()
    assert len(shoppers.acknowledged) > 50, "the load was no load"
    shoppers.check()
    settled(shop)
    sold = sum(100000 - merchant.stock_of(v)["on_hand"] for _, v in goods)
    assert sold == int(psql(shop, "SELECT coalesce(sum(quantity), 0) FROM reservations WHERE state = 3"))
    assert sold >= len(shoppers.acknowledged)
    shop.doctor()


def test_a_database_restart_loses_and_doubles_nothing(own_shop):
    shop = own_shop(reservation_seconds=10)
    merchant = shop.merchant()
    goods = [merchant.product(stock=100000)]
    shoppers = Shoppers(shop, merchant.store, goods).start()
    for way in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown
        time.sleep(3)
        os.kill(shop.pid("postgres"), way)
        time.sleep(4)
        shop.wait_until_ready(60)
    time.sleep(3)
    shoppers.stop()
    assert len(shoppers.acknowledged) > 50
    shoppers.check()
    settled(shop)
    assert int(psql(shop, "SELECT count(*) FROM orders")) >= len(shoppers.acknowledged)
    assert psql(shop, "SELECT count(*) FROM (SELECT store_id, key FROM idempotency_keys GROUP BY 1, 2 HAVING count(*) > 1) x") == "0"
    shop.doctor()


def test_redis_may_vanish(own_shop):
    shop = own_shop()
    merchant = shop.merchant()
    product, variant = merchant.product(stock=10)
    guest = shop.guest()
    os.kill(shop.pid("redis"), signal.SIGKILL)
    assert ok(guest.order(merchant.store, product, variant), 201)["status"] == "paid"
    assert ok(guest.get(f"/products/{product}"))["product_id"] == product
    shop.doctor()


def test_an_unpaid_order_gives_its_stock_back_at_the_deadline(own_shop):
    shop = own_shop(reservation_seconds=2)
    merchant = shop.merchant()
    product, variant = merchant.product(stock=3)
    guest = shop.guest()
    waiting = ok(guest.order(merchant.store, product, variant, quantity=3, token="tok_requires_action"), 201)
    assert waiting["status"] == "pending"
    refused(shop.guest().order(merchant.store, product, variant), 409, "out_of_stock")
    settled(shop, 15)
    assert ok(guest.get(f"/orders/{waiting['order_id']}"))["status"] == "cancelled"
    assert ok(shop.guest().order(merchant.store, product, variant), 201)["status"] == "paid"
    shop.doctor()


def test_twins_of_a_request_are_one_order(shop):
    merchant = shop.merchant()
    product, variant = merchant.product(stock=100)
    guest = shop.guest()
    answers = []

    def buy():
        answers.append(requests.post(shop.url + "/orders", json=guest.order_body(merchant.store, product, variant),
                                     headers={"Authorization": "Bearer " + guest.token, "Idempotency-Key": "once"}, timeout=30))

    threads = [threading.Thread(target=buy) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    orders = {a.json()["order_id"] for a in answers if a.status_code == 201}
    assert len(orders) == 1
    for a in answers:
        if a.status_code != 201:
            refused(a, 409, "idempotency_in_flight")
    again = guest.order(merchant.store, product, variant, key="once")
    assert again.headers["Idempotent-Replayed"] == "true" and again.json()["order_id"] in orders
    refused(guest.order(merchant.store, product, variant, quantity=2, key="once"), 422, "idempotency_key_reused")
    assert merchant.stock_of(variant)["on_hand"] == 99
