"""What souk's client asks of Stripe, Stripe's own published mock accepts: it knows every path and parameter of the real API, and refuses
those that it does not. Every call goes to the sandbox, which plays Stripe, and a copy of it to the mock, which judges it."""

import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import pytest
import requests

from probe import Probe
from providers import ROOT, providers, receiver  # noqa: F401 (fixtures)
from test_clients_stripe import HOUR, Shop, paid_charge, refund_of

MODULE = "github.com/stripe/stripe-mock@v0.203.0"


@pytest.fixture(scope="module")
def mock():
    if not shutil.which("go"):
        pytest.skip("go is not installed, so Stripe's mock cannot be built")
    folder = pathlib.Path(os.environ.get("SOUK_VAR", ROOT / "var")) / "stripe-mock"
    program = folder / "stripe-mock"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        built = subprocess.run(["go", "install", MODULE], env={**os.environ, "GOBIN": str(folder)}, capture_output=True, text=True,
                               timeout=600)
        if built.returncode:
            pytest.skip(f"{MODULE} cannot be had: {built.stderr[-300:]}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([program, "-http-addr", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{url}/v1/charges", headers={"Authorization": "Bearer sk_test_123"}, timeout=5)
            break
        except requests.ConnectionError:
            assert time.monotonic() < until and process.poll() is None, "stripe-mock does not start"
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(timeout=10)


class Judge:
    """Stands in front of the sandbox and shows the mock what goes there."""

    def __init__(self, sandbox, mock):
        self.verdicts = []
        self.url = None
        judge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.pass_on(None)

            def do_POST(self):
                self.pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def pass_on(self, body):
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
                path = self.path.removeprefix("/stripe")
                known = {**headers, "Authorization": "Bearer sk_test_123"}  # the mock takes no other form of keys
                said = requests.request(self.command, mock + path, data=body, headers=known, timeout=10)
                judge.verdicts.append((self.command, path.split("?")[0], said.status_code, said.text[:400]))
                answer = requests.request(self.command, sandbox + self.path, data=body, headers=headers, timeout=10)
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in ("content-length", "connection", "keep-alive", "transfer-encoding", "content-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def judge(providers, mock):  # noqa: F811
    it = Judge(providers.url, mock)
    yield it
    it.close()


class JudgedShop(Shop):
    def __init__(self, running, judge):
        super().__init__(running)
        self.probe.close()
        self.probe = Probe(stripe=f"{judge.url}/stripe")


def test_every_call_is_one_that_stripe_knows(providers, judge):  # noqa: F811
    shop = JudgedShop(providers, judge)
    manual = {**shop.account, "manual_capture": True}
    try:
        assert shop.ask("check_account", shop.charge()) == ""
        charge = paid_charge(shop)
        shop.ask("refund", {**refund_of(charge, 500), "refund_created_at": time.time() - 30 * HOUR})
        done = shop.ask("refund", refund_of(charge, 200))
        shop.ask("query_refund", {**refund_of(charge, 200), "refund_reference": done["refund_reference"]})
        assert shop.ask("query", charge)["refunded"] == 700
        shop.ask("authorize", shop.charge("ctoken_card_visa"))
        shop.ask("cancel", shop.charge())
        promised = shop.charge()
        promised["reference"] = shop.ask("authorize", promised, manual)["reference"]
        assert shop.ask("capture", {**promised, "captures": 1500}, manual)["status"] == "succeeded"
        page = shop.charge("hosted")
        page["reference"] = shop.ask("authorize", page, manual)["reference"]
        assert shop.ask("query", page)["status"] == "requires_action"
        assert shop.ask("cancel", page)["status"] == "cancelled"
        shop.ask("query", shop.charge(created_at=time.time() - 23.5 * HOUR))
        shop.ask("query", shop.charge("hosted", created_at=time.time() - 23.5 * HOUR))
        assert shop.ask("entries", charge, **{"from": time.time() - 60, "to": time.time() + 1})["complete"]
    finally:
        shop.probe.close()
    refused = [verdict for verdict in judge.verdicts if verdict[2] != 200]
    assert not refused, refused
    asked = {(method, "/".join("ID" if part[:3] in ("pi_", "cs_", "re_") else part for part in path.split("/")))
             for method, path, _, _ in judge.verdicts}
    assert asked == {("GET", "/v1/payment_intents"), ("POST", "/v1/payment_intents"), ("GET", "/v1/payment_intents/ID"),
                     ("POST", "/v1/payment_intents/ID/confirm"), ("POST", "/v1/payment_intents/ID/capture"),
                     ("POST", "/v1/payment_intents/ID/cancel"), ("GET", "/v1/payment_intents/search"), ("POST", "/v1/refunds"),
                     ("GET", "/v1/refunds"), ("GET", "/v1/refunds/ID"), ("POST", "/v1/checkout/sessions"),
                     ("GET", "/v1/checkout/sessions"), ("GET", "/v1/checkout/sessions/ID"), ("POST", "/v1/checkout/sessions/ID/expire"),
                     ("GET", "/v1/events")}


def test_the_mock_can_say_no(mock):
    said = requests.post(f"{mock}/v1/payment_intents", data={"amount": "1999", "currency": "eur", "colour": "blue"}, timeout=10,
                         headers={"Authorization": "Bearer sk_test_123"})
    assert said.status_code == 400, said.text
