"""A payment provider that breaks in every way while shoppers pay: in the end souk's books and the provider's ledger are the same."""

import collections
import random
import re
import threading
import time
import uuid

import pytest
import requests

from shop import ok
from test_faults import psql
from test_order_life import HOOK, Outside, buy, status_is, wait, with_stripe

KNOBS = ("drop_before_next", "drop_after_next", "partial_next", "fail_next", "fail_before_next", "limit_next", "conflict_next")
HOOKS = ("webhook_duplicate_next", "webhook_reorder_next", "webhook_drop_next", "webhook_forge_next", "webhook_stale_next")
TOKENS = ("pm_card_visa",) * 5 + ("pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_processing", "hosted", "hosted",
                                  "pm_card_pendingRefund")  # fmt: skip
CALM = dict.fromkeys(KNOBS + HOOKS, 0) | {"latency_ms": 0, "webhook_delay_ms": 0}


def books(shop, store):
    """(captured by payment, given back by payment) of a store, by the provider's reference."""
    captured, back = {}, collections.Counter()
    for line in psql(shop, "SELECT provider_reference, captured FROM payments WHERE provider = 'stripe' AND captured > 0 "
                           f"AND store_id = '{as_uuid(store)}'").splitlines():  # fmt: skip
        reference, amount = line.split("|")
        captured[reference] = int(amount)
    rows = psql(shop, "SELECT p.provider_reference, r.amount FROM refunds r JOIN payments p ON p.id = r.payment_id "
                      f"WHERE r.state = 3 AND r.store_id = '{as_uuid(store)}'")  # fmt: skip
    for line in rows.splitlines():
        reference, amount = line.split("|")
        back[reference] += int(amount)
    return captured, dict(back)


def as_uuid(text):
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for character in text:
        number = number * 32 + alphabet.index(character)
    return str(uuid.UUID(int=number & ((1 << 128) - 1)))


def ledger(outside, account):
    captured, back = {}, collections.Counter()
    for e in outside.ledger(account):
        if e["type"] == "captured":
            captured[e["payment"]] = captured.get(e["payment"], 0) + e["amount"]
        else:
            back[e["payment"]] += e["amount"]
    return captured, dict(back)


def at_rest(shop, meanwhile=lambda: None, seconds=150):
    """Nothing is held, no attempt and no refund is under way. `meanwhile`: what others do about it, every two seconds."""
    acted = [0.0]

    def nothing_open():
        if time.monotonic() - acted[0] > 2:
            meanwhile()
            acted[0] = time.monotonic()
        return psql(shop, "SELECT (SELECT count(*) FROM reservations WHERE state IN (1, 2)) + (SELECT count(*) FROM payments WHERE state IN (1, 2, 3, 6, 8, 11)) "
                          "+ (SELECT count(*) FROM refunds WHERE state IN (1, 2))") == "0"  # fmt: skip

    wait(nothing_open, seconds, lambda: "still open: " + psql(shop, "SELECT id, state, provider_reference, method_token, error_code FROM payments WHERE state IN (1, 2, 3, 6, 8, 11) LIMIT 5")
         + psql(shop, "SELECT id, state, error_code FROM refunds WHERE state IN (1, 2) LIMIT 5"))  # fmt: skip


@pytest.fixture(scope="module")
def stormy():
    from shop import Shop

    it = Shop(reservation_seconds=10, gateway_timeout_ms=3000, checkout_wait_ms=500).up()
    yield it
    it.remove()


def act(outside, account, order, random_):
    """The shopper, his bank or the provider does something, at some time, perhaps after the goods were let go."""
    time.sleep(random_.choice((0.2, 1, 3, 13)))
    reference = None
    if order.get("next_action"):
        found = re.search(r"(cs_test|pi)_[A-Za-z0-9]+", order["next_action"]["url"])
        reference = found.group(0) if found else None
    for payment in order.get("payments", []):
        reference = reference or payment["reference"]
    if not reference:
        return
    action = "pay" if reference.startswith("cs_") else random_.choice(("approve", "approve", "decline"))
    requests.post(f"{outside.url}/admin/stripe/act", json={"account": account, "id": reference, "action": action}, timeout=10)


