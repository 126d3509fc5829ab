"""Shoppers who write down what they were told, and probes that notice how long a shard was away."""

import asyncio
import bisect
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

from http_client import Http, Unanswered
from market import order_body, shard_of
from integration import ok

PROBE_EVERY = 0.1  # seconds
PROBES_UNDER_WAY = 80  # of one store; more would only wait in the same queue
CARTS = 5  # of one store, in turn: the edits of one cart wait for each other
GIVE_UP_AFTER = 60  # seconds that a shopper asks again


@dataclass
class Order:
    """An acknowledged order, and how to ask for it again."""

    order_id: str
    at: float
    store: int
    variant: str
    shopper: int
    key: str
    body: dict
    status: str


@dataclass
class Window:
    """What shoppers and probes saw between two moments."""

    seconds: float
    acknowledged: int
    refused: int  # sold out, or the card was declined: answers like any other
    errors: Counter  # what a shopper saw instead of an answer, before asking again
    wrong: list  # answers that no fault excuses
    given_up: int
    replays_differ: list
    longest_gap: float  # seconds between two writes of one store that succeeded
    longest_gap_shard: int
    probe_errors: Counter
    p50_ms: float
    p99_ms: float
    gaps: dict = field(default_factory=dict, repr=False)  # shard: its longest gap

    @property
    def failed(self):
        return sum(self.errors.values()) + sum(self.probe_errors.values()) + len(self.wrong) + self.given_up


