"""What must hold after every fault, on the final databases and over HTTP."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import requests

from cluster import DATABASES, wait_until
from http_client import Http, Unanswered
from integration import ok
from market import as_uuid


@dataclass
class Verdict:
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    oversold: int = 0
    drifted: int = 0
    doctor: bool = True
    problems: list = field(default_factory=list)

    @property
    def well(self):
        return not self.problems

    def wrong(self, what, count=1):
        self.problems.append(what)
        return count


def settle(cluster, seconds=60):
    """Waits until no order waits for its payment, so that what is held after that is held for nobody, and until every consumer has had
    every event, by its own cursor."""
    query = "SELECT count(*) FROM reservations WHERE state < 3"
    show = "SELECT shard_of(order_id), order_id, state, deadline FROM reservations WHERE state < 3 LIMIT 5"

    def settled():
        return all(cluster.rows(d, query) == [(0,)] for d in DATABASES)

    wait_until(settled, seconds, "stock is still held",
               lambda: str([cluster.rows(d, show) for d in DATABASES]))
    behind = """SELECT x.consumer, e.shard, count(*) FROM outbox e JOIN shards s ON s.shard = e.shard AND s.residence = 1
                CROSS JOIN (SELECT DISTINCT consumer FROM outbox_cursors) x
                LEFT JOIN outbox_cursors c ON c.consumer = x.consumer AND c.shard = e.shard
                WHERE (e.seq, e.n) > (coalesce(c.seq, 0), coalesce(c.n, 0)) GROUP BY 1, 2 LIMIT 5"""

    def delivered():
        return all(cluster.rows(d, behind) == [] for d in DATABASES)

    wait_until(delivered, seconds, "events are not delivered", lambda: str([cluster.rows(d, behind) for d in DATABASES]))


def check(cluster, load, orders=None, doctor=True, over_http=True):
    """`orders`: those acknowledged orders to look at, all unless given. The load is paused or stopped, and settled."""
    verdict = Verdict()
    orders = list(load.acknowledged.values()) if orders is None else orders
    verdict.acknowledged = len(orders)
    check_money(cluster, verdict)
    check_rows(cluster, orders, verdict)
    check_stock(cluster, load.market, verdict)
    if over_http:
        asyncio.run(check_answers(load, orders, verdict))
    if doctor:
        done = cluster.souk("doctor", check=False)
        if done.returncode != 0:
            verdict.doctor = False
            verdict.wrong("the doctor finds:\n" + done.stdout[-4000:])
    return verdict


def check_rows(cluster, orders, verdict):
    """Each acknowledged order is one row in one database, with its key."""
    seen = Counter()
    keys = Counter()
    by_key = {}
    for d in DATABASES:
        seen.update(str(row[0]) for row in cluster.rows(d, "SELECT id FROM orders"))
        for store, caller, key, order in cluster.rows(d, "SELECT store_id, caller, key, order_id FROM idempotency_keys"):
            keys[store, caller, key] += 1
            by_key[key] = str(order)
    for order in orders:
        row = as_uuid(order.order_id)
        if seen[row] == 0:
            verdict.lost += verdict.wrong(f"order {order.order_id} (key {order.key}, said {order.status}) is lost")
        if seen[row] > 1:
            verdict.doubled += verdict.wrong(f"order {order.order_id} is in two databases")
        if by_key.get(order.key) not in (None, row):
            verdict.doubled += verdict.wrong(f"key {order.key} leads to {by_key[order.key]}, acknowledged was {row}")
    for key, times in keys.items():
        if times > 1:
            verdict.doubled += verdict.wrong(f"the key {key} is in two databases")


def check_stock(cluster, market, verdict):
    """Nothing is sold that was not there, and nothing went astray: on hand is what was there less what was claimed."""
    levels, claimed = {}, {}
    for d in DATABASES:
        for variant, on_hand, reserved in cluster.rows(d, "SELECT variant_id, on_hand, reserved FROM inventory_levels"):
            levels[str(variant)] = on_hand, reserved
        claimed.update({str(v): int(n) for v, n in cluster.rows(
            d, "SELECT variant_id, sum(quantity) FROM reservations WHERE state = 3 GROUP BY variant_id")})
    for store in market.stores:
        for goods in store.goods:
            variant = as_uuid(goods.variant)
            on_hand, reserved = levels.get(variant, (None, None))
            sold = claimed.get(variant, 0)
            if sold > goods.stock:
                verdict.oversold += verdict.wrong(f"{sold} of {goods.stock} pieces of {goods.variant} are sold",
                                                  sold - goods.stock)
            if (on_hand, reserved) != (goods.stock - sold, 0):
                verdict.drifted += verdict.wrong(
                    f"{goods.variant}: on hand {on_hand}, reserved {reserved}; {goods.stock} were there and {sold} are claimed")


def check_money(cluster, verdict):
    """By the provider's own books every payment that was taken belongs to an order that is paid, or was given back."""
    sandbox = cluster.setting(1, "sandbox_gateway_url")
    taken, amounts, after = Counter(), Counter(), 0
    while True:
        page = ok(requests.get(f"{sandbox}/v1/ledger?limit=1000&after={after}", timeout=10))
        for entry in page["entries"]:
            sign = 1 if entry["type"] == "succeeded" else -1
            taken[entry["reference"]] += sign
            amounts[as_uuid(entry["reference"])] += sign * entry["amount"]
        if not page["entries"]:
            break
        after = page["next"]
    totals = {}
    for d in DATABASES:
        totals.update({str(o): t for o, t in cluster.rows(d, "SELECT id, total FROM orders WHERE status IN (2, 3, 4)")})
    paid = set(totals)
    for order in sorted(paid & set(amounts)):
        if amounts[order] not in (totals[order], 0):
            verdict.lost += verdict.wrong(f"order {order} costs {totals[order]}, and {amounts[order]} was taken for it")
    for order, times in taken.items():
        if times > 1:
            verdict.doubled += verdict.wrong(f"order {order} was paid {times} times")
        if times == 1 and as_uuid(order) not in paid:
            verdict.lost += verdict.wrong(f"order {order} was paid for and is not paid")
    unpaid = paid - {as_uuid(order) for order, times in taken.items() if times > 0}
    if unpaid:
        verdict.lost += verdict.wrong(f"{len(unpaid)} orders are paid without money: {sorted(unpaid)[:3]}", len(unpaid))


