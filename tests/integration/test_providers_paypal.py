"""The sandbox of PayPal keeps PayPal's contract."""

import base64
import concurrent.futures
import datetime
import json
import signal
import subprocess
import time
import zlib

import pytest
import requests

from providers import providers, receiver  # noqa: F401 (fixtures)


class PayPal:
    def __init__(self, running, client="shop", secret="s3cret"):
        self.running = running
        self.client, self.secret = client, secret
        self.token = self.sign_in().json().get("access_token")

    def sign_in(self, grant="client_credentials"):
        return requests.post(f"{self.running.url}/paypal/v1/oauth2/token", auth=(self.client, self.secret), timeout=10,
                             data={"grant_type": grant})

    def call(self, method, path, body=None, key=None, full=True, **params):
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["PayPal-Request-Id"] = key
        if full:
            headers["Prefer"] = "return=representation"
        return requests.request(method, f"{self.running.url}/paypal{path}", json=body, headers=headers, params=params, timeout=10)

    def post(self, path, body=None, key=None, full=True):
        return self.call("POST", path, {} if body is None else body, key, full)

    def get(self, path, **params):
        return self.call("GET", path, **params)

    def order(self, key=None, intent="CAPTURE", value="19.99", invoice=None, full=True):
        unit = {"amount": {"currency_code": "EUR", "value": value}, "custom_id": "order-1"}
        if invoice:
            unit["invoice_id"] = invoice
        context = {"return_url": "http://shop.test/ok?a=1", "cancel_url": "http://shop.test/no", "user_action": "PAY_NOW"}
        return self.post("/v2/checkout/orders", {"intent": intent, "purchase_units": [unit],
                                                 "payment_source": {"paypal": {"experience_context": context}}}, key, full)

    def approved(self, wallet="approve", **changes):
        order = self.order(**changes).json()
        page = link(order, "payer-action")
        answer = requests.post(f"{page}/{wallet}", timeout=10, allow_redirects=False)
        assert answer.status_code == 303
        return order["id"]

    def paid(self, **changes):
        order = self.approved(**changes)
        done = self.post(f"/v2/checkout/orders/{order}/capture")
        assert done.status_code == 201, done.text
        return order, done.json()["purchase_units"][0]["payments"]["captures"][0]

    def types(self):
        return [e["event_type"] for e in reversed(self.get("/v1/notifications/webhooks-events", page_size=100).json()["events"])]


def link(resource, rel):
    return next(entry["href"] for entry in resource["links"] if entry["rel"] == rel)


def issue(answer):
    body = answer.json()
    assert body["debug_id"]
    return answer.status_code, body["name"], body["details"][0]["issue"]


def unprocessable(name):
    return 422, "UNPROCESSABLE_ENTITY", name


@pytest.fixture
def paypal(providers):  # noqa: F811
    return PayPal(providers)


def test_tokens_are_given_checked_and_expire(providers):  # noqa: F811
    providers.stop()
    providers.start("--paypal-token-s", "1")
    paypal = PayPal(providers)
    said = paypal.sign_in().json()
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 1) and said["scope"] and said["nonce"]
    assert paypal.order().status_code == 201
    time.sleep(1.1)
    assert (paypal.order().status_code, paypal.order().json()["error"]) == (401, "invalid_token")
    assert PayPal(providers, "bad").sign_in().json()["error"] == "invalid_client"
    assert paypal.sign_in("password").status_code == 400
    assert requests.get(f"{providers.url}/paypal/v2/checkout/orders/x", timeout=10).json()["name"] == "AUTHENTICATION_FAILURE"


