"""Merchants hear of events at addresses of their own: signed, in order, again when they were away."""

import base64
import hashlib
import hmac
import json
import os
import signal
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from shop import Shop, ok, refused


class Receiver:
    """A merchant's server: verifies what comes as Shopify's and Standard Webhooks' libraries do, and writes it down."""

    def __init__(self):
        self.secrets = {}  # by path
        self.calls, self.bad = [], []
        self.status, self.hang, self.location = 200, 0, None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.hear(self.path, self.headers, body)
                if outer.hang:
                    time.sleep(outer.hang)
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hear(self, path, headers, body):
        secret = self.secrets[path]
        shopify = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        standard = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if headers["X-Shopify-Hmac-Sha256"] != shopify or standard not in headers["webhook-signature"].split(" "):
            self.bad.append(dict(headers))
        if abs(time.time() - int(headers["webhook-timestamp"])) > 60:
            self.bad.append(dict(headers))
        self.calls.append({"path": path, "headers": dict(headers), "body": json.loads(body)})

    def of(self, path):
        return [c for c in self.calls if c["path"] == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def wait_for(what, seconds=15):
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def lax_shop():
    shop = Shop(webhook_allow_insecure="true", webhook_timeout_ms=1000)
    try:
        yield shop.up()
    finally:
        shop.remove()


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.close()
    assert r.bad == [], "a signature was wrong"


def listen(merchant, receiver, path="/hooks", topics=None):
    body = {"address": receiver.url + path}
    if topics:
        body["topics"] = topics
    made = ok(merchant.post(f"/stores/{merchant.store}/webhooks", body), 201)
    receiver.secrets[path] = made["secret"]
    return made


def deliveries(merchant, webhook):
    return ok(merchant.get(f"/stores/{merchant.store}/webhooks/{webhook['webhook_id']}/deliveries"))["deliveries"]


def test_an_orders_events_arrive_signed_and_in_order(lax_shop, receiver):
    merchant, shopper = lax_shop.merchant(), lax_shop.customer()
    product, variant = merchant.product(stock=50)
    hook = listen(merchant, receiver)
    assert hook["secret"].startswith("whsec_") and hook["topics"] == ["*"]
    assert "secret" not in ok(merchant.get(f"/stores/{merchant.store}/webhooks/{hook['webhook_id']}"))
    order = ok(shopper.order(merchant.store, product, variant), 201)
    wait_for(lambda: len(receiver.calls) >= 2)
    ok(merchant.post(f"/orders/{order['order_id']}/fulfilment", {"carrier": "DHL", "tracking_number": "1"}))
    ok(merchant.post(f"/orders/{order['order_id']}/delivered"))
    mine = lambda: [c for c in receiver.calls if c["body"]["id"] == order["order_id"]]
    wait_for(lambda: len(mine()) >= 4)
    assert [c["body"]["topic"] for c in mine()] == ["orders/create", "orders/paid", "orders/fulfilled", "orders/delivered"]
    for call in mine():
        assert call["headers"]["X-Shopify-Topic"] == call["body"]["topic"]
        assert call["headers"]["X-Shopify-Shop-Domain"] == merchant.slug
        assert call["headers"]["X-Shopify-Event-Id"] == call["body"]["event_id"]
        assert call["body"]["store_id"] == merchant.store
        assert call["body"]["data"]["total"] == round(float(order["total"]) * 100) and call["body"]["data"]["currency"] == "EUR"
    ids = [c["headers"]["webhook-id"] for c in receiver.calls]
    assert len(set(ids)) == len(ids), "each once"
    listed = wait_for(lambda: [d for d in deliveries(merchant, hook) if d["status"] == "delivered"])
    assert {d["delivery_id"] for d in listed} <= set(ids)


def test_news_is_quick(lax_shop, receiver):
    merchant = lax_shop.merchant()
    product, variant = merchant.product(stock=1)
    listen(merchant, receiver, topics=["inventory_levels/update"])
    took = []
    for n in range(10):
        began = time.monotonic()
        body = {"variant_id": variant, "adjustment": 1, "reason": "found"}
        ok(merchant.post(f"/stores/{merchant.store}/products/{product}/inventory", body))
        wait_for(lambda: len(receiver.calls) > n)
        took.append(time.monotonic() - began)
    assert sorted(took)[5] < 0.5, took


def test_only_what_was_asked_for(lax_shop, receiver):
    merchant = lax_shop.merchant()
    listen(merchant, receiver, "/products", ["products/create"])
    listen(merchant, receiver, "/all")
    product, variant = merchant.product(stock=5)
    ok(merchant.patch(f"/stores/{merchant.store}/products/{product}", {"name": "Other"}))
    wait_for(lambda: any(c["body"]["topic"] == "products/update" for c in receiver.of("/all")))
    assert [c["body"]["topic"] for c in receiver.of("/products")] == ["products/create"]


def test_another_stores_events_stay_there(lax_shop, receiver):
    merchant, rival = lax_shop.merchant(), lax_shop.merchant()
    hook = listen(merchant, receiver)
    rival.product()
    merchant.product()
    wait_for(lambda: receiver.calls)
    time.sleep(0.5)
    assert {c["body"]["store_id"] for c in receiver.calls} == {merchant.store}
    path = f"/stores/{merchant.store}/webhooks/{hook['webhook_id']}"
    refused(rival.get(path), 403, "forbidden")
    own = f"/stores/{rival.store}/webhooks/{hook['webhook_id']}"
    for answer in (rival.get(own), rival.patch(own, {"active": False}), rival.delete(own), rival.post(own + "/rotate-secret")):
        refused(answer, 404, "not_found")
    delivery = wait_for(lambda: deliveries(merchant, hook))[0]["delivery_id"]
    refused(rival.post(f"/stores/{rival.store}/webhook-deliveries/{delivery}/redeliver"), 404, "not_found")


@pytest.mark.parametrize("fault, error", [("status", "status_500"), ("hang", "timeout"), ("redirect", "redirect")])
def test_what_fails_is_kept_and_sent_again_when_asked(lax_shop, receiver, fault, error):
    merchant = lax_shop.merchant()
    hook = listen(merchant, receiver, topics=["products/create"])
    if fault == "status":
        receiver.status = 500
    elif fault == "hang":
        receiver.hang = 3
    else:
        receiver.status, receiver.location = 307, receiver.url + "/elsewhere"
    merchant.product()
    failed = wait_for(lambda: [d for d in deliveries(merchant, hook) if d["attempts"] == 1])[0]
    assert failed["status"] == "waiting" and failed["error"] == error and failed["next_attempt_at"]
    assert receiver.of("/elsewhere") == [], "no redirect is followed"
    seen = ok(merchant.get(f"/stores/{merchant.store}/webhooks/{hook['webhook_id']}"))
    assert seen["status"] == "active" and seen["failing_since"]
    receiver.status, receiver.hang, receiver.location = 200, 0, None
    again = ok(merchant.post(f"/stores/{merchant.store}/webhook-deliveries/{failed['delivery_id']}/redeliver"), 202)
    assert again["status"] == "waiting" and again["delivery_id"] == failed["delivery_id"]
    wait_for(lambda: deliveries(merchant, hook)[0]["status"] == "delivered")
    assert len({c["headers"]["webhook-id"] for c in receiver.calls}) == 1 and len(receiver.calls) == 2
    assert receiver.calls[0]["body"] == receiver.calls[1]["body"]
    assert ok(merchant.get(f"/stores/{merchant.store}/webhooks/{hook['webhook_id']}"))["failing_since"] is None


def test_a_retry_comes_by_itself_and_outlives_a_restart(lax_shop, receiver):
    merchant = lax_shop.merchant()
    hook = listen(merchant, receiver, topics=["products/create"])
    receiver.status = 503
    merchant.product()
    wait_for(lambda: [d for d in deliveries(merchant, hook) if d["attempts"] == 1])
    receiver.status = 200
    pid = lax_shop.pid("soukd")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: lax_shop.pid("soukd") != pid, 30)
    lax_shop.wait_until_ready(60)
    done = wait_for(lambda: [d for d in deliveries(merchant, hook) if d["status"] == "delivered"], 100)
    assert done[0]["attempts"] == 2


