"""The sandbox gateway as a real process: what a shop may rely on when answers are late, lost or asked for twice."""

import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import uuid

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW_SECONDS = 0.6


def sandbox_binary():
    named = os.environ.get("SOUK_SANDBOX_BIN")
    folders = [os.environ.get("SOUK_BUILD_DIR"), ROOT / "build" / "release", ROOT / "build" / "dev", ROOT / "build"]
    candidates = [pathlib.Path(named)] if named else [pathlib.Path(f) / "souk-sandbox" for f in folders if f]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    pytest.fail(f"souk-sandbox is not built; looked at {', '.join(map(str, candidates))}")


class Gateway:
    def __init__(self, state):
        self.state = state
        self.process = None
        self.url = None
        self.start()

    def start(self):
        command = [sandbox_binary(), "--listen", "127.0.0.1:0", "--state", self.state,
                   "--slow-ms", str(int(SLOW_SECONDS * 1000)), "--log-file", f"{self.state}.log"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "listens on" in line, line
        self.url = line.split()[-1]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        return code

    def pay(self, token="tok_ok", key=None, **changes):
        body = {"amount": 1999, "currency": "EUR", "token": token, "reference": "order-1", **changes}
        return requests.post(f"{self.url}/v1/payments", json=body, headers={"Idempotency-Key": key or str(uuid.uuid4())},
                             timeout=10)

    def post(self, path, key=None, body=None):
        headers = {"Idempotency-Key": key} if key else {}
        return requests.post(self.url + path, json=body if body is not None else {}, headers=headers, timeout=10)

    def get(self, path, **parameters):
        return requests.get(self.url + path, params=parameters, timeout=10)

    def ledger(self):
        return self.get("/v1/ledger").json()["entries"]


@pytest.fixture
def gateway(tmp_path):
    running = Gateway(str(tmp_path / "ledger"))
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0


def test_a_good_token_pays_and_the_ledger_says_so(gateway):
    answer = gateway.pay()
    assert answer.status_code == 200
    payment = answer.json()
    assert payment["id"].startswith("pay_")
    assert payment["status"] == "succeeded"
    assert (payment["amount"], payment["currency"], payment["reference"]) == (1999, "EUR", "order-1")
    assert gateway.get(f"/v1/payments/{payment['id']}").json() == payment
    assert [(e["seq"], e["type"], e["id"], e["amount"]) for e in gateway.ledger()] == [(1, "succeeded", payment["id"], 1999)]


@pytest.mark.parametrize("token, code", [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")])
def test_a_declined_card_moves_no_money(gateway, token, code):
    payment = gateway.pay(token).json()
    assert (payment["status"], payment["decline_code"]) == ("declined", code)
    assert gateway.ledger() == []
    assert gateway.post(f"/v1/payments/{payment['id']}/cancel").status_code == 200


def test_the_same_key_is_paid_once(gateway):
    first = gateway.pay(key="k1")
    again = gateway.pay(key="k1")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert len(gateway.ledger()) == 1


def test_the_same_key_with_another_body_is_an_error(gateway):
    gateway.pay(key="k1")
    answer = gateway.pay(key="k1", amount=2000)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert len(gateway.ledger()) == 1


def test_the_order_of_members_does_not_make_another_request(gateway):
    def send(text):
        return requests.post(f"{gateway.url}/v1/payments", data=text, headers={"Idempotency-Key": "k1"}, timeout=10)

    send('{"amount":5,"currency":"EUR","token":"tok_ok","reference":"o"}')
    assert send('{"reference":"o", "token":"tok_ok","currency":"EUR","amount":5}').headers["Idempotent-Replayed"] == "true"


def test_a_twin_in_flight_is_told_to_wait(gateway):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        slow = pool.submit(gateway.pay, "tok_slow", "k1")
        time.sleep(SLOW_SECONDS / 3)
        twin = gateway.pay("tok_slow", "k1")
        assert (twin.status_code, twin.json()["error"]["code"]) == (409, "in_flight")
        assert slow.result().json()["status"] == "succeeded"
    assert gateway.pay("tok_slow", "k1").headers["Idempotent-Replayed"] == "true"
    assert len(gateway.ledger()) == 1


def test_a_slow_payment_is_executed_although_its_caller_went_away(gateway):
    body = {"amount": 5, "currency": "EUR", "token": "tok_slow", "reference": "o"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{gateway.url}/v1/payments", json=body, headers={"Idempotency-Key": "k1"}, timeout=SLOW_SECONDS / 4)
    found = gateway.get("/v1/payments", idempotency_key="k1").json()["payments"]
    assert [p["status"] for p in found] == ["succeeded"]


def test_a_dropped_answer_can_be_asked_for_again(gateway):
    with pytest.raises(requests.exceptions.ConnectionError):
        gateway.pay("tok_drop", "k1")
    assert len(gateway.ledger()) == 1
    again = gateway.pay("tok_drop", "k1")
    while again.status_code == 409:  # the connection is cut a moment before the request is over: a twin in flight, as at any gateway
        time.sleep(0.05)
        again = gateway.pay("tok_drop", "k1")
    assert (again.json()["status"], again.headers["Idempotent-Replayed"]) == ("succeeded", "true")
    assert len(gateway.ledger()) == 1


def test_an_error_once_executes_nothing_and_then_works(gateway):
    assert gateway.pay("tok_error_once", "k1").status_code == 500
    assert gateway.ledger() == []
    assert gateway.pay("tok_error_once", "k1").json()["status"] == "succeeded"
    assert len(gateway.ledger()) == 1


def test_a_shopper_approves_on_the_action_page(gateway):
    payment = gateway.pay("tok_requires_action", return_url="http://shop.example/orders/1?a=b").json()
    assert payment["status"] == "requires_action"
    page = requests.get(payment["action_url"], timeout=10)
    assert page.headers["Content-Type"].startswith("text/html") and "Approve" in page.text
    pressed = requests.post(payment["action_url"] + "/approve", timeout=10, allow_redirects=False)
    assert pressed.status_code == 303
    assert pressed.headers["Location"] == f"http://shop.example/orders/1?a=b&payment={payment['id']}&status=succeeded"
    assert gateway.get(f"/v1/payments/{payment['id']}").json()["status"] == "succeeded"
    assert "Approve" not in requests.get(payment["action_url"], timeout=10).text
    assert [e["type"] for e in gateway.ledger()] == ["succeeded"]


def test_the_action_page_shows_what_the_shop_sent_as_text(gateway):
    payment = gateway.pay("tok_requires_action", reference="<script>alert(1)</script>").json()
    page = requests.get(payment["action_url"], timeout=10).text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_shopper_declines(gateway):
    payment = gateway.pay("tok_requires_action").json()
    declined = gateway.post(f"/v1/payments/{payment['id']}/decline").json()
    assert (declined["status"], declined["decline_code"]) == ("declined", "declined_by_customer")
    late = gateway.post(f"/v1/payments/{payment['id']}/approve")
    assert (late.status_code, late.json()["error"]["payment"]["status"]) == (409, "declined")
    assert gateway.ledger() == []


def test_a_replay_repeats_the_first_answer_and_a_query_tells_the_news(gateway):
    first = gateway.pay("tok_requires_action", "k1")
    payment = first.json()
    gateway.post(f"/v1/payments/{payment['id']}/approve")
    assert gateway.pay("tok_requires_action", "k1").content == first.content
    assert gateway.get(f"/v1/payments/{payment['id']}").json()["status"] == "succeeded"


def test_cancel_before_the_money_moved_is_confirmed_for_good(gateway):
    payment = gateway.pay("tok_processing").json()
    assert payment["status"] == "processing"
    for _ in range(2):
        answer = gateway.post(f"/v1/payments/{payment['id']}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert gateway.post(f"/v1/payments/{payment['id']}/approve").status_code == 409
    assert gateway.ledger() == []


def test_cancel_after_the_money_moved_is_refused_with_the_payment(gateway):
    payment = gateway.pay().json()
    answer = gateway.post(f"/v1/payments/{payment['id']}/cancel")
    assert answer.status_code == 409
    assert answer.json()["error"]["payment"] == payment


def test_a_cancelled_key_stops_a_request_that_arrives_late(gateway):
    burnt = gateway.post("/v1/cancellations", body={"idempotency_key": "k1", "reference": "order-1"})
    assert (burnt.status_code, burnt.json()["status"]) == (200, "cancelled")
    late = gateway.pay(key="k1")
    assert (late.status_code, late.json()["status"]) == (200, "cancelled")
    assert gateway.ledger() == []


def test_cancelling_a_key_that_was_paid_says_so(gateway):
    payment = gateway.pay(key="k1").json()
    answer = gateway.post("/v1/cancellations", body={"idempotency_key": "k1"})
    assert (answer.status_code, answer.json()["error"]["payment"]["id"]) == (409, payment["id"])


def test_a_refund_happens_once(gateway):
    payment = gateway.pay().json()
    path = f"/v1/payments/{payment['id']}/refund"
    assert gateway.post(path).status_code == 400  # no key
    first = gateway.post(path, key="r1")
    assert (first.status_code, first.json()["status"]) == (200, "refunded")
    again = gateway.post(path, key="r1")
    assert again.content == first.content and again.headers["Idempotent-Replayed"] == "true"
    other = gateway.post(path, key="r2")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "payment_refunded")
    assert [e["type"] for e in gateway.ledger()] == ["succeeded", "refunded"]


def test_a_refund_key_belongs_to_its_payment(gateway):
    one, two = gateway.pay().json(), gateway.pay().json()
    gateway.post(f"/v1/payments/{one['id']}/refund", key="r1")
    answer = gateway.post(f"/v1/payments/{two['id']}/refund", key="r1")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_the_ledger_is_read_in_pages(gateway):
    ids = [gateway.pay().json()["id"] for _ in range(5)]
    page = gateway.get("/v1/ledger", after=0, limit=3).json()
    rest = gateway.get("/v1/ledger", after=page["next"], limit=3).json()
    assert [e["id"] for e in page["entries"] + rest["entries"]] == ids
    assert gateway.get("/v1/ledger", after=rest["next"]).json() == {"entries": [], "next": 5}


def test_payments_are_found_by_order(gateway):
    ids = [gateway.pay(token, reference="order-7").json()["id"] for token in ("tok_declined", "tok_ok")]
    assert [p["id"] for p in gateway.get("/v1/payments", reference="order-7").json()["payments"]] == ids
    assert gateway.get("/v1/payments", reference="order-8").json() == {"payments": []}


@pytest.mark.parametrize("changes", [
    {"amount": 0}, {"amount": -1}, {"amount": 1.5}, {"amount": "5"}, {"amount": 10**15}, {"currency": "EURO"},
    {"currency": "E1R"}, {"token": "tok_nothing"}, {"token": None}, {"reference": ""}, {"reference": "x" * 129},
    {"return_url": "javascript:alert(1)"}, {"return_url": "http://a\r\nX: y"},
])
def test_bad_parameters_are_refused_and_use_up_no_key(gateway, changes):
    answer = gateway.pay(key="k1", **changes)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert gateway.pay(key="k1").json()["status"] == "succeeded"


def test_broken_requests_are_refused(gateway):
    url = f"{gateway.url}/v1/payments"
    for text in ("", "{", "[]", '{"amount":1', b"\xff\xfe"):
        assert requests.post(url, data=text, headers={"Idempotency-Key": "k"}, timeout=10).status_code == 400
    assert requests.post(url, json={"amount": 1}, timeout=10).json()["error"]["code"] == "missing_idempotency_key"
    assert gateway.pay(key="k" * 256).status_code == 400
    assert gateway.get("/v1/payments").status_code == 400
    assert gateway.get("/v1/payments/pay_nothing").status_code == 404
    assert gateway.get("/nothing").json()["error"]["code"] == "unknown_route"
    assert gateway.get("/healthz").status_code == 200


def test_faults_drop_fail_refuse_and_delay(gateway):
    assert gateway.post("/v1/faults", body={"drop_next": 1}).json()["drop_next"] == 1
    with pytest.raises(requests.exceptions.ConnectionError):
        gateway.pay(key="k1")
    assert gateway.pay(key="k1").headers["Idempotent-Replayed"] == "true"

    gateway.post("/v1/faults", body={"fail_next": 1})
    assert gateway.pay(key="k2").status_code == 500
    assert gateway.pay(key="k2").status_code == 200

    gateway.post("/v1/faults", body={"limit_next": 1})
    limited = gateway.pay(key="k2b")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    assert gateway.pay(key="k2b").status_code == 200

    gateway.post("/v1/faults", body={"refuse": True})
    with pytest.raises(requests.exceptions.ConnectionError):
        gateway.pay(key="k3")
    assert len(gateway.ledger()) == 3
    gateway.post("/v1/faults", body={"refuse": False, "latency_ms": 200})
    begin = time.monotonic()
    assert gateway.pay(key="k3").status_code == 200
    assert time.monotonic() - begin >= 0.2
    assert gateway.post("/v1/faults", body={"drop_nxt": 1}).status_code == 400


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_forgets_nothing(gateway, how):
    paid = gateway.pay(key="k1")
    action = gateway.pay("tok_requires_action", "k2").json()
    gateway.post(f"/v1/payments/{action['id']}/approve")
    refunded = gateway.pay(key="k3").json()
    refund = gateway.post(f"/v1/payments/{refunded['id']}/refund", key="r3")
    assert gateway.pay("tok_error_once", "k4").status_code == 500
    gateway.post("/v1/cancellations", body={"idempotency_key": "k5"})
    ledger = gateway.ledger()
    assert gateway.stop(how) == (0 if how == signal.SIGTERM else -how)

    gateway.start()
    assert gateway.ledger() == ledger
    again = gateway.pay(key="k1")
    assert again.json() == paid.json() and again.headers["Idempotent-Replayed"] == "true"
    assert gateway.get(f"/v1/payments/{action['id']}").json()["status"] == "succeeded"
    assert gateway.post(f"/v1/payments/{refunded['id']}/refund", key="r3").json() == refund.json()
    assert gateway.pay("tok_error_once", "k4").status_code == 200
    assert gateway.pay(key="k5").json()["status"] == "cancelled"
    gateway.pay(key="k6")
    assert len(gateway.ledger()) == len(ledger) + 2


def test_a_killed_gateway_under_load_remembers_every_answer(gateway):
    answered = []

    def shopper(number):
        with requests.Session() as session:
            for i in range(10_000):
                key = f"{number}-{i}"
                body = {"amount": 1 + i, "currency": "EUR", "token": "tok_ok", "reference": key}
                try:
                    answer = session.post(f"{gateway.url}/v1/payments", json=body, headers={"Idempotency-Key": key}, timeout=10)
                except requests.exceptions.RequestException:
                    return
                answered.append((key, answer.json()["id"]))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(shopper, n) for n in range(8)]
        time.sleep(1)
        gateway.stop(signal.SIGKILL)
        for shoppers in running:
            shoppers.result()
    assert len(answered) > 50
    gateway.start()
    known, after = {}, 0
    while True:
        page = gateway.get("/v1/ledger", after=after, limit=10_000).json()
        if not page["entries"]:
            break
        known.update({e["idempotency_key"]: e["id"] for e in page["entries"]})
        after = page["next"]
    assert all(known.get(key) == payment for key, payment in answered)
    assert len(known) <= len(answered) + 8  # at most the one call each shopper had under way


def test_a_half_written_last_line_is_dropped(gateway):
    gateway.pay(key="k1")
    gateway.stop()
    with open(gateway.state, "a") as ledger:
        ledger.write('{"event":"created","id":"pay_half')
    gateway.start()
    assert len(gateway.ledger()) == 1
    gateway.pay(key="k2")
    with open(gateway.state) as ledger:
        assert [json.loads(line)["event"] for line in ledger] == ["created", "created"]


def test_a_ruined_ledger_and_a_taken_one_are_refused_by_name(gateway, tmp_path):
    command = [sandbox_binary(), "--listen", "127.0.0.1:0", "--state"]
    taken = subprocess.run([*command, gateway.state], capture_output=True, text=True, timeout=10)
    assert taken.returncode == 1 and "in use" in taken.stderr
    ruined = tmp_path / "ruined"
    ruined.write_text("not json\n")
    refused = subprocess.run([*command, str(ruined)], capture_output=True, text=True, timeout=10)
    assert refused.returncode == 1 and "line 1" in refused.stderr
    port = gateway.url.rsplit(":", 1)[1]
    busy = subprocess.run([sandbox_binary(), "--listen", f"127.0.0.1:{port}", "--state", str(tmp_path / "other")],
                          capture_output=True, text=True, timeout=10)
    assert busy.returncode == 1 and "cannot listen" in busy.stderr


def test_idle_connections_do_not_hold_up_the_exit(gateway):
    host, port = gateway.url.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(20)]
    with requests.Session() as session:
        session.get(f"{gateway.url}/healthz", timeout=5)
        begin = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - begin < 3
    for connection in idle:
        connection.close()
