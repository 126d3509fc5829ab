"""Three nodes, two databases, Redis and haproxy: `./souk cluster 3 --detach` in a folder of its own, with a network in between
that can be broken, and eyes on who owns what."""

import contextlib
import os
import re
import shutil
import signal
import time
from pathlib import Path

import psycopg2
import requests

from integration import Shop
from proxy import Proxy

SHARDS = 256
HERE, QUARANTINED = 1, 4
NODES = (1, 2, 3)
DATABASES = (1, 2)


class Cluster(Shop):
    """Nodes and databases are spoken of by their numbers, from 1."""

    def __init__(self, network=True, **settings):
        # Held goods come free within a test, not after a quarter of an hour.
        super().__init__(**{"reservation_seconds": 20, **settings})
        self.var.chmod(0o755)
        self.with_network = network
        self.network = None
        self.settings_of = {n: {} for n in NODES}  # what each node is started with besides

    def up(self, demo=False):
        self.souk("cluster", str(len(NODES)), "--detach", "--port", str(self.port), *([] if demo else ["--no-demo"]))
        self.wait_until_owned()
        if self.with_network:
            self.put_network_between()
        return self

    def remove(self):
        self.heal()
        for n in NODES:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.pid(node(n)), signal.SIGCONT)
        super().remove()
        if self.network is not None:
            self.network.close()

    # -- processes --------------------------------------------------------------

    def signal(self, name, what):
        os.kill(self.pid(name), what)

    def kill(self, name):
        """kill -9. @returns the pid that was."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_reborn(self, name, old, seconds=30):
        def reborn():
            with contextlib.suppress(OSError, ValueError):
                pid = self.pid(name)
                return pid != old and Path(f"/proc/{pid}").exists()
            return False

        wait_until(reborn, seconds, f"{name} was not started again")

    @contextlib.contextmanager
    def paused(self, name):
        """SIGSTOP; SIGCONT at the end."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def environment(self, n):
        """What a node was started with."""
        words = Path(f"/proc/{self.pid(node(n))}/environ").read_bytes().decode().split("\0")
        return dict(w.split("=", 1) for w in words if "=" in w)

    def arguments(self, n):
        return Path(f"/proc/{self.pid(node(n))}/cmdline").read_bytes().decode().split("\0")

    def setting(self, n, name):
        """A setting of a running node, from its flags, else from its environment."""
        words, flag = self.arguments(n), "--" + name.replace("_", "-")
        if flag in words:
            return words[words.index(flag) + 1]
        return self.environment(n).get("SOUK_" + name.upper())

    def direct(self, n):
        """Where a node itself listens for HTTP."""
        return f"http://{self.setting(n, 'listen_host')}:{self.setting(n, 'listen_port')}"

    def log(self, name):
        return (self.var / "log" / f"{name}.log").read_text(errors="replace")

    def last_words(self, name):
        """The end of its log without the requests."""
        requests_of = re.compile(r"\] \S+ (GET|HEAD|POST|PATCH|PUT|DELETE) /")
        return "\n".join(line for line in self.log(name).splitlines() if not requests_of.search(line))[-2000:]

    def restart(self, n, **settings):
        """Ends a node in order; it comes back with these settings besides those it has from before (None takes one away)."""
        self.write_settings(n, settings)
        old = self.pid(node(n))
        os.kill(old, signal.SIGTERM)
        self.wait_until_reborn(node(n), old, 60)
        self.wait_until_node_ready(n)

    def restart_all(self, settings):
        """Ends all nodes before any of them comes back: what they are given here does not go together with what they had."""
        old = {n: self.pid(node(n)) for n in NODES}
        holds = {n: self.var / "run" / f"{node(n)}.hold" for n in NODES}
        for n in NODES:
            holds[n].touch()
            self.write_settings(n, settings[n])
            os.kill(old[n], signal.SIGTERM)
        for n in NODES:
            wait_until(lambda: not Path(f"/proc/{old[n]}").exists(), 60, f"{node(n)} did not end")
        for n in NODES:
            holds[n].unlink()
        for n in NODES:
            self.wait_until_reborn(node(n), old[n])
            self.wait_until_node_ready(n)

    def write_settings(self, n, settings):
        self.settings_of[n].update({f"SOUK_{k.upper()}" if k.islower() else k: v for k, v in settings.items()})
        lines = [f"{k}={v}\n" for k, v in self.settings_of[n].items() if v is not None]
        path = self.var / "run" / f"node-{n}.env"
        path.write_text("".join(lines))
        path.chmod(0o644)

    def wait_until_node_ready(self, n, seconds=60):
        def ready():
            with contextlib.suppress(requests.RequestException, OSError, ValueError):
                return requests.get(self.direct(n) + "/readyz", timeout=2).status_code == 200
            return False

        wait_until(ready, seconds, f"{node(n)} did not become ready", lambda: self.last_words(node(n)))

    # -- the network --------------------------------------------------------------

    def put_network_between(self):
        """From now on every node reaches its databases, and every other node, through a proxy that can be told to fail."""
        self.network = Proxy(self.var)
        pid_files = {node(n): str(self.var / "run" / f"{node(n)}.pid") for n in NODES}
        for n in NODES:
            listens = self.setting(n, "cluster_port")
            door = self.network.listen(to_node(n), f"127.0.0.1:{listens}", diallers=pid_files)
            self.restart(n, database_url=self.databases_behind_proxies(n), cluster_address=f"127.0.0.1:{door}")
            assert self.setting(n, "cluster_port") == listens, "a node keeps its port"
        self.wait_until_owned()
        self.wait_until_ready()

    def databases_behind_proxies(self, n, host="127.0.0.1"):
        """`database_url` of a node, each of them reached through a proxy of its own."""
        urls = []
        for d in DATABASES:
            port = self.network.listen(to_database(n, d), f"unix:{self.socket_of(d)}", postgres=True, host=host)
            urls.append(f"postgresql://souk@{host}:{port}/souk?sslmode=disable")
        return ";".join(urls)

    def heal(self):
        if self.network is not None:
            self.network.heal()

    def part_nodes(self, a, b):
        """Two nodes no longer hear each other, whoever of them dialled."""
        self.network.hold(to_node(a), node(b))
        self.network.hold(to_node(b), node(a))
        for at in (a, b):
            links = self.network.state()[to_node(at)]["links"]
            assert "?" not in links, f"somebody unknown speaks to {node(at)}: {links}"

    def part_from_databases(self, n, up=True, down=True):
        for d in DATABASES:
            self.network.hold(to_database(n, d), up=up, down=down)

    # -- the databases ------------------------------------------------------------

    def socket_of(self, d):
        folder = self.var / "run"
        if (folder / "sockets").is_symlink():
            folder = folder / "sockets"
        return folder / f".s.PGSQL.{5431 + d}"

    @contextlib.contextmanager
    def database(self, d):
        """A cursor, as superuser."""
        at = self.socket_of(d)
        with contextlib.closing(psycopg2.connect(host=str(at.parent), port=5431 + d, user="postgres", dbname="souk",
                                                 connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def rows(self, d, query, *arguments):
        with self.database(d) as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchall()

    # -- who owns what --------------------------------------------------------------

    def shards(self):
        """shard: (database, name of its living owner or None, epoch, seq), by the database where its rows are."""
        found = {}
        for d in DATABASES:
            for shard, residence, owner, alive, epoch, seq in self.rows(d, """
                    SELECT s.shard, s.residence, o.name, o.heartbeat_at > clock_timestamp() - interval '3 s', s.epoch, s.seq
                    FROM shards s LEFT JOIN nodes o ON o.incarnation = s.owner"""):
                if residence == HERE:
                    assert shard not in found, f"shard {shard} is at home in two databases"
                    found[shard] = (d, owner if alive else None, epoch, seq)
        return found

    def owner_of(self, shard):
        """The number of the node that owns it, None when nobody does."""
        name = self.shards()[shard][1]
        return int(re.search(r"\d+$", name)[0]) if name else None

    def owned_by(self, n):
        return {shard for shard, (_, owner, _, _) in self.shards().items() if owner == f"node-{n}"}

    def quarantined(self, d):
        return {row[0] for row in self.rows(d, "SELECT shard FROM shards WHERE residence = %s", QUARANTINED)}

    def wait_until_owned(self, seconds=40, by=None, missing=0):
        """Every shard has a living owner; `by`: the numbers of the nodes that have them all, each at least one."""

        def owned():
            owners = [owner for _, owner, _, _ in self.shards().values()]
            names = {f"node-{n}" for n in by or NODES}
            return len(owners) == SHARDS - missing and set(owners) == names

        wait_until(owned, seconds, "not every shard has the owner it should have", lambda: str(self.spread()))

    def wait_until_even(self, seconds=60, missing=0):
        """All nodes are in, and own about as much as each other."""
        self.wait_until_owned(seconds, missing=missing)

        def even():
            counts = self.spread()
            return all(counts.get(f"node-{n}", 0) >= SHARDS / len(NODES) / 2 for n in NODES) and self.at_rest()

        wait_until(even, seconds, "ownership was not evened out", lambda: str(self.spread()))

    def at_rest(self):
        """Nobody's ownership changes for half a second."""
        before = self.shards()
        time.sleep(0.5)
        return {s: x[:3] for s, x in before.items()} == {s: x[:3] for s, x in self.shards().items()}

    def spread(self):
        counts = {}
        for _, owner, _, _ in self.shards().values():
            counts[owner] = counts.get(owner, 0) + 1
        return counts


def node(n):
    return f"soukd-{n}"


def postgres(d):
    return f"postgres-{d}"


def to_database(n, d):
    return f"{node(n)} to {postgres(d)}"


def to_node(n):
    return f"to {node(n)}"


def wait_until(true, seconds, else_say, and_show=lambda: ""):
    """@returns how many seconds it took."""
    began = time.monotonic()
    while True:
        problem = ""
        try:
            if true():
                return time.monotonic() - began
        except psycopg2.Error as unavailable:
            problem = str(unavailable)
        if time.monotonic() - began > seconds:
            raise AssertionError(f"{else_say} within {seconds} s {problem} {and_show()}")
        time.sleep(0.1)


def copy_tree(source, target):
    """A file copy of a stopped database."""
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copy2)
    for folder, _, files in os.walk(source):
        twin = Path(target) / Path(folder).relative_to(source)
        for name in ("", *files):
            seen = os.stat(Path(folder) / name)
            os.chown(twin / name, seen.st_uid, seen.st_gid)
