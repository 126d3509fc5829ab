"""What all of souk's clients hold to when a provider's address is taken over or goes mad: TLS, redirects, sizes, and no secret told."""

import http.server
import json
import ssl
import subprocess
import threading
import time

import pytest

from probe import Probe, probe_binary, ulid

KEY = "sk_test_of_the_tests"


class Strange:
    """A server that answers everything in one way."""

    def __init__(self, answer, certificate=None):
        self.asked = []
        strange = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                strange.asked.append((self.path, dict(self.headers.items())))
                answer(self)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def send(body=b"{}", status=200, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def strange():
    made = []

    def make(*given, **named):
        made.append(Strange(*given, **named))
        return made[-1]

    yield make
    for server in made:
        server.close()


def ask(url, verb="check_account", time_limit_ms=2000, **charge):
    probe = Probe(time_limit_ms=time_limit_ms, stripe=url)
    try:
        return probe.ask({"client": "stripe", "verb": verb, "account": {"secrets": {"secret_key": KEY}},
                          "charge": {"attempt_id": ulid(), "order_id": ulid(), "store_id": ulid(), "amount": 1999, "method_token": "pm_x",
                                     "created_at": time.time(), **charge}})
    finally:
        assert KEY not in probe.close()


def test_the_key_goes_to_the_provider(strange):
    server = strange(send())
    assert ask(server.url) == ""
    assert server.asked[0][1]["Authorization"] == f"Bearer {KEY}"


def test_a_certificate_of_nobody_is_not_trusted(strange, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    server = strange(send(), certificate=(certificate, key))
    assert ask(server.url) == "unreachable"
    assert server.asked == []


def test_a_redirect_is_not_followed(strange):
    thief = strange(send())
    server = strange(send(b"", 302, Location=f"{thief.url}/v1/payment_intents"))
    assert ask(server.url) == "unreachable"
    assert ask(server.url, "authorize")["status"] == "unknown"
    assert server.asked and thief.asked == []


def test_an_endless_answer_is_none(strange):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass

    began = time.monotonic()
    assert ask(strange(endless).url, time_limit_ms=8000) == "unreachable"
    assert time.monotonic() - began < 8


def test_an_answer_that_trickles_ends_with_the_time_limit(strange):
    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.1)
        except OSError:
            pass

    began = time.monotonic()
    assert ask(strange(trickle).url, "authorize", time_limit_ms=700)["status"] == "unknown"
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b'{"id": 7, "metadata": [], "status": {}}', b"{" * 10000, b"\xff\xfe"])
@pytest.mark.parametrize("status", [200, 400, 402, 500])
def test_nonsense_is_never_taken_for_money(strange, body, status):
    url = strange(send(body, status)).url
    for verb in ("authorize", "query", "cancel", "refund", "capture"):
        answer = ask(url, verb, reference="pi_1", refund_id=ulid(), refunds=5, captures=5)
        assert answer["status"] == "unknown", (verb, answer)


@pytest.mark.parametrize("reference", ["pi_../../v1/account", "pi_1?x=1", "pi_1\r\nX: y", "../x", "ch_1"])
def test_a_reference_that_is_none_asks_for_nothing(strange, reference):
    server = strange(send())
    assert ask(server.url, "query", reference=reference)["code"] == "bad_reference"
    assert server.asked == []


@pytest.mark.parametrize("url", ["ftp://x", "http://", "https://user:password@x", "https://x?y", "x", "file:///etc", "https:///x"])
def test_a_base_address_that_is_none_is_refused(url):
    probe = subprocess.run([probe_binary(), json.dumps({"stripe": url})], input="", text=True,
                           capture_output=True, timeout=10)
    assert probe.returncode == 1 and "is no base URL" in probe.stderr and "password" not in probe.stderr