async def check_answers(load, orders, verdict, at_once=16):
    """GET finds every acknowledged order, and its key leads to it."""
    http, waiting = Http(load.port), list(orders)
    again = set(load.random.sample(range(len(waiting)), min(100, len(waiting))))
    numbered = list(enumerate(waiting))

    async def ask(*request, **more):
        for _ in range(20):
            try:
                said = await http.request(*request, **more)
            except Unanswered:
                said = None
            if said is not None and said.status < 500:
                return said
            await asyncio.sleep(0.3)
        return said

    async def visit():
        while numbered:
            n, order = numbered.pop()
            token = load.people[order.shopper].token
            said = await ask("GET", f"/orders/{order.order_id}", None, token)
            if said is None or said.status != 200 :
                verdict.lost += verdict.wrong(f"GET /orders/{order.order_id}: {said and (said.status, said.body[:200])}")
            elif order.status == "paid" and said.json()["status"] != "paid":
                verdict.lost += verdict.wrong(f"{order.order_id} was said to be paid and is {said.json()['status']}")
            if n in again:
                twin = await ask("POST", "/orders", order.body, token, order.key)
                # One that was answered before its payment was may have been declined since.
                declined = twin is not None and twin.status == 402 and order.status != "paid"
                if twin is None or not declined and (twin.status != 201 or twin.json()["order_id"] != order.order_id):
                    verdict.doubled += verdict.wrong(f"{order.order_id} under its key {order.key}: "
                                                     f"{twin and (twin.status, twin.body[:200])}")

    await asyncio.gather(*(visit() for _ in range(at_once)))
    http.close()
