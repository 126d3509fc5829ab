"""The faults: how each is made, and what it promises besides that nothing is lost, doubled or oversold, which is checked after
all of them.

The numbers are those of the fault-test matrix. What is not here needs no cluster: deadlines that race with captures (F11) and code
with a safety removed (F18) are the simulation's, a tenant who tries another one's ids (F17) is tests/integration/test_api_access.py,
and cards that decline or hang are tests/integration/test_sandbox.py. Webhooks that lie (F10) come with the providers that send them.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import requests

import checks
from cluster import DATABASES, NODES, copy_tree, node, postgres, to_database, to_node, wait_until
from http_client import Http, Unanswered
from integration import free_port, ok
from market import order_body, shard_of

STALE = 4  # seconds after which a silent node may lose its shards: the default of node_stale_ms


@dataclass
class Plan:
    title: str
    make: Callable
    limit_s: float = None  # the longest that a shard may be away
    no_errors: bool = False  # no request at all may fail
    short: bool = False  # part of ./souk test
    last: bool = False  # it replaces a database and stops all nodes
    on_hosts: bool = False  # it can be made where each node has a host of its own
    only_on_hosts: bool = False

    def can_be_made(self, on_hosts):
        return self.on_hosts or self.only_on_hosts if on_hosts else not self.only_on_hosts


PLANS = {}


def fault(name, title, **promises):
    def keep(make):
        PLANS[name] = Plan(title, make, **promises)
        return make

    return keep


def others(n):
    return [m for m in NODES if m != n]


@contextlib.contextmanager
def nobody_moves(run):
    """No shard changes its owner meanwhile."""
    before = {shard: seen[1] for shard, seen in run.cluster.shards().items()}
    yield
    after = {shard: seen[1] for shard, seen in run.cluster.shards().items()}
    moved = {s: (before[s], after.get(s)) for s in before if before[s] != after.get(s)}
    assert not moved, f"ownership moved: {dict(list(moved.items())[:5])}"


# -- nodes ------------------------------------------------------------------------------------------------------------


@fault("F1", "a node is killed and started again at once", on_hosts=True, short=True, limit_s=2)
def kill_node(run):
    for _ in range(1 if run.brief else 3):
        n = run.any_node()
        old = run.cluster.kill(node(n))
        run.cluster.wait_until_reborn(node(n), old)
        run.cluster.wait_until_even()


@fault("F1b", "a node is killed and stays away", on_hosts=True, short=True, limit_s=2)
def lose_node(run):
    n = run.any_node()
    hold = run.cluster.var / "run" / f"{node(n)}.hold"
    hold.touch()
    try:
        old = run.cluster.kill(node(n))
        took = run.cluster.wait_until_owned(by=others(n))
        time.sleep(3)
    finally:
        hold.unlink()
    run.cluster.wait_until_reborn(node(n), old)
    return {"owned_by_others_s": round(took or 0, 2)}


@fault("F2", "a node is paused for longer than it may be silent, and wakes", on_hosts=True, short=True, limit_s=6)
def pause_node(run):
    n = run.any_node()
    with run.cluster.paused(node(n)) as pid:
        began = time.monotonic()
        run.cluster.wait_until_owned(by=others(n))
        took = time.monotonic() - began
        time.sleep(max(0.0, (STALE + 4 if run.brief else 30) - took))
    run.cluster.wait_until_reborn(node(n), pid)
    return {"owned_by_others_s": round(took, 2)}


@fault("F2b", "a node is paused with a transaction half sent, its rows locked", limit_s=9)
def pause_half_sent(run):
    n = run.any_node()
    names = [to_database(n, d) for d in DATABASES]
    for name in names:
        run.cluster.network.half_send(name)

    def sent():
        state = run.cluster.network.state()
        return all(state[name]["happened"]["half_sent"] > 0 for name in names)

    wait_until(sent, 10, "no transaction passed")
    with run.cluster.paused(node(n)) as pid:
        began = time.monotonic()
        run.cluster.wait_until_owned(by=others(n))
        took = time.monotonic() - began
        run.cluster.heal()
    run.cluster.wait_until_reborn(node(n), pid)
    return {"owned_by_others_s": round(took, 2)}


@fault("F15", "a second process runs under a node's name", short=True, limit_s=None)
def run_twin(run):
    n = run.any_node()
    environment = {**run.cluster.environment(n), "SOUK_LISTEN_PORT": str(free_port()), "SOUK_CLUSTER_PORT": str(free_port()),
                   "SOUK_CLUSTER_ADDRESS": ""}
    words = [w for w in run.cluster.arguments(n) if w]
    first = run.cluster.pid(node(n))
    as_node = Path(f"/proc/{first}").owner()
    with open(run.cluster.var / "log" / "twin.log", "wb") as log:
        twin = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                user=as_node if os.geteuid() == 0 else None)
        try:
            # The later process serves under the name, the earlier one hears that it is dead and ends. It is started again, is the later
            # one then, and the twin ends.
            run.cluster.wait_until_reborn(node(n), first)
            assert twin.wait(30) == 3, "the twin was not told that it is dead"
            owners = {owner for _, owner, _, _ in run.cluster.shards().values()}
            assert len(owners - {None}) <= len(NODES)
        finally:
            twin.kill()
            twin.wait()
    assert "was declared dead" in run.cluster.log("twin")


# -- the network ------------------------------------------------------------------------------------------------------


@fault("F3a", "two nodes cannot see each other, the third sees both", on_hosts=True, short=True, limit_s=6)
def part_pair(run):
    a, b = run.random.sample(NODES, 2)
    with nobody_moves(run):
        run.cluster.part_nodes(a, b)
        time.sleep(6 if run.brief else 20)
        run.cluster.heal()
        time.sleep(1)


@fault("F3b", "a node is cut off from the others but sees the databases", on_hosts=True, short=True, limit_s=15)
def isolate_from_peers(run):
    n = run.any_node()
    for m in others(n):
        run.cluster.part_nodes(n, m)
    began = time.monotonic()
    run.cluster.wait_until_owned(by=others(n), seconds=60)
    return {"gave_its_shards_away_s": round(time.monotonic() - began, 1)}


@fault("F3c", "a node is cut off from the databases", on_hosts=True, short=True, limit_s=6)
def isolate_from_databases(run):
    return cut_off(run, run.any_node(), up=True, down=True)


@fault("F3d", "a node hears nothing from the databases, but they hear it", limit_s=6)
def deafen(run):
    return cut_off(run, run.any_node(), up=False, down=True)


@fault("F3e", "the databases hear nothing from a node, but it hears them", limit_s=6)
def mute(run):
    return cut_off(run, run.any_node(), up=True, down=False)


def cut_off(run, n, up, down):
    run.cluster.part_from_databases(n, up, down)
    began = time.monotonic()
    run.cluster.wait_until_owned(by=others(n))
    took = time.monotonic() - began
    time.sleep(2 if run.brief else 10)
    return {"owned_by_others_s": round(took, 2)}


@fault("F3f", "a node is cut off from one of the two databases", short=True, limit_s=6)
def isolate_from_one_database(run):
    n, d = run.any_node(), run.random.choice(DATABASES)
    run.cluster.network.hold(to_database(n, d))

    def others_have_its_shards():
        return all(owner not in (None, f"node-{n}") for db, owner, _, _ in run.cluster.shards().values() if db == d)

    began = time.monotonic()
    wait_until(others_have_its_shards, 30, "its shards of that database were not taken over")
    kept = [s for s, (db, owner, _, _) in run.cluster.shards().items() if db != d and owner == f"node-{n}"]
    assert kept, "a node that reaches one database goes on serving it"
    return {"taken_over_s": round(time.monotonic() - began, 2)}


@fault("F3g", "every connection between nodes is cut again and again", limit_s=6)
def cut_links(run):
    with nobody_moves(run):
        for _ in range(5 if run.brief else 20):
            for n in NODES:
                run.cluster.network.cut(to_node(n))
            time.sleep(run.random.uniform(0.3, 1.0))


@fault("H1", "a host is unplugged, for longer than it may be silent", short=True, only_on_hosts=True, limit_s=6)
def unplug_host(run):
    n = run.any_node()
    pid = run.cluster.pid(node(n))
    run.cluster.hosts.unplug(n)
    began = time.monotonic()
    run.cluster.wait_until_owned(by=others(n))
    took = time.monotonic() - began
    time.sleep(2 if run.brief else 30)
    run.cluster.hosts.plug_in(n)
    run.cluster.wait_until_reborn(node(n), pid)  # what it sent in vain arrives now, and is refused
    return {"owned_by_others_s": round(took, 2)}


@fault("H2", "a host loses its power: no farewell, no refusal", short=True, only_on_hosts=True, limit_s=6)
def cut_power(run):
    n = run.any_node()
    hold = run.cluster.var / "run" / f"{node(n)}.hold"
    hold.touch()
    try:
        run.cluster.hosts.unplug(n)
        old = run.cluster.kill(node(n))
        began = time.monotonic()
        run.cluster.wait_until_owned(by=others(n))
        took = time.monotonic() - began
        time.sleep(2 if run.brief else 10)
        run.cluster.hosts.plug_in(n)
    finally:
        hold.unlink()
    run.cluster.wait_until_reborn(node(n), old)
    return {"owned_by_others_s": round(took, 2)}


@fault("F5", "the answers of commits are lost", short=True, limit_s=6)
def lose_answers(run):
    count = 2 if run.brief else 8
    names = [to_database(n, d) for n in NODES for d in DATABASES]
    before = {name: seen["happened"]["lost_answers"] for name, seen in run.cluster.network.state().items() if name in names}
    for name in names:
        run.cluster.network.lose_commit_answers(name, count)

    def lost():
        state = run.cluster.network.state()
        return sum(state[name]["happened"]["lost_answers"] - before[name] for name in names)

    wait_until(lambda: lost() >= count * len(names) / 2, 30, "hardly an answer was lost")
    return {"lost_answers": lost()}


# -- databases --------------------------------------------------------------------------------------------------------


@fault("F4", "PostgreSQL is killed and recovers", short=True, limit_s=15)
def kill_postgres(run):
    for d in DATABASES if not run.brief else [run.random.choice(DATABASES)]:
        old = run.cluster.kill(postgres(d))
        run.cluster.wait_until_reborn(postgres(d), old)
        wait_until(lambda: run.cluster.rows(d, "SELECT 1"), 60, "PostgreSQL did not recover")
        run.cluster.wait_until_owned()


@fault("F4b", "PostgreSQL restarts in order", limit_s=15)
def restart_postgres(run):
    d = run.random.choice(DATABASES)
    old = run.cluster.pid(postgres(d))
    os.kill(old, signal.SIGINT)
    run.cluster.wait_until_reborn(postgres(d), old)
    wait_until(lambda: run.cluster.rows(d, "SELECT 1"), 60, "PostgreSQL did not come back")
    run.cluster.wait_until_owned()


@fault("F4d", "PostgreSQL is away for ten seconds", limit_s=20)
def miss_postgres(run):
    d = run.random.choice(DATABASES)
    before = [run.cluster.pid(node(n)) for n in NODES]
    hold = run.cluster.var / "run" / f"{postgres(d)}.hold"
    hold.touch()
    homes = run.cluster.shards()
    try:
        since = time.monotonic()
        old = run.cluster.kill(postgres(d))
        time.sleep(10)
        gaps = run.load.window(since).gaps
    finally:
        hold.unlink()
    run.cluster.wait_until_reborn(postgres(d), old)
    wait_until(lambda: run.cluster.rows(d, "SELECT 1"), 60, "PostgreSQL did not come back")
    run.cluster.wait_until_even()
    # Whoever has his account in that database cannot be recognised meanwhile, wherever he shops.
    asked_by_others = {s.shard for s, people in zip(run.market.stores, run.load.probers)
                       if any(homes[shard_of(p.id)][0] != d for p in people)}
    beside = max(gap for shard, gap in gaps.items() if homes[shard][0] != d and shard in asked_by_others)
    assert beside < 5, f"a shard of the other database was away for {beside:.2f} s as well"
    return {"nodes_that_began_anew": len(set(before) - {run.cluster.pid(node(n)) for n in NODES}),
            "gap_in_the_other_database_s": round(beside, 2)}


@fault("F4c", "sessions are ended by the dozen", limit_s=6)
def end_sessions(run):
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name ~ '^souk'"
    for _ in range(5 if run.brief else 20):
        for d in DATABASES:
            run.cluster.rows(d, query)
        time.sleep(run.random.uniform(0.2, 0.8))


@fault("F6", "a node's way to the databases is slow", limit_s=6)
def slow_databases(run):
    n = run.any_node()
    with nobody_moves(run):
        for d in DATABASES:
            run.cluster.network.delay(to_database(n, d), 150)
        time.sleep(8 if run.brief else 30)
        run.cluster.heal()


@fault("F6b", "somebody locks shard rows for four seconds", limit_s=8)
def stall_locks(run):
    d = run.random.choice(DATABASES)
    with nobody_moves(run):
        with run.cluster.database(d) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT shard FROM shards ORDER BY shard FOR UPDATE")
            cursor.execute("SELECT pg_sleep(4)")
            cursor.execute("COMMIT")
        time.sleep(2)


# -- what else may go wrong -------------------------------------------------------------------------------------------


@fault("F7", "a node's clock jumps an hour, forth and back", short=True, limit_s=2)
def jump_clock(run):
    n = run.any_node()
    library, clock = run.cluster.var / "run" / "shifted_clock.so", run.cluster.var / "run" / "clock"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, Path(__file__).with_name("shifted_clock.c")], check=True)
    clock.write_text("0")
    clock.chmod(0o644)
    shifted = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(clock)}
    run.cluster.restart(n, **shifted)
    try:
        run.cluster.wait_until_even()
        with nobody_moves(run):
            for offset in (3600, -3600, 0):
                clock.write_text(str(offset))
                time.sleep(2 if run.brief else 10)
                log = run.cluster.log(node(n))
                hour = time.strftime("%Y-%m-%dT%H:", time.gmtime(time.time() + offset))
                assert hour in log[-3000:], "the node's clock did not jump"
    finally:
        run.cluster.restart(n, **dict.fromkeys(shifted))


@fault("F8", "Redis is emptied, paused and killed", short=True, limit_s=2)
def lose_redis(run):
    with nobody_moves(run):
        subprocess.run(["redis-cli", "-s", str(run.cluster.socket_of(1).parent / "redis.sock"), "FLUSHALL"], check=True,
                       stdout=subprocess.DEVNULL, timeout=10)
        time.sleep(1)
        with run.cluster.paused("redis"):
            time.sleep(3)
        old = run.cluster.kill("redis")
        run.cluster.wait_until_reborn("redis", old)


@fault("F9", "the payment provider fails, forgets to answer, is slow, is away", on_hosts=True, short=True, limit_s=2)
def trouble_payments(run):
    sandbox = run.cluster.setting(1, "sandbox_gateway_url")

    def set_faults(**knobs):
        ok(requests.post(sandbox + "/v1/faults", json=knobs, timeout=10))

    try:
        for knobs in ({"fail_next": 20}, {"limit_next": 20}, {"drop_next": 20}, {"latency_ms": 1500 if run.brief else 30_000},
                      {"latency_ms": 0, "refuse": True}):
            set_faults(**knobs)
            time.sleep(2 if run.brief else 6)
    finally:
        set_faults(latency_ms=0, drop_next=0, fail_next=0, limit_next=0, refuse=False)


@fault("F12", "three hundred or five thousand buyers want a hundred pieces, and a node dies", on_hosts=True, short=True, limit_s=2)
def rush(run):
    pieces, buyers = 100, 300 if run.brief else 5000
    store = run.random.choice(run.market.stores)
    run.market.merchant.store = store.id
    goods = run.market.put_on_sale("Rarity", pieces)
    bodies = [(p, order_body(p.id, store, goods, "tok_ok")) for p in run.load.people]
    owner = run.cluster.owner_of(store.shard)

    async def buy(http, number, person, body):
        key = uuid.uuid4().hex
        for _ in range(100):
            with contextlib.suppress(Unanswered):
                said = await http.request("POST", "/orders", body, person.token, key)
                if said.status < 500 and said.code != "idempotency_in_flight":
                    return said.status, said.code
            await asyncio.sleep(0.2)
        raise AssertionError("a buyer never heard an answer")

    async def crowd():
        http = Http(run.cluster.port)
        waiting = [asyncio.create_task(buy(http, i, *bodies[i % len(bodies)])) for i in range(buyers)]
        await asyncio.sleep(0.02)
        old = run.cluster.kill(node(owner))
        said = await asyncio.gather(*waiting)
        http.close()
        return old, said

    old, said = asyncio.run(crowd())
    run.cluster.wait_until_reborn(node(owner), old)
    sold = said.count((201, ""))
    assert sold == pieces, f"{sold} of {pieces} pieces were sold: { {x: said.count(x) for x in set(said)} }"
    assert said.count((409, "out_of_stock")) == buyers - pieces, f"{ {x: said.count(x) for x in set(said)} }"
    return {"sold": sold}


@fault("F14", "twins of a request arrive at all nodes at once", short=True, limit_s=2)
def send_twins(run):
    ports = [int(run.cluster.setting(n, "listen_port")) for n in NODES]

    async def send(port, person, body, key):
        http = Http(port)
        try:
            for _ in range(50):
                said = await http.request("POST", "/orders", body, person.token, key)
                if said.status < 500 and said.code != "idempotency_in_flight":
                    return said
                await asyncio.sleep(0.1)
            return said
        finally:
            http.close()

    async def rounds():
        for _ in range(20 if run.brief else 100):
            person, store, key = run.random.choice(run.load.people), run.random.choice(run.market.stores), uuid.uuid4().hex
            body = order_body(person.id, store, store.plenty, "tok_ok")
            said = await asyncio.gather(*(send(port, person, body, key) for port in ports * 2))
            orders = {x.json()["order_id"] for x in said if x.status == 201}
            assert len(orders) == 1 and all(x.status == 201 for x in said), [(x.status, x.body[:200]) for x in said]
            different = {**body, "items": [{**body["items"][0], "quantity": 2}]}
            refusal = await send(run.random.choice(ports), person, different, key)
            assert (refusal.status, refusal.code) == (422, "idempotency_key_reused"), refusal.body

    asyncio.run(rounds())


# -- what operators do ------------------------------------------------------------------------------------------------


@fault("F13a", "a node is drained, and let in again", short=True, limit_s=2, no_errors=True)
def drain(run):
    n = run.any_node()
    began = time.monotonic()
    try:
        run.cluster.souk("drain", f"node-{n}", timeout=120)
        took = time.monotonic() - began
        left = run.cluster.owned_by(n)
        assert not left, f"it has still {sorted(left)}"
    finally:
        run.cluster.souk("drain", f"node-{n}", "--undo", timeout=120)
    began = time.monotonic()
    run.cluster.wait_until_even()
    return {"drained_s": round(took, 1), "back_s": round(time.monotonic() - began, 1)}


@fault("F13b", "all nodes are restarted one after the other", short=True, limit_s=2, no_errors=True)
def rolling_restart(run):
    before = [run.cluster.pid(node(n)) for n in NODES]
    began = time.monotonic()
    run.cluster.souk("rolling-restart", timeout=300)
    assert not set(before) & {run.cluster.pid(node(n)) for n in NODES}
    return {"restarted_s": round(time.monotonic() - began, 1)}


@fault("F13c", "shards in use move to the other database", limit_s=6)
def move_shards(run):
    before = run.cluster.shards()
    began = time.monotonic()
    stores = run.random.sample(run.market.stores, 2 if run.brief else 6)
    for store in stores:
        d = before[store.shard][0]
        run.cluster.souk("move-shard", str(store.shard), str(3 - d), timeout=120)
        assert run.cluster.shards()[store.shard][0] == 3 - d
    return {"seconds_per_shard": round((time.monotonic() - began) / len(stores), 2)}


@fault("mix", "a storm: kills, pauses, partitions and lost answers at random")
def storm(run):
    until = time.monotonic() + (15 if run.brief else 60)
    network, done = run.cluster.network, []

    def cut(n):
        network.cut(to_node(n))

    def split(n):
        run.cluster.part_from_databases(n)
        time.sleep(run.random.uniform(0.5, 8))
        run.cluster.heal()

    def peers(n):
        for m in others(n):
            run.cluster.part_nodes(n, m)
        time.sleep(run.random.uniform(0.5, 8))
        run.cluster.heal()

    def doze(n):
        with run.cluster.paused(node(n)):
            time.sleep(run.random.uniform(0.5, 8))

    def lose(n):
        for d in DATABASES:
            network.lose_commit_answers(to_database(n, d), 2)

    def kill(n):
        run.cluster.kill(node(n))

    while time.monotonic() < until:
        what = run.random.choice((cut, split, peers, doze, lose, kill))
        done.append(what.__name__)
        with contextlib.suppress(OSError, ValueError):  # it has just been killed
            what(run.any_node())
        time.sleep(run.random.uniform(0.0, 1.5))
    return {"made": done}


@fault("F16", "an older copy of a database comes back", short=True, last=True)
def restore_old_copy(run):
    """As after a fail-over to a standby that lagged: what was acknowledged since is missing there. Those shards are closed, with
    an alarm; the others, and the other database's, go on."""
    cluster, d = run.cluster, run.random.choice(DATABASES)
    data = cluster.var / postgres(d)
    hold = cluster.var / "run" / f"{postgres(d)}.hold"

    def stop(how):
        hold.touch()
        pid = cluster.pid(postgres(d))
        os.kill(pid, how)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 60, "PostgreSQL did not stop")

    def start():
        hold.unlink()
        wait_until(lambda: cluster.rows(d, "SELECT 1"), 90, "PostgreSQL did not start")

    stop(signal.SIGINT)
    copy_tree(data, f"{data}.old")
    start()
    cluster.wait_until_owned()
    time.sleep(3)
    run.load.pause()
    checks.settle(cluster)
    written = {shard: seen for shard, seen in cluster.shards().items() if seen[0] == d}
    stop(signal.SIGKILL)
    data.rename(f"{data}.new")
    Path(f"{data}.old").rename(data)
    started = time.monotonic()
    start()
    old = {row[0]: row[1] for row in cluster.rows(d, "SELECT shard, seq FROM shards WHERE residence = 1 OR residence = 4")}
    behind = {shard for shard, seen in written.items() if old[shard] < seen[3]}
    assert behind, "nothing was written since the copy"
    try:
        wait_until(lambda: cluster.quarantined(d) >= behind, 30, "shards that lack commits are not closed",
                   lambda: f"{sorted(behind)} lack commits, closed are {sorted(cluster.quarantined(d))}")
        took = time.monotonic() - started
        closed = cluster.quarantined(d)  # somebody may have written a little after we looked
        assert len(closed) < len(written), "shards that lack nothing go on"
        cluster.wait_until_owned(missing=len(closed))
        refused_within = refuses_and_goes_on(run, closed)
        assert "quarantined" in "".join(cluster.log(node(n)) for n in NODES), "nobody raised the alarm"
        cluster.restart(run.any_node())  # whoever begins anew while shards are closed serves the others
        cluster.wait_until_even(missing=len(closed))
        said = cluster.souk("status", check=False).stdout
        assert "quarantined" in said.lower(), f"./souk status does not say it:\n{said}"
    finally:
        put_back(run, d, stop, start, data)
    return {"behind": len(behind), "closed_after_s": round(took, 1), "refused_within_s": round(refused_within, 2)}


