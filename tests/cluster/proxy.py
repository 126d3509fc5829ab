"""A network that can be broken: TCP proxies between a node and its databases, and between nodes, told by a control socket what
to hold, delay, cut or swallow.

It runs as a process of its own (`proxy.py SOCKET`), so that a busy test does not slow down what goes through it; `Proxy` starts
and commands it. Proxies need no privileges, and can do what a network does in its worst moments: hold back the last byte of a
transaction and deliver it a minute later, or lose the answer of exactly one commit. What they cannot do, packets that vanish before
any connection stands, is hosts.py.

Words used here: *up* is from whoever dialled to the listener's target, *down* the way back. A link is a listener's name and who
dialled it: a node-to-node listener sees several nodes, and only some of them may be cut off.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

CHUNK = 64 * 1024
QUEUED_MAX = 256  # chunks under way in one direction; beyond it nothing more is read, as in a full socket buffer


@dataclass
class Way:
    """What happens to bytes in one direction."""

    hold: bool = False  # nothing arrives until it is released; then all of it does, late, as TCP would deliver it
    delay_ms: int = 0


class Rules:
    """The ways of every link. One set for a dialler wins over the one for anybody ("*")."""

    def __init__(self):
        self.ways = {}
        self.changed = asyncio.Event()

    def way(self, name, dialler, direction):
        for who in (dialler, "*"):
            if (name, who, direction) in self.ways:
                return self.ways[name, who, direction]
        return Way()

    def set(self, name, dialler, direction, way):
        self.ways[name, dialler, direction] = way
        self.tell()

    def clear(self):
        self.ways.clear()
        self.tell()

    def tell(self):
        self.changed.set()
        self.changed = asyncio.Event()


class PostgresTalk:
    """Reads along what a client says to PostgreSQL, as far as is needed to know one of souk's commits when it passes.

    https://www.postgresql.org/docs/15/protocol-message-formats.html
    """

    def __init__(self):
        self.started = False
        self.application = ""
        self.pending = b""

    def messages(self, data):
        """Whole messages of `data` and what was left before it, as (type, bytes); the start-up packet has the type b""."""
        self.pending += data
        while True:
            header = 5 if self.started else 4
            if len(self.pending) < header:
                return
            (length,) = struct.unpack_from("!i", self.pending, header - 4)
            whole = length + header - 4
            if len(self.pending) < whole:
                return
            message, self.pending = self.pending[:whole], self.pending[whole:]
            if self.started:
                yield message[:1], message
                continue
            (code,) = struct.unpack_from("!i", message, 4)
            if code == 3 << 16:
                self.started = True
                words = message[8:].split(b"\0")
                named = dict(zip(words[::2], words[1::2]))
                self.application = named.get(b"application_name", b"").decode()
            yield b"", message


def is_fence(kind, message):
    """Binds the statement that opens every journal transaction: B, length, portal, statement."""
    return kind == b"B" and message[5:].split(b"\0", 2)[1:2] == [b"fence"]


class Answers:
    """Reads along what PostgreSQL answers, up to ReadyForQuery."""

    def __init__(self):
        self.pending = b""
        self.refused = False

    def complete(self, data):
        self.pending += data
        while len(self.pending) >= 5:
            (length,) = struct.unpack_from("!i", self.pending, 1)
            if len(self.pending) < length + 1:
                return False
            kind, self.pending = self.pending[:1], self.pending[length + 1:]
            if kind == b"E":
                self.refused = True
            if kind == b"Z":
                return True
        return False


class Link:
    """One connection through the proxy."""

    def __init__(self, listener, dialler, reader, writer):
        self.listener, self.dialler = listener, dialler
        self.near = reader, writer
        self.far = None
        self.talk = PostgresTalk() if listener.postgres else None
        self.swallow = None  # Answers of a transaction that the client shall never hear of
        self.held_back = False  # a half-sent transaction: what the client says from here on does not arrive
        self.tasks = []

    async def run(self):
        try:
            self.far = await self.listener.connect()
        except OSError:
            return self.reset()
        self.tasks = [asyncio.create_task(self.pump(self.near[0], self.far[1], "up")),
                      asyncio.create_task(self.pump(self.far[0], self.near[1], "down"))]
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for _, writer in (self.near, self.far):
            writer.close()

    async def pump(self, reader, writer, direction):
        """Reads into a queue and writes each chunk when its time has come, so that a delay is latency and not a narrow pipe."""
        queue, news = deque(), asyncio.Event()
        writing = asyncio.create_task(self.write_out(queue, news, writer, direction))
        try:
            while True:
                while len(queue) >= QUEUED_MAX or self.way(direction).hold or (direction == "up" and self.held_back):
                    await self.something_changes(0.05)
                try:
                    data = await reader.read(CHUNK)
                except OSError:
                    data = None  # reset by its peer: so is the other side
                queue.append((time.monotonic(), data))
                news.set()
                if not data:
                    return await writing
        finally:
            writing.cancel()

    async def write_out(self, queue, news, writer, direction):
        while True:
            while not queue:
                news.clear()
                await news.wait()
            read_at, data = queue[0]
            while self.way(direction).hold or time.monotonic() < read_at + self.way(direction).delay_ms / 1000:
                left = read_at + self.way(direction).delay_ms / 1000 - time.monotonic()
                await self.something_changes(0.05 if left <= 0 else left)
            queue.popleft()
            if not data and direction == "down":
                await self.listener.open_or_close()  # before anybody hears of the end and dials again
            if data is None:
                return self.reset()
            if not data:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write_eof()
                return None
            data = self.read_along(data) if direction == "up" else self.judge(data)
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                return self.reset()

    def way(self, direction):
        return self.listener.rules.way(self.listener.name, self.dialler, direction)

    async def something_changes(self, seconds):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.listener.rules.changed.wait(), seconds)

    def read_along(self, data):
        """Looks for a commit; returns what may go on to the server."""
        if self.talk is None:
            return data
        if self.held_back:
            return b""
        if self.talk.started and not self.talk.application.startswith("souk-journal"):
            return data
        before = len(data) + len(self.talk.pending)
        for kind, message in self.talk.messages(data):
            before -= len(message)
            if is_fence(kind, message):
                if self.listener.take("lost_answers"):
                    self.swallow = Answers()
                elif self.listener.take("half_sent"):
                    self.held_back = True
            if self.held_back and kind == b"S":
                cut = before + len(message)  # from the Sync on
                return data[:max(0, len(data) - cut)]
        return data

    def judge(self, data):
        """Looks for the answer of a commit that is to be lost; returns what the client may hear."""
        if self.swallow is None:
            return data
        if self.swallow.complete(data):
            self.listener.happened["refused" if self.swallow.refused else "lost_answers"] += 1
            self.reset()
        return b""

    def reset(self):
        """Closes both sides at once and without a farewell."""
        for pair in (self.near, self.far):
            if pair is None:
                continue
            sock = pair[1].get_extra_info("socket")
            if sock is not None and sock.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            pair[1].transport.abort()
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()


class Listener:
    """One port that leads to one target, "unix:PATH" or "HOST:PORT". One between nodes is open only while its target listens: a
    refused connection says that nobody is there, and that must not be lost."""

    def __init__(self, rules, name, target, postgres, diallers, host):
        self.rules, self.name, self.target, self.postgres, self.diallers = rules, name, target, postgres, diallers
        self.host = host
        self.links = set()
        self.wanted = {"lost_answers": 0, "half_sent": 0}
        self.happened = {"lost_answers": 0, "refused": 0, "half_sent": 0}
        self.refusing = False
        self.server = None
        self.port = 0
        self.watching = None

    async def open(self):
        self.server = await asyncio.start_server(self.accept, self.host, self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self.port

    async def open_or_close(self):
        if not self.diallers or self.server is None or is_listening(self.target):
            return
        self.server.close()
        self.server = None
        self.watching = asyncio.create_task(self.wait_for_target())

    async def wait_for_target(self):
        while not is_listening(self.target):
            await asyncio.sleep(0.03)
        await self.open()

    async def connect(self):
        if self.target.startswith("unix:"):
            return await asyncio.open_unix_connection(self.target[5:])
        host, port = self.target.rsplit(":", 1)
        return await asyncio.open_connection(host, int(port))

    async def accept(self, reader, writer):
        dialler = who_dialled(writer.get_extra_info("peername")[1], self.port, self.diallers) if self.diallers else "*"
        link = Link(self, dialler, reader, writer)
        await self.open_or_close()
        if self.refusing or (self.diallers and self.server is None):
            return link.reset()
        self.links.add(link)
        try:
            await link.run()
        finally:
            self.links.discard(link)

    def take(self, what):
        if self.wanted[what] == 0:
            return False
        self.wanted[what] -= 1
        if what == "half_sent":
            self.happened[what] += 1
        return True

    def cut(self, dialler):
        ended = [x for x in self.links if dialler in ("*", x.dialler)]
        for link in ended:
            link.reset()
        return len(ended)


def is_listening(target):
    """Whether anybody listens at HOST:PORT on this machine, without disturbing him."""
    wanted = f":{int(target.rsplit(':', 1)[1]):04X}"
    with open("/proc/net/tcp") as table:
        return any(fields[1].endswith(wanted) and fields[3] == "0A" for fields in map(str.split, table))


def who_dialled(port, dialled, diallers):
    """The name of the process whose loopback socket leads from one port to the other; `diallers`: names to pid files."""
    inode = None
    with open("/proc/net/tcp") as table:
        for fields in map(str.split, table):
            if fields[1].endswith(f":{port:04X}") and fields[2].endswith(f":{dialled:04X}") and fields[9] != "0":
                inode = f"socket:[{fields[9]}]"
    for name, pid_file in diallers.items():
        with contextlib.suppress(OSError, ValueError):  # it is not running
            for fd in Path(f"/proc/{int(Path(pid_file).read_text())}/fd").iterdir():
                with contextlib.suppress(OSError):  # closed while we looked
                    if os.readlink(fd) == inode:
                        return name
    return "?"


class Control:
    """Commands, one JSON object a line; each is answered with one."""

    def __init__(self):
        self.rules = Rules()
        self.listeners = {}

    async def serve(self, reader, writer):
        while line := await reader.readline():
            try:
                asked = json.loads(line)
                said = await getattr(self, "do_" + asked.pop("do"))(**asked)
            except Exception as problem:  # whatever it is, who asked has to hear it
                said = {"error": repr(problem)}
            writer.write(json.dumps(said or {}).encode() + b"\n")
            await writer.drain()

    async def do_listen(self, name, target, postgres=False, diallers=None, host="127.0.0.1"):
        it = Listener(self.rules, name, target, postgres, diallers or {}, host)
        self.listeners[name] = it
        return {"port": await it.open()}

    async def do_target(self, name, target):
        self.listeners[name].target = target

    async def do_way(self, name, direction, dialler="*", **way):
        assert name in self.listeners and direction in ("up", "down")
        self.rules.set(name, dialler, direction, Way(**way))

    async def do_cut(self, name, dialler="*"):
        return {"cut": self.listeners[name].cut(dialler)}

    async def do_refuse(self, name, refuse):
        self.listeners[name].refusing = refuse

    async def do_want(self, name, what, count):
        self.listeners[name].wanted[what] = count

    async def do_heal(self):
        for it in self.listeners.values():
            it.refusing = False
            it.wanted = dict.fromkeys(it.wanted, 0)
            for link in [x for x in it.links if x.held_back]:
                link.reset()
        self.rules.clear()

    async def do_state(self):
        return {
            name: {
                "links": sorted(x.dialler for x in it.links),
                "applications": sorted(x.talk.application for x in it.links if x.talk),
                "happened": it.happened,
                "ways": [[who, direction, asdict(way)] for (n, who, direction), way in self.rules.ways.items() if n == name],
            }
            for name, it in self.listeners.items()
        }


async def main(path):
    control = Control()
    server = await asyncio.start_unix_server(control.serve, path)
    print("ready", flush=True)
    # Ends with whoever started it: a proxy without a master would hold ports for nobody.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


class Proxy:
    """The proxy process, from the outside. Thread-safe."""

    def __init__(self, folder):
        path = str(Path(folder) / "proxy.sock")
        self.process = subprocess.Popen([sys.executable, __file__, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")
        self.guard = threading.Lock()

    def ask(self, do, **words):
        with self.guard:
            self.file.write(json.dumps({"do": do, **words}).encode() + b"\n")
            self.file.flush()
            said = json.loads(self.file.readline())
        assert "error" not in said, said["error"]
        return said

    def listen(self, name, target, **more):
        return self.ask("listen", name=name, target=target, **more)["port"]

    def hold(self, name, dialler="*", up=True, down=True):
        """A black hole: connections stay, bytes do not arrive."""
        for direction, wanted in (("up", up), ("down", down)):
            if wanted:
                self.ask("way", name=name, direction=direction, dialler=dialler, hold=True)

    def delay(self, name, milliseconds, dialler="*"):
        for direction in ("up", "down"):
            self.ask("way", name=name, direction=direction, dialler=dialler, delay_ms=milliseconds)

    def cut(self, name, dialler="*"):
        """Ends every connection by a reset; new ones are welcome."""
        return self.ask("cut", name=name, dialler=dialler)["cut"]

    def refuse(self, name, refuse=True):
        self.ask("refuse", name=name, refuse=refuse)

    def lose_commit_answers(self, name, count):
        """The next journal transactions commit, but their answers never arrive: the connection ends instead."""
        self.ask("want", name=name, what="lost_answers", count=count)

    def half_send(self, name, count=1):
        """The next journal transaction arrives but for its end, and the connection stays: its locks do too."""
        self.ask("want", name=name, what="half_sent", count=count)

    def heal(self):
        """All is well again: what was held arrives now."""
        self.ask("heal")

    def state(self):
        return self.ask("state")

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.file.close()
        self.socket.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