def test_the_ledger_is_ours_after_a_storm(stormy):
    """F9, F10 and F11 at once."""
    shop, outside = stormy, Outside(stormy)
    seed = random.randrange(1 << 30)
    print("seed", seed)
    merchants = [shop.merchant() for _ in range(3)]
    keys = [with_stripe(outside, m) for m in merchants]
    goods = [m.product(stock=1000, price="12.00") for m in merchants]
    stop = threading.Event()
    placed, guard = [], threading.Lock()

    def weather():
        random_ = random.Random(seed)
        while not stop.is_set():
            knobs = {k: random_.choice((0, 0, 0, 1, 2)) for k in KNOBS} | {k: random_.choice((0, 1, 3)) for k in HOOKS}
            outside.admin("faults", provider="stripe", latency_ms=random_.choice((0, 0, 20, 400)), webhook_delay_ms=random_.choice((0, 0, 1500)), **knobs)
            stop.wait(0.7)

    def shopper(number):
        random_ = random.Random(seed + 1 + number)
        person = shop.guest()
        while not stop.is_set():
            which = random_.randrange(len(merchants))
            try:
                answer = buy(person, merchants[which], goods[which], {"type": "stripe", "token": random_.choice(TOKENS)}, random_.randint(1, 3))
            except requests.RequestException:
                continue
            assert answer.status_code in (201, 402, 409, 503), answer.text[:500]
            if answer.status_code != 201:
                continue
            order = answer.json()
            with guard:
                placed.append((which, order["order_id"], person))
            if order["status"] == "pending":
                threading.Thread(target=act, args=(outside, keys[which], order, random_), daemon=True).start()
            elif random_.random() < 0.3:
                path = f"/orders/{order['order_id']}"
                try:
                    if random_.random() < 0.5:
                        person.post(path + "/cancel", {"reason": "changed my mind"})
                    else:
                        merchants[which].post(path + "/refunds", {"amount": f"{random_.randint(1, 12)}.00"})
                except requests.RequestException:
                    pass

    threads = [threading.Thread(target=weather)] + [threading.Thread(target=shopper, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    time.sleep(10)
    stop.set()
    for t in threads:
        t.join(60)
    outside.admin("faults", provider="stripe", **CALM)
    time.sleep(13)  # the last ones who act late
    at_rest(shop, lambda: [outside.admin("stripe/act", **entry) for key in keys for entry in pending_of(outside, key)])
    assert len(placed) > 50
    seen = collections.Counter()
    for which, order, person in placed:
        seen[ok(person.get(f"/orders/{order}"))["status"]] += 1
    assert seen["paid"] > 10, seen
    for merchant, key in zip(merchants, keys):
        assert books(shop, merchant.store) == ledger(outside, key), f"seed {seed}"
    shop.doctor()
    # And the operator's own comparison says so too.
    day = time.strftime("%Y-%m-%d", time.gmtime())
    for merchant in merchants:
        told = shop.souk("reconcile", merchant.store, day).stdout
        assert ", 0 differences" in told, told


def pending_of(outside, key):
    """Refunds and payments that the provider keeps under way until a bank says something: then it does."""
    for kind, waits, action in (("refunds", "pending", "succeed"), ("payment_intents", "processing", "approve")):
        after = ""
        while True:
            page = requests.get(f"{outside.url}/stripe/v1/{kind}?limit=100{after}", auth=(key, ""), timeout=10).json()
            yield from ({"account": key, "id": x["id"], "action": action} for x in page["data"] if x["status"] == waits)
            if not page["has_more"]:
                break
            after = "&starting_after=" + page["data"][-1]["id"]


def test_money_after_the_goods_were_let_go(stormy):
    """Paid on the hosted page after the reservation's end: honoured while there are goods, else it goes back, all of it."""
    shop, outside = stormy, Outside(stormy)
    merchant = shop.merchant()
    key = with_stripe(outside, merchant)
    goods = merchant.product(stock=1, price="12.00")
    late = shop.guest()
    outside.admin("faults", provider="stripe", **CALM)
    first = ok(buy(late, merchant, goods, {"type": "stripe", "token": "hosted"}), 201)
    session = re.search(r"cs_test_[A-Za-z0-9]+", first["next_action"]["url"]).group(0)
    # The page is paid while the shop cannot hear of it, nor reach the provider to close the page.
    outside.admin("faults", provider="stripe", webhook_drop_next=5, refuse=True)
    outside.admin("stripe/act", account=key, id=session, action="pay")
    time.sleep(12)
    outside.admin("faults", provider="stripe", refuse=False, **CALM)
    at_rest(shop)
    assert status_is(late, first["order_id"], "paid")["payment_status"] == "completed"
    assert ledger(outside, key) == books(shop, merchant.store)
    assert merchant.stock_of(goods[1])["on_hand"] == 0
    shop.doctor()


def test_a_difference_is_named(stormy):
    """Money that the provider moved without us: souk reconcile says which, and ends with 1."""
    shop, outside = stormy, Outside(stormy)
    merchant = shop.merchant()
    key = with_stripe(outside, merchant)
    outside.admin("faults", provider="stripe", **CALM)
    goods = merchant.product(stock=5, price="12.00")
    order = ok(buy(shop.guest(), merchant, goods, {"type": "stripe", "token": "pm_card_visa"}), 201)
    intent = ok(merchant.get(f"/orders/{order['order_id']}"))["payments"][0]["reference"]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert shop.souk("reconcile", merchant.store, day).returncode == 0
    foreign = {"amount": 777, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true",
               "automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"}  # fmt: skip
    made = requests.post(f"{outside.url}/stripe/v1/payment_intents", data=foreign, auth=(key, ""), timeout=10)
    assert made.status_code == 200, made.text
    done = shop.souk("reconcile", merchant.store, day, check=False)
    assert done.returncode == 1 and "not_here" in done.stdout and made.json()["id"] in done.stdout and intent not in done.stdout
    outside.admin("faults", provider="stripe", refuse=True)
    assert shop.souk("reconcile", merchant.store, day, check=False).returncode == 2
    outside.admin("faults", provider="stripe", refuse=False)
    assert shop.souk("reconcile", "nonsense", day, check=False).returncode != 0