def test_an_order_is_made_approved_and_captured_once(paypal, providers):  # noqa: F811
    made = paypal.order(full=False)
    assert made.status_code == 201 and set(made.json()) == {"id", "status", "links"}
    order = made.json()["id"]
    assert made.json()["status"] == "PAYER_ACTION_REQUIRED"
    assert issue(paypal.post(f"/v2/checkout/orders/{order}/capture")) == unprocessable("ORDER_NOT_APPROVED")
    page = link(made.json(), "payer-action")
    assert "19.99" in requests.get(page, timeout=10).text
    cancelled = requests.post(f"{page}/cancel", timeout=10, allow_redirects=False)
    assert cancelled.headers["Location"] == f"http://shop.test/no?token={order}"
    back = requests.post(f"{page}/approve", timeout=10, allow_redirects=False)
    assert back.headers["Location"].startswith(f"http://shop.test/ok?a=1&token={order}&PayerID=")
    assert paypal.get(f"/v2/checkout/orders/{order}").json()["status"] == "APPROVED"
    done = paypal.post(f"/v2/checkout/orders/{order}/capture")
    assert (done.status_code, done.json()["status"]) == (201, "COMPLETED")
    capture = done.json()["purchase_units"][0]["payments"]["captures"][0]
    assert (capture["status"], capture["amount"], capture["custom_id"]) == ("COMPLETED", {"currency_code": "EUR", "value": "19.99"}, "order-1")
    assert issue(paypal.post(f"/v2/checkout/orders/{order}/capture")) == unprocessable("ORDER_ALREADY_CAPTURED")
    assert paypal.get(f"/v2/payments/captures/{capture['id']}").json()["id"] == capture["id"]
    assert "_sandbox" not in done.text
    assert providers.ledger() == [{"seq": 1, "provider": "paypal", "account": "shop", "type": "captured", "id": capture["id"],
                                   "payment": order, "order_reference": "order-1", "amount": 1999, "currency": "EUR"}]
    assert paypal.types() == ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.COMPLETED"]


def test_a_declined_instrument_sends_the_buyer_back(paypal, providers):  # noqa: F811
    order = paypal.approved("approve_declined")
    assert issue(paypal.post(f"/v2/checkout/orders/{order}/capture")) == unprocessable("INSTRUMENT_DECLINED")
    assert paypal.get(f"/v2/checkout/orders/{order}").json()["status"] == "PAYER_ACTION_REQUIRED"
    providers.admin("paypal/act", account="shop", id=order, action="approve")
    providers.faults("paypal", decline_next=1)
    assert issue(paypal.post(f"/v2/checkout/orders/{order}/capture")) == unprocessable("INSTRUMENT_DECLINED")
    providers.admin("paypal/act", account="shop", id=order, action="approve")
    assert paypal.post(f"/v2/checkout/orders/{order}/capture").status_code == 201
    assert len(providers.ledger()) == 1


def test_a_pending_capture_is_settled_later(paypal, providers):  # noqa: F811
    captures = []
    for _ in range(2):
        order = paypal.approved("approve_pending")
        capture = paypal.post(f"/v2/checkout/orders/{order}/capture").json()["purchase_units"][0]["payments"]["captures"][0]
        assert capture["status"] == "PENDING"
        captures.append((order, capture["id"]))
    assert providers.ledger() == []
    assert issue(paypal.post(f"/v2/payments/captures/{captures[0][1]}/refund")) == unprocessable("PENDING_CAPTURE")
    for (order, capture), action, status in zip(captures, ("complete", "deny"), ("COMPLETED", "DECLINED")):
        assert providers.admin("paypal/act", account="shop", id=capture, action=action)["status"] == status
        shown = paypal.get(f"/v2/checkout/orders/{order}").json()["purchase_units"][0]["payments"]["captures"]
        assert [c["status"] for c in shown] == [status]
    assert len(providers.ledger()) == 1 and paypal.types()[-1] == "PAYMENT.CAPTURE.DENIED"


def test_an_invoice_is_paid_once(paypal, providers):  # noqa: F811
    paypal.paid(invoice="inv-1")
    second = paypal.approved(invoice="inv-1")
    assert issue(paypal.post(f"/v2/checkout/orders/{second}/capture")) == unprocessable("DUPLICATE_INVOICE_ID")
    assert len(providers.ledger()) == 1
    other = PayPal(providers, "other")
    other.paid(invoice="inv-1")