def test_a_webhook_is_changed_paused_and_removed(lax_shop, receiver):
    merchant = lax_shop.merchant()
    hook = listen(merchant, receiver, topics=["products/create"])
    path = f"/stores/{merchant.store}/webhooks/{hook['webhook_id']}"
    assert ok(merchant.patch(path, {"active": False}))["status"] == "paused"
    merchant.product()
    time.sleep(1.5)  # events are told a moment after the answer
    paused = ok(merchant.patch(path, {"active": True, "topics": ["products/create", "products/update"]}))
    assert paused["status"] == "active" and paused["topics"] == ["products/create", "products/update"]
    refused(merchant.patch(path, {"topics": ["*"], "version": 1}), 409, "version_conflict")
    renewed = ok(merchant.post(path + "/rotate-secret"))
    assert renewed["secret"] != hook["secret"]
    receiver.secrets["/hooks"] = renewed["secret"]
    merchant.product()
    wait_for(lambda: receiver.calls)
    assert len(receiver.calls) == 1, "what happened during the pause is not told"
    ok(merchant.delete(path), 204)
    refused(merchant.get(path), 404, "not_found")
    assert ok(merchant.get(f"/stores/{merchant.store}/webhooks"))["webhooks"] == []


def test_a_store_has_at_most_twenty(lax_shop, receiver):
    merchant = lax_shop.merchant()
    for n in range(20):
        listen(merchant, receiver, f"/{n}", ["shop/update"])
    refused(merchant.post(f"/stores/{merchant.store}/webhooks", {"address": receiver.url + "/x"}), 409, "limit_exceeded")


