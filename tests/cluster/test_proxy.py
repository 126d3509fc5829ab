"""The broken network does what it is told: else a fault that was never made would be called survived."""

import contextlib
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from proxy import PostgresTalk, Proxy


class Echo:
    """A server that says everything back, and notes what it heard and when."""

    def __init__(self, path=None):
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen()
        self.target = f"unix:{path}" if path else "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.heard = b""
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(4096):
                self.heard += data
                connection.sendall(self.reply(data))

    def reply(self, data):
        return data


def dial(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.settimeout(5)
    return connection


def silent(connection, seconds=0.3):
    connection.settimeout(seconds)
    try:
        return connection.recv(100) is None
    except socket.timeout:
        return True
    finally:
        connection.settimeout(5)


@pytest.fixture
def proxy(tmp_path):
    it = Proxy(tmp_path)
    yield it
    it.close()


def test_bytes_pass_both_ways_and_an_end_is_an_end(proxy, tmp_path):
    echo = Echo(str(tmp_path / "echo.sock"))
    client = dial(proxy.listen("a", echo.target))
    sent = random.randbytes(1 << 20)
    threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
    came = b""
    while len(came) < len(sent):
        came += client.recv(1 << 16)
    assert came == sent
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


def test_what_is_held_arrives_late_and_whole(proxy):
    echo = Echo()
    client = dial(proxy.listen("a", echo.target))
    client.sendall(b"1")
    assert client.recv(1) == b"1"
    proxy.hold("a")
    client.sendall(b"2")
    assert silent(client) and echo.heard == b"1"
    proxy.heal()
    assert client.recv(1) == b"2"


def test_one_direction_may_be_held_alone(proxy):
    echo = Echo()
    client = dial(proxy.listen("a", echo.target))
    proxy.hold("a", up=False)
    client.sendall(b"x")
    assert silent(client)
    assert echo.heard == b"x", "the way up is open"
    proxy.heal()
    assert client.recv(1) == b"x"


def test_a_cut_is_a_reset_and_new_connections_are_welcome(proxy):
    echo = Echo()
    port = proxy.listen("a", echo.target)
    client = dial(port)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    assert proxy.cut("a") == 1
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    again = dial(port)
    again.sendall(b"y")
    assert again.recv(1) == b"y"
    proxy.refuse("a")
    with pytest.raises(OSError):
        refused = dial(port)
        refused.sendall(b"z")
        assert refused.recv(1) != b""
        raise AssertionError("a refused connection answered")


def test_a_delay_is_latency_in_each_direction(proxy):
    echo = Echo()
    client = dial(proxy.listen("a", echo.target))
    proxy.delay("a", 150)
    began = time.monotonic()
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    assert time.monotonic() - began >= 0.3


def test_only_the_named_dialler_is_cut_off(proxy, tmp_path):
    echo = Echo()
    (tmp_path / "me.pid").write_text(str(os.getpid()))
    port = proxy.listen("a", echo.target, diallers={"me": str(tmp_path / "me.pid"), "gone": str(tmp_path / "no.pid")})
    client = dial(port)
    stranger = subprocess.Popen(
        [sys.executable, "-c", f"import socket; s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b's'); "
         "print(s.recv(1).decode(), flush=True)"], stdout=subprocess.PIPE)
    assert stranger.stdout.readline() == b"s\n"
    stranger.wait()
    proxy.hold("a", "me")
    client.sendall(b"m")
    assert silent(client)
    assert proxy.state()["a"]["links"].count("me") == 1
    proxy.heal()
    assert client.recv(1) == b"m"


def test_a_door_between_nodes_is_shut_while_nobody_is_behind_it(proxy, tmp_path):
    (tmp_path / "me.pid").write_text(str(os.getpid()))
    script = ("import socket, time; s = socket.create_server(('127.0.0.1', %d)); print(s.getsockname()[1], flush=True); "
              "c = s.accept()[0]; time.sleep(60)")
    behind = subprocess.Popen([sys.executable, "-c", script % 0], stdout=subprocess.PIPE)
    target = int(behind.stdout.readline())
    port = proxy.listen("a", f"127.0.0.1:{target}", diallers={"me": str(tmp_path / "me.pid")})
    client = dial(port)
    behind.kill()
    behind.wait()
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        dial(port)
    behind = subprocess.Popen([sys.executable, "-c", script % target], stdout=subprocess.PIPE)
    behind.stdout.readline()
    until = time.monotonic() + 5
    while True:
        try:
            again = dial(port)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < until, "the door stayed shut"
    assert silent(again)
    behind.kill()
    behind.wait()


# -- as PostgreSQL speaks ---------------------------------------------------------------------------------------------


def packet(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def startup(application):
    body = struct.pack("!i", 3 << 16) + b"user\0souk\0application_name\0" + application + b"\0\0"
    return struct.pack("!i", len(body) + 4) + body


FENCE = packet(b"B", b"\0fence\0" + b"\0" * 6) + packet(b"E", b"\0" + b"\0" * 4)
SYNC = packet(b"S", b"")
DONE = packet(b"2", b"") + packet(b"C", b"SELECT 1\0") + packet(b"Z", b"I")


class Database(Echo):
    """Answers a start-up packet and each Sync."""

    def reply(self, data):
        return b"".join([DONE] * (data.count(SYNC) + data.count(b"application_name")))


def test_messages_are_found_however_they_are_cut():
    said = startup(b"souk-journal-1") + FENCE + SYNC
    for _ in range(50):
        talk, seen, rest = PostgresTalk(), [], said
        while rest:
            n = random.randint(1, len(rest))
            seen += talk.messages(rest[:n])
            rest = rest[n:]
        assert [kind for kind, _ in seen] == [b"", b"B", b"E", b"S"]
        assert talk.application == "souk-journal-1"


def test_the_answer_of_a_commit_is_lost_once(proxy):
    database = Database()
    port = proxy.listen("db", database.target, postgres=True)

    def commit():
        client = dial(port)
        client.sendall(startup(b"souk-journal-1"))
        assert client.recv(100) == DONE
        client.sendall(FENCE + SYNC)
        return client.recv(100)

    proxy.lose_commit_answers("db", 1)
    with pytest.raises(ConnectionResetError):
        commit()
    assert database.heard.endswith(SYNC), "the database has committed"
    assert proxy.state()["db"]["happened"]["lost_answers"] == 1
    assert commit() == DONE


def test_readers_are_spared_when_a_commit_shall_suffer(proxy):
    database = Database()
    client = dial(proxy.listen("db", database.target, postgres=True))
    proxy.lose_commit_answers("db", 1)
    client.sendall(startup(b"souk-reader-1"))
    assert client.recv(100) == DONE
    client.sendall(FENCE + SYNC)
    assert client.recv(100) == DONE


def test_a_half_sent_transaction_keeps_its_connection_and_lacks_its_end(proxy):
    database = Database()
    client = dial(proxy.listen("db", database.target, postgres=True))
    client.sendall(startup(b"souk-journal-1"))
    assert client.recv(100) == DONE
    proxy.half_send("db")
    client.sendall(FENCE + SYNC)
    client.sendall(SYNC)
    assert silent(client)
    assert database.heard.endswith(FENCE)
    proxy.heal()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