def test_authorize_then_capture_in_parts_or_void(paypal, providers):  # noqa: F811
    order = paypal.approved(intent="AUTHORIZE")
    assert issue(paypal.post(f"/v2/checkout/orders/{order}/capture")) == unprocessable("ACTION_DOES_NOT_MATCH_INTENT")
    held = paypal.post(f"/v2/checkout/orders/{order}/authorize").json()["purchase_units"][0]["payments"]["authorizations"][0]
    assert held["status"] == "CREATED" and providers.ledger() == []
    assert issue(paypal.post(f"/v2/checkout/orders/{order}/authorize")) == unprocessable("ORDER_ALREADY_AUTHORIZED")
    path = f"/v2/payments/authorizations/{held['id']}"
    part = paypal.post(f"{path}/capture", {"amount": {"currency_code": "EUR", "value": "5.00"}})
    assert (part.status_code, part.json()["final_capture"]) == (201, False)
    assert paypal.get(path).json()["status"] == "PARTIALLY_CAPTURED"
    assert issue(paypal.post(f"{path}/capture", {"amount": {"currency_code": "EUR", "value": "30.00"}})) == unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED")
    paypal.post(f"{path}/capture", {"amount": {"currency_code": "EUR", "value": "4.00"}, "final_capture": True})
    assert paypal.get(path).json()["status"] == "CAPTURED"
    assert issue(paypal.post(f"{path}/void")) == unprocessable("PREVIOUSLY_CAPTURED")
    assert [e["amount"] for e in providers.ledger()] == [500, 400]

    order = paypal.approved(intent="AUTHORIZE")
    held = paypal.post(f"/v2/checkout/orders/{order}/authorize").json()["purchase_units"][0]["payments"]["authorizations"][0]
    path = f"/v2/payments/authorizations/{held['id']}"
    assert issue(paypal.post(f"{path}/reauthorize")) == unprocessable("REAUTHORIZATION_TOO_SOON")
    assert paypal.post(f"{path}/void", full=False).status_code == 204
    assert issue(paypal.post(f"{path}/void")) == unprocessable("PREVIOUSLY_VOIDED")
    assert issue(paypal.post(f"{path}/capture")) == unprocessable("AUTHORIZATION_VOIDED")
    assert paypal.types()[-1] == "PAYMENT.AUTHORIZATION.VOIDED"


def test_refunds_in_parts_and_in_full(paypal, providers):  # noqa: F811
    order, capture = paypal.paid()
    path = f"/v2/payments/captures/{capture['id']}/refund"
    part = paypal.post(path, {"amount": {"currency_code": "EUR", "value": "9.99"}, "note_to_payer": "sorry"}, "r1")
    assert (part.status_code, part.json()["status"], part.json()["note_to_payer"]) == (201, "COMPLETED", "sorry")
    assert paypal.get(f"/v2/payments/captures/{capture['id']}").json()["status"] == "PARTIALLY_REFUNDED"
    assert issue(paypal.post(path, {"amount": {"currency_code": "EUR", "value": "10.01"}})) == unprocessable("REFUND_AMOUNT_EXCEEDED")
    assert paypal.post(path).json()["amount"]["value"] == "10.00"
    assert issue(paypal.post(path)) == unprocessable("CAPTURE_FULLY_REFUNDED")
    assert paypal.get(f"/v2/payments/refunds/{part.json()['id']}").json()["status"] == "COMPLETED"
    assert [(e["type"], e["amount"], e["payment"]) for e in providers.ledger()] == [
        ("captured", 1999, order), ("refunded", 999, order), ("refunded", 1000, order)]


def test_a_request_id_is_done_once_and_answered_200(paypal, providers):  # noqa: F811
    first, again = paypal.order("k1"), paypal.order("k1")
    assert (first.status_code, again.status_code) == (201, 200) and again.json()["id"] == first.json()["id"]
    assert issue(paypal.order("k1", value="20.00")) == unprocessable("DUPLICATE_REQUEST_ID")
    order = paypal.approved()
    path = f"/v2/checkout/orders/{order}/capture"
    done, repeated = paypal.post(path, key="c1"), paypal.post(path, key="c1")
    assert (done.status_code, repeated.status_code) == (201, 200) and repeated.json() == done.json()
    capture = done.json()["purchase_units"][0]["payments"]["captures"][0]["id"]
    ids = {paypal.post(f"/v2/payments/captures/{capture}/refund", {"amount": {"currency_code": "EUR", "value": "1.00"}}, "r1").json()["id"] for _ in range(3)}
    assert len(ids) == 1 and len(providers.ledger()) == 2
    assert paypal.order("x" * 109).status_code == 400


def test_request_ids_on_orders_expire(paypal, providers):  # noqa: F811
    providers.stop()
    providers.start("--paypal-order-key-s", "1")
    first = paypal.order("k1").json()["id"]
    time.sleep(1.1)
    assert paypal.order("k1").json()["id"] != first