def is_ready(cluster, n):
    with contextlib.suppress(requests.RequestException, OSError, ValueError):
        return requests.get(cluster.direct(n) + "/readyz", timeout=2).status_code == 200
    return False


def refuses_and_goes_on(run, closed):
    """The stores of closed shards answer 503; everybody else sells. @returns how long a refusal took, at a node itself."""
    person = next(p for p in run.load.people if shard_of(p.id) not in closed)
    slowest, asked = 0.0, 0
    for store in run.market.stores:
        body = order_body(person.id, store, store.plenty, "tok_ok")

        def place(at):
            headers = {"Authorization": "Bearer " + person.token, "Idempotency-Key": uuid.uuid4().hex}
            return requests.post(at + "/orders", json=body, headers=headers, timeout=30)

        if store.shard in closed and asked < 3:
            asked += 1
            run.cluster.wait_until_ready()
            began = time.monotonic()
            said = place(run.cluster.direct(next(n for n in NODES if is_ready(run.cluster, n))))
            slowest = max(slowest, time.monotonic() - began)
            assert said.status_code == 503, f"a closed shard answers {said.status_code} {said.text[:200]}"
        elif store.shard not in closed:
            wait_until(lambda: place(run.cluster.url).status_code == 201, 20, f"the store in shard {store.shard} does not sell")
    return slowest


def put_back(run, d, stop, start, data):
    """An operator finds the right copy: what was acknowledged is there again. No node may remember the wrong one."""
    cluster = run.cluster
    holds = [cluster.var / "run" / f"{node(n)}.hold" for n in NODES]
    old = []
    for hold, n in zip(holds, NODES):
        hold.touch()
        old.append(cluster.kill(node(n)))
    stop(signal.SIGINT)
    data.rename(f"{data}.wrong")
    Path(f"{data}.new").rename(data)
    start()
    for hold, n, pid in zip(holds, NODES, old):
        hold.unlink()
        cluster.wait_until_reborn(node(n), pid)
    for n in NODES:
        cluster.wait_until_node_ready(n)
    run.load.resume()
