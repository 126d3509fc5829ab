"""The sandbox of ShipStation keeps the contract of its API V1."""

import signal

import pytest
import requests

from providers import providers, receiver  # noqa: F401 (fixtures)

ADDRESS = {"name": "Ada", "street1": "1 Main St", "city": "Paris", "postalCode": "75001", "country": "FR"}


class ShipStation:
    def __init__(self, running, key="key", secret="secret"):
        self.running, self.auth = running, (key, secret)

    def call(self, method, path, body=None, **params):
        return requests.request(method, f"{self.running.url}/shipstation{path}", json=body, params=params, auth=self.auth, timeout=10)

    def order(self, key="order-1", **changes):
        body = {"orderNumber": "1001", "orderKey": key, "orderDate": "2026-01-31T12:00:00", "orderStatus": "awaiting_shipment",
                "billTo": ADDRESS, "shipTo": ADDRESS, "items": [{"sku": "TEA", "name": "Tea", "quantity": 2, "unitPrice": 7.5}], **changes}
        return self.call("POST", "/orders/createorder", {name: value for name, value in body.items() if value is not None})


@pytest.fixture
def ship(providers):  # noqa: F811
    return ShipStation(providers)


def test_an_order_is_upserted_by_its_key(ship, providers):  # noqa: F811
    made = ship.order().json()
    assert isinstance(made["orderId"], int) and (made["orderKey"], made["orderTotal"]) == ("order-1", 15.0)
    changed = ship.order(customerNotes="ring twice").json()
    assert (changed["orderId"], changed["customerNotes"]) == (made["orderId"], "ring twice")
    assert ship.call("GET", "/orders", orderNumber="1001").json()["total"] == 1
    assert ship.call("GET", f"/orders/{made['orderId']}").json()["customerNotes"] == "ring twice"
    assert ship.order(key=None).json()["orderId"] != ship.order(key=None).json()["orderId"]  # without a key each call is an order
    page = ship.call("GET", "/orders", pageSize=2).json()
    assert (len(page["orders"]), page["total"], page["pages"]) == (2, 3, 2)
    assert ShipStation(providers, "other").call("GET", "/orders").json()["orders"] == []
    assert ShipStation(providers, "bad").order().status_code == 401


def test_bulk_and_bad_orders(ship):
    good = {"orderNumber": "1", "orderKey": "b1", "orderDate": "2026-01-31", "orderStatus": "on_hold", "billTo": ADDRESS, "shipTo": ADDRESS}
    said = ship.call("POST", "/orders/createorders", [good, {"orderNumber": "2"}]).json()
    assert (said["hasErrors"], [r["success"] for r in said["results"]]) == (True, [True, False])
    for changes in ({"orderNumber": None}, {"shipTo": None}, {"orderStatus": "lost"}, {"orderDate": None}):
        answer = ship.order(**changes)
        assert answer.status_code == 400 and answer.json()["ModelState"]


def test_shipping_tells_the_webhook_where_to_look(ship, providers, receiver):  # noqa: F811
    said = ship.call("POST", "/webhooks/subscribe", {"target_url": receiver.url + "/token", "event": "SHIP_NOTIFY", "friendly_name": "souk"})
    assert said.status_code == 201 and isinstance(said.json()["id"], int)
    order = ship.order().json()
    shipped = providers.admin("shipstation/ship", orderKey="order-1", carrierCode="ups", trackingNumber="1Z")
    assert shipped["trackingNumber"] == "1Z"
    _, _, _, path = receiver.wait(1)[0]
    body = receiver.bodies()[0]
    assert path == "/hook/token" and set(body) == {"resource_url", "resource_type"} and body["resource_type"] == "SHIP_NOTIFY"
    assert body["resource_url"].startswith(f"{providers.url}/shipstation/shipments?")
    assert requests.get(body["resource_url"], timeout=10).status_code == 401
    found = requests.get(body["resource_url"], auth=ship.auth, timeout=10).json()["shipments"]
    assert [(s["orderKey"], s["orderId"], s["carrierCode"], s["trackingNumber"]) for s in found] == [("order-1", order["orderId"], "ups", "1Z")]
    assert ship.call("GET", f"/orders/{order['orderId']}").json()["orderStatus"] == "shipped"
    assert ship.order(customerNotes="too late").status_code == 400
    assert ship.call("GET", "/shipments", orderNumber="1001").json()["total"] == 1
    assert [s["trackingNumber"] for s in providers.ask("shipments")["shipments"]] == ["1Z"]
    again = requests.post(f"{providers.url}/admin/shipstation/ship", json={"orderKey": "order-1"}, timeout=10)
    assert again.status_code == 409
    hooks = ship.call("GET", "/webhooks").json()["webhooks"]
    assert ship.call("DELETE", f"/webhooks/{hooks[0]['WebHookID']}").status_code == 200
    assert ship.call("GET", "/webhooks").json()["webhooks"] == []
    assert ship.call("POST", "/webhooks/subscribe", {"target_url": receiver.url, "event": "PARTY"}).status_code == 400