def test_lost_answers_and_twins(paypal, providers):  # noqa: F811
    order = paypal.approved()
    path = f"/v2/checkout/orders/{order}/capture"
    providers.faults("paypal", drop_before_next=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        paypal.post(path, key="c1")
    assert providers.ledger() == []
    providers.faults("paypal", drop_after_next=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        paypal.post(path, key="c1")
    assert len(providers.ledger()) == 1
    assert paypal.post(path, key="c1").status_code == 200
    other = paypal.approved()
    providers.faults("paypal", fail_next=1)
    assert paypal.post(f"/v2/checkout/orders/{other}/capture", key="c2").status_code == 500
    assert paypal.post(f"/v2/checkout/orders/{other}/capture", key="c2").json()["status"] == "COMPLETED"
    providers.faults("paypal", limit_next=1)
    assert paypal.order().json()["name"] == "RATE_LIMIT_REACHED"
    providers.faults("paypal", latency_ms=400)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: paypal.order("k9"), range(3)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409]
    assert issue(next(a for a in answers if a.status_code == 409))[2] == "PREVIOUS_REQUEST_IN_PROGRESS"


@pytest.mark.parametrize("change, status, name", [
    ({"intent": "STEAL"}, 400, "INVALID_PARAMETER_VALUE"), ({"purchase_units": []}, 400, "INVALID_ARRAY_MIN_ITEMS"),
    ({"purchase_units": [{"custom_id": "x"}]}, 400, "MISSING_REQUIRED_PARAMETER"),
    ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "1.999"}}]}, 422, "DECIMAL_PRECISION"),
    ({"purchase_units": [{"amount": {"currency_code": "JPY", "value": "1.50"}}]}, 422, "DECIMAL_PRECISION"),
    ({"purchase_units": [{"amount": {"currency_code": "XXX", "value": "1"}}]}, 422, "CURRENCY_NOT_SUPPORTED"),
    ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "0.00"}}]}, 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
    ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "2.00", "breakdown": {"item_total": {"currency_code": "EUR", "value": "1.00"}}}}]},
     422, "AMOUNT_MISMATCH"),
    ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "1.00"}, "custom_id": "x" * 128}]}, 400, "INVALID_PARAMETER_LENGTH"),
])
def test_bad_orders_are_named(paypal, change, status, name):
    body = {"intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "EUR", "value": "1.00"}}], **change}
    answer = paypal.post("/v2/checkout/orders", body)
    assert issue(answer)[::2] == (status, name)


@pytest.mark.parametrize("body", [[], "x", 1, None, {"intent": 1}, {"intent": "CAPTURE", "purchase_units": {}},
                                  {"intent": "CAPTURE", "purchase_units": [1]}, {"intent": "CAPTURE", "purchase_units": [{"amount": "1"}]},
                                  {"intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "EUR", "value": "1"}}], "payment_source": 1,
                                   "application_context": [1]}])
def test_odd_bodies_break_nothing(paypal, body):
    answer = requests.post(f"{paypal.running.url}/paypal/v2/checkout/orders", data=json.dumps(body), timeout=10,
                           headers={"Authorization": f"Bearer {paypal.token}", "Content-Type": "application/json"})
    assert answer.status_code in (201, 400, 422), answer.text
    assert paypal.order().status_code == 201


def test_patch_accounts_and_unknown_ids(paypal, providers):  # noqa: F811
    order = paypal.order().json()["id"]
    patched = paypal.call("PATCH", f"/v2/checkout/orders/{order}", [{
        "op": "replace", "path": "/purchase_units/@reference_id=='default'/amount", "value": {"currency_code": "EUR", "value": "5.00"}}])
    assert patched.status_code == 204
    assert paypal.get(f"/v2/checkout/orders/{order}").json()["purchase_units"][0]["amount"]["value"] == "5.00"
    assert issue(PayPal(providers, "other").get(f"/v2/checkout/orders/{order}")) == (404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
    broken = requests.post(f"{providers.url}/paypal/v2/checkout/orders", data="{", timeout=10,
                           headers={"Authorization": f"Bearer {paypal.token}", "Content-Type": "application/json"})
    assert issue(broken) == (400, "INVALID_REQUEST", "MALFORMED_REQUEST_JSON")


def test_the_report_lists_what_moved(paypal, providers):  # noqa: F811
    _, capture = paypal.paid(invoice="inv-7")
    refund = paypal.post(f"/v2/payments/captures/{capture['id']}/refund", {"amount": {"currency_code": "EUR", "value": "1.00"}}).json()
    now = datetime.datetime.now(datetime.timezone.utc)
    window = {"start_date": (now - datetime.timedelta(hours=1)).isoformat(timespec="seconds"),
              "end_date": (now + datetime.timedelta(hours=1)).isoformat(timespec="seconds")}
    report = paypal.get("/v1/reporting/transactions", page_size=1, **window).json()
    assert (report["total_items"], report["total_pages"]) == (2, 2)
    info = report["transaction_details"][0]["transaction_info"]
    assert (info["transaction_id"], info["transaction_event_code"], info["invoice_id"], info["custom_field"]) == (capture["id"], "T0006", "inv-7", "order-1")
    info = paypal.get("/v1/reporting/transactions", page_size=1, page=2, **window).json()["transaction_details"][0]["transaction_info"]
    assert (info["transaction_id"], info["paypal_reference_id"], info["transaction_amount"]["value"]) == (refund["id"], capture["id"], "-1.00")
    assert paypal.get("/v1/reporting/transactions", start_date="2026-01-01T00:00:00Z", end_date="2026-03-01T00:00:00Z").status_code == 400


def verification(headers, event, webhook_id="WH-SHOP"):
    return {"auth_algo": headers["PAYPAL-AUTH-ALGO"], "cert_url": headers["PAYPAL-CERT-URL"], "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
            "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"], "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
            "webhook_id": webhook_id, "webhook_event": event}


def test_webhooks_verify_online_and_with_the_certificate(paypal, providers, receiver, tmp_path):  # noqa: F811
    providers.admin("accounts", provider="paypal", account="shop",
                    webhooks=[{"url": receiver.url, "webhook_id": "WH-SHOP", "events": ["PAYMENT.CAPTURE.COMPLETED"]}])
    _, capture = paypal.paid()
    headers, body, _, _ = receiver.wait(1)[0]
    event = json.loads(body)
    assert (event["event_type"], event["resource_type"], event["resource"]["id"]) == ("PAYMENT.CAPTURE.COMPLETED", "capture", capture["id"])
    assert paypal.get(f"/v1/notifications/webhooks-events/{event['id']}").json() == event

    def ask(question):
        answer = paypal.post("/v1/notifications/verify-webhook-signature", question)
        return answer.json().get("verification_status", answer.status_code)

    assert ask(verification(headers, event)) == "SUCCESS"
    assert ask(verification(headers, event, "WH-OTHER")) == "FAILURE"
    assert ask(verification(headers, {**event, "summary": "changed"})) == "FAILURE"
    assert ask({**verification(headers, event), "cert_url": "http://evil.test/cert"}) == "FAILURE"
    assert ask({"webhook_id": "WH-SHOP"}) == 400

    (tmp_path / "cert.pem").write_text(requests.get(headers["PAYPAL-CERT-URL"], timeout=10).text)
    (tmp_path / "sig").write_bytes(base64.b64decode(headers["PAYPAL-TRANSMISSION-SIG"]))
    (tmp_path / "text").write_text(f"{headers['PAYPAL-TRANSMISSION-ID']}|{headers['PAYPAL-TRANSMISSION-TIME']}|WH-SHOP|{zlib.crc32(body)}")
    key = subprocess.run(["openssl", "x509", "-in", "cert.pem", "-pubkey", "-noout"], cwd=tmp_path, capture_output=True, text=True, check=True)
    (tmp_path / "key.pem").write_text(key.stdout)
    checked = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "text"], cwd=tmp_path, capture_output=True, text=True)
    assert "Verified OK" in checked.stdout

    receiver.answers = [500]
    providers.faults("paypal", webhook_forge_next=1)
    paypal.paid()
    forged, good = receiver.wait(3)[1:3]
    assert ask(verification(forged[0], json.loads(forged[1]))) == "FAILURE"
    assert ask(verification(good[0], json.loads(good[1]))) == "SUCCESS"
    made = paypal.post("/v1/notifications/webhooks", {"url": receiver.url, "event_types": [{"name": "*"}]})
    assert made.status_code == 201
    assert made.json()["id"] in [hook["id"] for hook in paypal.get("/v1/notifications/webhooks").json()["webhooks"]]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_forgets_nothing(paypal, providers, how):  # noqa: F811
    order, capture = paypal.paid(invoice="inv-1")
    waiting = paypal.approved(key="k1")
    before = (providers.ledger(), paypal.get(f"/v2/checkout/orders/{order}").json(), paypal.types())
    providers.stop(how)
    providers.start()
    assert (providers.ledger(), paypal.get(f"/v2/checkout/orders/{order}").json(), paypal.types()) == before  # the token still holds
    again = paypal.order("k1")
    assert (again.status_code, again.json()["id"]) == (200, waiting)
    second = paypal.approved(invoice="inv-1")
    assert issue(paypal.post(f"/v2/checkout/orders/{second}/capture"))[2] == "DUPLICATE_INVOICE_ID"
    assert paypal.post(f"/v2/checkout/orders/{waiting}/capture").status_code == 201
