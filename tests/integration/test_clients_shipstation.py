"""souk's client of ShipStation against the sandbox of ShipStation: orders go there once, parcels come back, and nobody else is asked."""

import http.server
import json
import threading
import time

import pytest
import requests

from probe import Probe, ulid
from providers import Providers, providers, receiver  # noqa: F401 (fixtures)

KEY = "key-of-the-tests"
SECRET = "secret-of-the-tests"


class Shop:
    def __init__(self, running, **probe):
        self.running = running
        self.url = f"{running.url}/shipstation"
        self.store = ulid()
        self.account = {"public_key": KEY, "secrets": {"api_secret": SECRET}}
        self.probe = Probe(shipstation=self.url, **probe)

    def order(self, **changes):
        return {"id": ulid(), "number": 1001, "total": 4578, "tax": 380, "shipping": 500, "discount": 300, "currency": "EUR",
                "email": "ann@example.com", "shipping_method": "Standard", "created_at": time.time(),
                "address": {"name": "Ann", "line1": "1 Main St", "city": "Ulm", "postal_code": "89073", "country": "DE"},
                "items": [{"line": 1, "sku": "T-1", "title": "Tea", "quantity": 2, "unit_price": 1999, "grams": 250},
                          {"line": 2, "title": "Course", "quantity": 1, "unit_price": 1, "requires_shipping": False}], **changes}

    def command(self, verb, order=None, account=None, **more):
        return {"client": "shipstation", "verb": verb, "store_id": self.store, "order": order, "account": account or self.account, **more}

    def ask(self, verb, order=None, account=None, **more):
        return self.probe.ask(self.command(verb, order, account, **more))

    def read(self, body):
        return self.ask("read_event", body=body if isinstance(body, str) else body.decode())

    def get(self, path, **params):
        answer = requests.get(f"{self.url}/{path}", params=params, auth=(KEY, SECRET), timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def orders(self):
        return self.get("orders")["orders"]

    def ship(self, order, carrier="ups", tracking="1Z 999"):
        return self.running.admin("shipstation/ship", orderKey=order["id"], carrierCode=carrier, trackingNumber=tracking, account=KEY)


@pytest.fixture
def make_shop(providers):  # noqa: F811
    made = []

    def make(running=providers, **probe):
        made.append(Shop(running, **probe))
        return made[-1]

    yield make
    for shop in made:
        assert SECRET not in shop.probe.close()


@pytest.fixture
def shop(make_shop):
    return make_shop()


def test_an_order_is_pushed_once_and_updated(shop):
    order = shop.order()
    pushed = shop.ask("push", order)
    assert pushed["what"] == "done" and pushed["reference"]
    order["address"]["city"] = "Neu-Ulm"
    assert shop.ask("push", order)["reference"] == pushed["reference"]
    (there,) = shop.orders()
    assert there["orderKey"] == order["id"] and there["orderNumber"] == "1001" and there["orderStatus"] == "awaiting_shipment"
    assert there["shipTo"]["city"] == "Neu-Ulm" and there["customerEmail"] == "ann@example.com"
    assert [(i["lineItemKey"], i["quantity"], i["unitPrice"]) for i in there["items"]] == [("1", 2, 19.99), ("discount", 1, -3.0)]
    assert there["items"][0]["weight"] == {"value": 250, "units": "grams"} and there["weight"]["value"] == 500
    assert (there["amountPaid"], there["taxAmount"], there["shippingAmount"]) == (45.78, 3.8, 5.0)
    assert there["orderTotal"] == pytest.approx(45.78)


def test_what_left_otherwise_and_what_is_unpaid_is_said(shop):
    shop.ask("push", shop.order(number=1, parcels=[{"source": "manual", "line": 1, "quantity": 1}], discount=0))
    shop.ask("push", shop.order(number=2, parcels=[{"source": "shipstation", "line": 1, "quantity": 1}], discount=0))
    shop.ask("push", shop.order(number=3, payment=1, tax_inclusive=True, currency="JPY", discount=0))
    orders = {o["orderNumber"]: o for o in shop.orders()}
    assert [orders[n]["items"][0]["quantity"] for n in "12"] == [1, 2]
    assert (orders["3"]["orderStatus"], orders["3"]["amountPaid"], orders["3"]["taxAmount"]) == ("awaiting_payment", 0, 0)
    assert orders["3"]["items"][0]["unitPrice"] == 1999


def test_a_cancelled_order_is_withdrawn_whether_it_was_there_or_not(shop):
    order, unknown = shop.order(number=7), shop.order(number=8)
    shop.ask("push", order)
    for _ in range(2):
        assert shop.ask("withdraw", order)["what"] == "done"
        assert shop.ask("withdraw", unknown)["what"] == "done"
    assert {o["orderStatus"] for o in shop.orders()} == {"cancelled"} and len(shop.orders()) == 2
    late = shop.ask("push", order)
    assert (late["what"], late["why"]) == ("rejected", "already_cancelled")


def test_an_order_that_left_cannot_be_withdrawn(shop):
    order = shop.order()
    shop.ask("push", order)
    shop.ship(order)
    too_late = shop.ask("withdraw", order)
    assert (too_late["what"], too_late["why"]) == ("rejected", "already_shipped")
    assert shop.ask("push", order)["what"] == "done"  # nothing is left to be told


@pytest.mark.parametrize("fault", [{"drop_after_next": 1}, {"partial_next": 1}, {"drop_before_next": 1}, {"fail_next": 2},
                                   {"fail_before_next": 2}])
def test_a_fault_costs_a_retry_and_no_second_order(shop, providers, fault):  # noqa: F811
    providers.faults("shipstation", **fault)
    assert shop.ask("push", shop.order())["what"] == "done"
    assert len(shop.orders()) == 1


def test_what_cannot_be_sent_now_is_not_now(shop, providers):  # noqa: F811
    order = shop.order()
    providers.faults("shipstation", refuse=True)
    assert shop.ask("push", order) == {"what": "not_now", "reference": "", "why": "no_answer"}
    providers.faults("shipstation", refuse=False, conflict_next=1)
    assert shop.ask("push", order)["what"] == "not_now"
    for account, why in (({"public_key": KEY}, "no_account"), ({"public_key": "bad", "secrets": {"api_secret": "x"}}, "bad_credentials")):
        assert shop.ask("push", order, account) == {"what": "rejected", "reference": "", "why": why}
    assert shop.ask("push", order)["what"] == "done"


def test_the_limit_of_a_minute_is_kept_without_waiting(make_shop, tmp_path):
    running = Providers(str(tmp_path / "limited"), "--shipstation-rate", "3")
    try:
        shop = make_shop(running)
        began = time.monotonic()
        results = [shop.ask("push", shop.order(number=n))["what"] for n in range(6)]
        assert results == ["done"] * 3 + ["not_now"] * 3 and time.monotonic() - began < 2
        other = {"public_key": "another-key", "secrets": {"api_secret": "x"}}
        assert shop.ask("push", shop.order(), other)["what"] == "done"
        fresh = make_shop(running)  # another node: it learns it from a 429
        assert [fresh.ask("push", fresh.order())["what"] for _ in range(2)] == ["not_now"] * 2
    finally:
        running.stop()


def test_the_account_is_checked_and_subscribed_once(shop, providers, receiver):  # noqa: F811
    for _ in range(2):
        assert shop.ask("check_account", webhook_url=receiver.url) == ""
    (hook,) = shop.get("webhooks")["webhooks"]
    assert (hook["Url"], hook["HookType"]) == (receiver.url, "SHIP_NOTIFY")
    bad = {"public_key": "bad", "secrets": {"api_secret": "x"}}
    assert shop.ask("check_account", account=bad, webhook_url=receiver.url) == "bad_credentials"
    assert shop.ask("check_account", webhook_url="nonsense") == "webhook_refused"
    providers.faults("shipstation", refuse=True)
    assert shop.ask("check_account", webhook_url=receiver.url) == "unreachable"


def test_parcels_come_back(shop, receiver):  # noqa: F811
    shop.ask("check_account", webhook_url=receiver.url)
    order = shop.order()
    shop.ask("push", order)
    shipment = shop.ship(order)
    _, body, _, _ = receiver.wait(1)[0]
    news = shop.read(body)
    assert news["what"] == "parcels"
    assert news["parcels"] == [{"external_id": str(shipment["shipmentId"]), "order_id": order["id"], "lines": [[1, 2]], "carrier": "ups",
                                "tracking_number": "1Z 999", "tracking_url": "https://www.ups.com/track?tracknum=1Z%20999",
                                "voided": False}]
    assert shop.read(body) == news  # told twice, it says the same


def test_orders_of_others_are_no_parcels_of_ours(shop, receiver):  # noqa: F811
    shop.ask("check_account", webhook_url=receiver.url)
    theirs = {"orderNumber": "x", "orderKey": "of-another-shop", "orderDate": "2026-01-01", "orderStatus": "awaiting_shipment",
              "billTo": {"name": "B"}, "shipTo": {"name": "B"}}
    assert requests.post(f"{shop.url}/orders/createorder", json=theirs, auth=(KEY, SECRET), timeout=10).status_code == 200
    shop.running.admin("shipstation/ship", orderKey="of-another-shop", carrierCode="ups", trackingNumber="1", account=KEY)
    _, body, _, _ = receiver.wait(1)[0]
    assert shop.read(body) == {"what": "parcels", "parcels": []}


def test_a_forged_call_makes_souk_ask_nobody_else(shop, providers, receiver):  # noqa: F811
    asked = []

    class Thief(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Thief)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    thief = f"127.0.0.1:{server.server_address[1]}"
    host = shop.url.removeprefix("http://").split("/")[0]
    query = "?batchId=1"
    for url in (f"http://{thief}/shipments{query}", f"http://{thief}/shipstation/shipments{query}", f"http://{host}@{thief}/shipments{query}",
                f"http://{host}.{thief}/shipments{query}", f"http://{thief}\\@{host}/shipstation/shipments{query}",
                f"https://{host}/shipstation/shipments{query}", f"http://{host}/shipstation/orders{query}", f"http://{host}/admin/ledger{query}",
                f"http://{host}/shipstation/../admin/shipments{query}", f"{shop.url}/shipments?batchId=1 HTTP/1.1\r\nX: y", shop.url, "file:///etc/passwd", "", "/shipments?x=1"):
        assert shop.read(json.dumps({"resource_url": url, "resource_type": "SHIP_NOTIFY"}))["what"] == "forged", url
    for body in ("", "[]", "null", "{}", '{"resource_url": 7}', json.dumps({"resource_url": f"{shop.url}/shipments{query}"})):
        assert shop.read(body)["what"] == "forged"
    providers.faults("shipstation", webhook_forge_next=1)
    receiver.answers = [400]
    shop.ask("check_account", webhook_url=receiver.url)
    order = shop.order()
    shop.ask("push", order)
    shop.ship(order)
    received = receiver.wait(2)
    assert [shop.read(body)["what"] for _, body, _, _ in received] == ["forged", "parcels"]
    server.shutdown()
    server.server_close()
    assert asked == []


def test_news_that_cannot_be_looked_at_now_are_sent_again(shop, providers):  # noqa: F811
    body = json.dumps({"resource_url": f"{shop.url}/shipments?batchId=1&includeShipmentItems=False", "resource_type": "SHIP_NOTIFY"})
    assert shop.read(body) == {"what": "parcels", "parcels": []}
    providers.faults("shipstation", refuse=True)
    assert shop.read(body)["what"] == "not_now"
    assert shop.read(json.dumps({"resource_url": f"{shop.url}/orders?x=1", "resource_type": "ORDER_NOTIFY"})) == {"what": "parcels", "parcels": []}


def test_many_at_once(shop, providers):  # noqa: F811
    orders = [shop.order(number=n) for n in range(8)]
    providers.faults("shipstation", drop_after_next=3, fail_next=2)
    answers = shop.probe.together([shop.command("push", order) for order in orders * 2])
    assert {a["what"] for a in answers} <= {"done", "not_now"}
    for order in orders:
        shop.ask("push", order)
    assert sorted(o["orderKey"] for o in shop.orders()) == sorted(order["id"] for order in orders)