def test_mark_as_shipped_and_new_orders_notify(ship, providers, receiver):  # noqa: F811
    providers.admin("accounts", provider="shipstation", account="key",
                    webhooks=[{"url": receiver.url, "events": ["ORDER_NOTIFY", "FULFILLMENT_SHIPPED"]}])
    order = ship.order().json()
    receiver.wait(1)
    new = requests.get(receiver.bodies()[0]["resource_url"], auth=ship.auth, timeout=10).json()["orders"]
    assert [o["orderId"] for o in new] == [order["orderId"]]
    ship.call("POST", "/orders/markasshipped", {"orderId": order["orderId"], "carrierCode": "fedex", "trackingNumber": "F1"})
    receiver.wait(2)
    assert receiver.bodies()[1]["resource_type"] == "FULFILLMENT_SHIPPED"
    receiver.answers = [404]
    providers.faults("shipstation", webhook_forge_next=1)
    ship.order("order-2")
    receiver.wait(4)
    forged, good = (body["resource_url"] for body in receiver.bodies()[2:4])
    assert forged.startswith("http://attacker.invalid/") and good.startswith(providers.url)


def test_forty_calls_a_minute(ship, providers):  # noqa: F811
    first = ship.call("GET", "/carriers")
    assert (first.headers["X-Rate-Limit-Limit"], first.headers["X-Rate-Limit-Remaining"]) == ("40", "39")
    answers = [ship.call("GET", "/carriers") for _ in range(40)]
    assert [a.status_code for a in answers] == [200] * 39 + [429]
    assert 0 < int(answers[-1].headers["X-Rate-Limit-Reset"]) <= 60 and answers[-1].headers["X-Rate-Limit-Remaining"] == "0"
    assert ShipStation(providers, "other").call("GET", "/carriers").status_code == 200
    providers.stop()
    providers.start("--shipstation-rate", "100000")
    assert ship.call("GET", "/carriers").headers["X-Rate-Limit-Limit"] == "100000"


def test_faults_and_restarts(ship, providers):  # noqa: F811
    providers.faults("shipstation", drop_after_next=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        ship.order()
    made = ship.order().json()
    assert ship.call("GET", "/orders").json()["total"] == 1
    for fault, status in (("fail_before_next", 500), ("limit_next", 429), ("fail_next", 500), ("conflict_next", 409)):
        providers.faults("shipstation", **{fault: 1})
        assert ship.order("order-2").status_code == status
    assert ship.call("GET", "/orders").json()["total"] == 2  # fail_next executed
    providers.admin("shipstation/ship", orderKey="order-1", carrierCode="ups", trackingNumber="1Z")
    providers.stop(signal.SIGKILL)
    providers.start()
    assert ship.call("GET", f"/orders/{made['orderId']}").json()["orderStatus"] == "shipped"
    assert ship.order("order-3").json()["orderId"] == made["orderId"] + 2
    providers.admin("shipstation/ship", orderKey="order-3", carrierCode="ups", trackingNumber="2Z")
    assert len(providers.ask("shipments")["shipments"]) == 2