class Load:
    """Runs in a thread of its own from start() to stop(); may be paused between."""

    def __init__(self, shop, market, shoppers=10, orders_per_s=60, seed=0, probes=True):
        self.market, self.port = market, shop.port
        self.random = random.Random(seed)
        self.people = [shop.guest() for _ in range(shoppers)]
        self.probers = [[self.with_a_cart(shop.guest(), s) for _ in range(CARTS)] for s in market.stores] if probes else []
        self.pause_between = shoppers / orders_per_s
        self.acknowledged = {}  # order id: Order
        self.times = []  # (when, seconds) of each answer to an order, in order
        self.refusals, self.errors, self.wrong, self.given_up, self.replays_differ = [], [], [], [], []
        self.successes = {s.shard: [] for s in market.stores}
        self.probe_errors = []
        self.running = threading.Event()
        self.stopping = False
        self.under_way = 0
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()), daemon=True)

    @staticmethod
    def with_a_cart(person, store):
        body = {"product_id": store.plenty.product, "variant_id": store.plenty.variant, "quantity": 1}
        ok(person.post(f"/carts/{person.id}/items?store_id={store.id}", body), 201)
        return person

    # -- from outside ---------------------------------------------------------

    def start(self):
        self.running.set()
        self.thread.start()
        return self

    def pause(self):
        """Until nothing is under way. @returns when."""
        self.running.clear()
        until = time.monotonic() + GIVE_UP_AFTER + 30
        while self.under_way:
            assert time.monotonic() < until, "a shopper hangs"
            time.sleep(0.02)
        return time.monotonic()

    def resume(self):
        self.running.set()
        return time.monotonic()

    def stop(self):
        self.stopping = True
        self.running.set()
        self.thread.join(GIVE_UP_AFTER + 30)
        assert not self.thread.is_alive(), "a shopper hangs"

    def acknowledged_between(self, since, until):
        return [x for x in list(self.acknowledged.values()) if since <= x.at <= until]

    def window(self, since, until=None):
        until = until or time.monotonic()

        def within(noted):
            return [x for x in list(noted) if since <= x[0] <= until]

        gaps = {}
        for shard, successes in self.successes.items():
            seen = list(successes)
            inside = seen[bisect.bisect_left(seen, since):bisect.bisect_right(seen, until)]
            edges = [since, *inside, until]
            gaps[shard] = max(b - a for a, b in zip(edges, edges[1:]))
        worst = max(gaps, key=gaps.get)
        took = sorted(x[1] for x in within(self.times))
        return Window(
            seconds=until - since,
            acknowledged=len(self.acknowledged_between(since, until)),
            refused=len(within(self.refusals)),
            errors=Counter(x[1] for x in within(self.errors)),
            wrong=[x[1] for x in within(self.wrong)],
            given_up=len(within(self.given_up)),
            replays_differ=[x[1] for x in within(self.replays_differ)],
            longest_gap=gaps[worst],
            longest_gap_shard=worst,
            probe_errors=Counter(x[1] for x in within(self.probe_errors)),
            p50_ms=1000 * took[len(took) // 2] if took else 0.0,
            p99_ms=1000 * took[int(len(took) * 0.99)] if took else 0.0,
            gaps=gaps,
        )

    # -- inside the thread ----------------------------------------------------

    async def main(self):
        self.http = Http(self.port)
        tasks = [asyncio.create_task(self.shop(n)) for n in range(len(self.people))]
        tasks += [asyncio.create_task(self.probe(s, p)) for s, p in zip(self.market.stores, self.probers)]
        await asyncio.gather(*tasks)
        while self.under_way:
            await asyncio.sleep(0.02)
        self.http.close()

    async def may_go(self):
        while not self.running.is_set():
            await asyncio.sleep(0.02)

    async def shop(self, number):
        await asyncio.sleep(self.random.random() * self.pause_between)
        while not self.stopping:
            await self.may_go()
            self.under_way += 1
            began = time.monotonic()
            try:
                await self.buy(number)
            finally:
                self.under_way -= 1
            await asyncio.sleep(max(0.0, self.pause_between * self.random.uniform(0.5, 1.5) - (time.monotonic() - began)))

    async def buy(self, number):
        at = self.random.randrange(len(self.market.stores))
        store = self.market.stores[at]
        goods = store.scarce if self.random.random() < 0.15 else store.plenty
        token = "tok_declined" if self.random.random() < 0.03 else "tok_ok"
        person, key = self.people[number], uuid.uuid4().hex
        body = order_body(person.id, store, goods, token)
        began = time.monotonic()
        for turn in range(10_000):
            said = await self.ask("POST", "/orders", body, person.token, key, self.errors)
            now = time.monotonic()
            if said is None or said.code == "idempotency_in_flight":
                if now - began > GIVE_UP_AFTER:
                    return self.given_up.append((now, f"store {store.id} key {key}"))
                await asyncio.sleep(min(1.0, 0.1 * 2**min(turn, 4)) * self.random.uniform(0.5, 1.0))
                continue
            self.times.append((now, now - began))
            if said.status == 201:
                page = said.json()
                self.note(Order(page["order_id"], now, at, goods.variant, number, key, body, page["status"]))
                if self.random.random() < 0.02:
                    await self.ask_again(page["order_id"], body, person, key)
            elif (said.status, said.code) in ((409, "out_of_stock"), (402, "payment_declined")):
                self.refusals.append((now, said.code))
            else:
                self.wrong.append((now, f"POST /orders: {said.status} {said.body[:300].decode(errors='replace')}"))
            return None

    def note(self, order):
        known = self.acknowledged.get(order.order_id)
        if known is not None and known.key != order.key:
            self.replays_differ.append((order.at, f"{order.order_id} answers the keys {known.key} and {order.key}"))
        self.acknowledged[order.order_id] = order

    async def ask_again(self, order_id, body, person, key):
        """A twin of an answered request is the same order, whichever node hears it."""
        said = await self.ask("POST", "/orders", body, person.token, key, self.errors)
        if said is not None and (said.status != 201 or said.json()["order_id"] != order_id):
            self.replays_differ.append((time.monotonic(), f"{order_id} under key {key}: {said.status} {said.body[:200]!r}"))

    async def ask(self, method, path, body, token, key, errors, timeout=15):
        """The answer; None, and a note in `errors`, when there was none or it asks to come back."""
        try:
            said = await self.http.request(method, path, body, token, key, timeout)
        except Unanswered as why:
            errors.append((time.monotonic(), str(why)))
            return None
        if said.status >= 500 or said.status == 429:
            errors.append((time.monotonic(), f"{said.status} {said.code}"))
            return None
        return said

    async def probe(self, store, people):
        paths = [f"/carts/{p.id}/items/{store.plenty.variant}?store_id={store.id}" for p in people]
        flying, n = set(), 0
        await asyncio.sleep(self.random.random() * PROBE_EVERY)
        due = time.monotonic()
        while not self.stopping:
            if not self.running.is_set():
                await self.may_go()
                due = time.monotonic()
            if len(flying) < PROBES_UNDER_WAY:
                n += 1
                task = asyncio.create_task(self.knock(paths[n % CARTS], store.shard, people[n % CARTS], 1 + n % 9))
                flying.add(task)
                task.add_done_callback(flying.discard)
            due += PROBE_EVERY
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def knock(self, path, shard, person, quantity):
        """One small write that had to be committed. It has a key, so that the edge may repeat it: it is harmless twice."""
        self.under_way += 1
        try:
            said = await self.ask("PATCH", path, {"quantity": quantity}, person.token, uuid.uuid4().hex, self.probe_errors)
            if said is not None and said.status == 200:
                self.successes[shard].append(time.monotonic())
            elif said is not None:
                self.wrong.append((time.monotonic(), f"PATCH cart: {said.status} {said.body[:300].decode(errors='replace')}"))
        finally:
            self.under_way -= 1


def shards_used(market):
    return sorted({shard_of(s.id) for s in market.stores})