def test_addresses_within_are_refused(shop):
    """The rules of a real shop, without the setting for tests."""
    merchant = shop.merchant()
    path = f"/stores/{merchant.store}/webhooks"
    for address in (
        "http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/",
        "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/", "https://169.254.169.254/latest/",
        "https://[fd00:ec2::254]/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "https://224.0.0.1/", "ftp://8.8.8.8/",
        "https://8.8.8.8:6379/", "https://a:b@8.8.8.8/", "file:///etc/passwd", "https://", "x",
    ):  # fmt: skip
        error = refused(merchant.post(path, {"address": address}), 422, "invalid")
        assert error["details"]["field"] == "address", address
    made = ok(merchant.post(path, {"address": "https://[3000::1]/hooks", "topics": ["shop/update"]}), 201)
    own = f"{path}/{made['webhook_id']}"
    refused(merchant.patch(own, {"address": "https://127.0.0.1/"}), 422, "invalid")
    refused(merchant.post(path, {"address": "https://[3000::1]/", "topics": ["orders/eaten"]}), 422, "invalid")
    ok(merchant.delete(own), 204)


def test_how_far_consumers_are_is_shown(lax_shop):
    lax_shop.merchant()
    text = wait_for(lambda: (t := requests.get(lax_shop.url + "/metrics", timeout=10).text) and 'consumer="webhooks"' in t and t)
    for name in ("souk_event_lag_seconds", "souk_events_delivered_total", "souk_event_delivery_seconds_bucket"):
        assert f'{name}{{consumer="webhooks"' in text, name
    assert "souk_events_parked_total 0" in text
    assert "no event is parked" in lax_shop.souk("events", "parked").stdout
    assert "no such event" in lax_shop.souk("events", "retry", "webhooks", "1-2-3", check=False).stdout


def test_a_cluster_tells_of_every_order_while_nodes_come_and_go():
    shop = Shop(webhook_allow_insecure="true", webhook_timeout_ms=1000)
    heard = Receiver()
    try:
        shop.souk("cluster", "3", "--detach", "--port", str(shop.port), "--no-demo")
        merchants = [shop.merchant() for _ in range(8)]  # in as many shards, so with every node
        goods = [m.product(stock=1000) for m in merchants]
        for n, merchant in enumerate(merchants):
            listen(merchant, heard, f"/{n}", ["orders/create"])
        shopper, placed = shop.customer(), set()

        def buy():
            for merchant, (product, variant) in zip(merchants, goods):
                key = uuid.uuid4().hex
                for _ in range(60):
                    try:
                        answer = shopper.order(merchant.store, product, variant, key=key)
                    except requests.RequestException:
                        answer = None
                    if answer is not None and answer.status_code == 201:
                        placed.add(answer.json()["order_id"])
                        break
                    time.sleep(0.2)

        def all_told():
            return placed <= {c["body"]["id"] for c in heard.calls}

        buy()
        wait_for(all_told)
        os.kill(shop.pid("soukd-2"), signal.SIGKILL)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            buy()
        wait_for(all_told, 60)
        shop.souk("rolling-restart")
        buy()
        wait_for(all_told, 60)
        assert heard.bad == []
        shop.doctor()
    finally:
        shop.remove()
        heard.close()


def test_the_books_are_in_order(lax_shop):
    lax_shop.doctor()
