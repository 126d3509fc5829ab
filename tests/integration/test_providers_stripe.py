"""The sandbox of Stripe keeps Stripe's contract: what a client may rely on, and what it must not."""

import concurrent.futures
import hashlib
import hmac
import json
import signal
import time

import pytest
import requests

from providers import providers, receiver  # noqa: F401 (fixtures)

SECRET = "whsec_one"


class Stripe:
    def __init__(self, running, key="sk_test_shop"):
        self.running = running
        self.api_key = key

    def call(self, method, path, data=None, key=None, params=None, **headers):
        if key:
            headers["Idempotency-Key"] = key
        return requests.request(method, f"{self.running.url}/stripe/v1/{path}", data=data, params=params, timeout=10,
                                headers={"Authorization": f"Bearer {self.api_key}", **headers})

    def post(self, path, key=None, **data):
        return self.call("POST", path, data, key)

    def get(self, path, **params):
        return self.call("GET", path, params=params)

    def create(self, key=None, **changes):
        data = {"amount": 1999, "currency": "eur", "metadata[order_id]": "order-1",
                "automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never", **changes}
        return self.post("payment_intents", key, **{name: value for name, value in data.items() if value is not None})

    def pay(self, key=None, method="pm_card_visa", **changes):
        return self.create(key, payment_method=method, confirm="true", **changes)

    def types(self):
        return [event["type"] for event in reversed(self.get("events", limit=100).json()["data"])]


@pytest.fixture
def stripe(providers):  # noqa: F811
    return Stripe(providers)


def error_of(answer):
    error = answer.json()["error"]
    return answer.status_code, error["type"], error.get("code")


def test_create_then_confirm_takes_the_money_once(stripe, providers):  # noqa: F811
    created = stripe.create().json()
    assert created["id"].startswith("pi_") and created["client_secret"].startswith(created["id"] + "_secret_")
    assert (created["status"], created["latest_charge"]) == ("requires_payment_method", None)
    assert providers.ledger() == []
    paid = stripe.post(f"payment_intents/{created['id']}/confirm", payment_method="pm_card_visa").json()
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 1999)
    assert stripe.get(f"payment_intents/{created['id']}").json() == paid
    assert stripe.types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert providers.ledger() == [{"seq": 1, "provider": "stripe", "account": "sk_test_shop", "type": "captured",
                                   "id": paid["latest_charge"], "payment": paid["id"], "order_reference": "order-1",
                                   "amount": 1999, "currency": "eur"}]
    again = stripe.post(f"payment_intents/{created['id']}/confirm", payment_method="pm_card_visa")
    assert error_of(again) == (400, "invalid_request_error", "payment_intent_unexpected_state")
    assert again.json()["error"]["payment_intent"]["status"] == "succeeded"
    assert len(providers.ledger()) == 1


@pytest.mark.parametrize("method, code, decline_code", [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
])
def test_a_declined_card_is_a_402_and_another_may_be_tried(stripe, providers, method, code, decline_code):  # noqa: F811
    answer = stripe.pay(method=method)
    assert error_of(answer) == (402, "card_error", code)
    error = answer.json()["error"]
    assert error.get("decline_code") == decline_code and error["charge"].startswith("ch_")
    intent = error["payment_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["code"] == code
    assert stripe.types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert providers.ledger() == []
    assert stripe.post(f"payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa").json()["status"] == "succeeded"


def test_authentication_goes_through_a_page(stripe, providers):  # noqa: F811
    for decision, status, redirect in (("approve", "succeeded", "succeeded"), ("decline", "requires_payment_method", "failed")):
        intent = stripe.pay(method="pm_card_authenticationRequired", return_url="http://shop.test/back?a=1").json()
        assert (intent["status"], intent["next_action"]["type"]) == ("requires_action", "redirect_to_url")
        page = intent["next_action"]["redirect_to_url"]["url"]
        assert "Approve" in requests.get(page, timeout=10).text
        assert "sk_test" not in page
        back = requests.post(f"{page}/{decision}", timeout=10, allow_redirects=False)
        assert back.status_code == 303
        assert back.headers["Location"].startswith(f"http://shop.test/back?a=1&payment_intent={intent['id']}&")
        assert back.headers["Location"].endswith(f"redirect_status={redirect}")
        assert stripe.get(f"payment_intents/{intent['id']}").json()["status"] == status
    assert len(providers.ledger()) == 1
    off_session = stripe.pay(method="pm_card_authenticationRequired", off_session="true")
    assert error_of(off_session) == (402, "card_error", "authentication_required")


def test_a_slow_payment_is_settled_later(stripe, providers):  # noqa: F811
    good, bad = (stripe.pay(method="pm_card_processing").json() for _ in range(2))
    assert good["status"] == "processing"
    assert error_of(stripe.post(f"payment_intents/{good['id']}/cancel"))[2] == "payment_intent_unexpected_state"
    for intent, action, status in ((good, "approve", "succeeded"), (bad, "decline", "requires_payment_method")):
        after = providers.admin("stripe/act", account="sk_test_shop", id=intent["id"], action=action)
        assert after["status"] == status
    assert [entry["payment"] for entry in providers.ledger()] == [good["id"]]


def test_manual_capture_takes_a_part_and_lets_go_of_the_rest(stripe, providers):  # noqa: F811
    intent = stripe.pay(capture_method="manual").json()
    assert (intent["status"], intent["amount_capturable"], intent["amount_received"]) == ("requires_capture", 1999, 0)
    assert providers.ledger() == []
    too_much = stripe.post(f"payment_intents/{intent['id']}/capture", amount_to_capture=2000)
    assert error_of(too_much)[2] == "amount_too_large"
    captured = stripe.post(f"payment_intents/{intent['id']}/capture", amount_to_capture=1500).json()
    assert (captured["status"], captured["amount_capturable"], captured["amount_received"]) == ("succeeded", 0, 1500)
    assert [(e["type"], e["amount"]) for e in providers.ledger()] == [("captured", 1500)]
    assert stripe.types()[-2:] == ["charge.captured", "payment_intent.succeeded"]
    over = stripe.post("refunds", payment_intent=intent["id"], amount=1501)
    assert error_of(over)[1] == "invalid_request_error"
    assert stripe.post("refunds", payment_intent=intent["id"]).json()["amount"] == 1500


def test_cancel_ends_it_before_the_money_moves(stripe, providers):  # noqa: F811
    for intent in (stripe.create().json(), stripe.pay(capture_method="manual").json()):
        gone = stripe.post(f"payment_intents/{intent['id']}/cancel", cancellation_reason="abandoned").json()
        assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "abandoned")
        assert gone["canceled_at"] is not None
        for verb in ("confirm", "cancel", "capture"):
            assert error_of(stripe.post(f"payment_intents/{intent['id']}/{verb}"))[2] == "payment_intent_unexpected_state"
    paid = stripe.pay().json()
    assert error_of(stripe.post(f"payment_intents/{paid['id']}/cancel"))[0] == 400
    assert len(providers.ledger()) == 1


def test_refunds_never_give_back_more_than_was_taken(stripe, providers):  # noqa: F811
    paid = stripe.pay().json()
    part = stripe.post("refunds", payment_intent=paid["id"], amount=999, reason="requested_by_customer",
                       **{"metadata[why]": "torn"}).json()
    assert (part["object"], part["status"], part["charge"], part["metadata"]) == (
        "refund", "succeeded", paid["latest_charge"], {"why": "torn"})
    assert error_of(stripe.post("refunds", payment_intent=paid["id"], amount=1001))[0] == 400
    rest = stripe.post("refunds", charge=paid["latest_charge"]).json()
    assert rest["amount"] == 1000
    assert error_of(stripe.post("refunds", payment_intent=paid["id"]))[2] == "charge_already_refunded"
    assert [(e["type"], e["amount"], e["order_reference"]) for e in providers.ledger()] == [
        ("captured", 1999, "order-1"), ("refunded", 999, "order-1"), ("refunded", 1000, "order-1")]
    assert [r["id"] for r in stripe.get("refunds", payment_intent=paid["id"]).json()["data"]] == [rest["id"], part["id"]]
    assert stripe.get(f"refunds/{part['id']}").json() == part
    assert stripe.get(f"charges/{paid['latest_charge']}").json()["refunded"] is True


def test_a_late_refund_succeeds_or_fails(stripe, providers):  # noqa: F811
    paid = stripe.pay(method="pm_card_pendingRefund").json()
    refund = stripe.post("refunds", payment_intent=paid["id"]).json()
    assert refund["status"] == "pending" and len(providers.ledger()) == 1
    assert providers.admin("stripe/act", account="sk_test_shop", id=refund["id"], action="fail")["status"] == "failed"
    assert stripe.types()[-1] == "refund.failed"
    second = stripe.post("refunds", payment_intent=paid["id"]).json()
    assert providers.admin("stripe/act", account="sk_test_shop", id=second["id"], action="succeed")["status"] == "succeeded"
    assert [e["type"] for e in providers.ledger()] == ["captured", "refunded"]


# -- idempotency


def test_a_key_repeats_status_and_body(stripe, providers):  # noqa: F811
    first, again = stripe.pay("k1"), stripe.pay("k1")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true" and again.content == first.content
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    declined, repeated = stripe.pay("k2", "pm_card_chargeDeclined"), stripe.pay("k2", "pm_card_chargeDeclined")
    assert (repeated.status_code, repeated.content) == (402, declined.content)
    stripe.post(f"payment_intents/{first.json()['id']}", **{"metadata[later]": "1"})
    assert stripe.pay("k1").content == first.content  # the first answer, not the news
    assert len(providers.ledger()) == 1


def test_a_key_belongs_to_its_parameters_and_its_account(stripe, providers):  # noqa: F811
    stripe.pay("k1")
    assert error_of(stripe.pay("k1", amount=2000))[:2] == (400, "idempotency_error")
    assert Stripe(providers, "sk_test_other").pay("k1").status_code == 200
    assert len(providers.ledger()) == 2


def test_what_was_never_executed_is_not_kept(stripe):
    assert error_of(stripe.pay("k1", amount="0"))[0] == 400
    assert stripe.pay("k1").status_code == 200


def test_a_500_is_executed_kept_and_repeated(stripe, providers):  # noqa: F811
    providers.faults("stripe", fail_next=1)
    assert error_of(stripe.pay("k1"))[:2] == (500, "api_error")
    assert stripe.pay("k1").status_code == 500
    assert len(providers.ledger()) == 1  # the trap: money moved behind a 500
    intent = providers.ledger()[0]["payment"]
    assert stripe.get(f"payment_intents/{intent}").json()["status"] == "succeeded"


def test_a_concurrent_twin_hears_409(stripe, providers):  # noqa: F811
    providers.faults("stripe", latency_ms=500)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: stripe.pay("k1"), range(4)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    assert [error_of(a)[2] for a in answers if a.status_code == 409] == ["idempotency_key_in_use"] * 3
    providers.faults("stripe", latency_ms=0)
    assert stripe.pay("k1").headers["Idempotent-Replayed"] == "true"


def test_keys_expire(stripe, providers):  # noqa: F811
    providers.stop()
    providers.start("--stripe-key-s", "1")
    first = stripe.pay("k1").json()
    time.sleep(1.1)
    assert stripe.pay("k1").json()["id"] != first["id"]


# -- faults


def test_faults_of_the_connection(stripe, providers):  # noqa: F811
    providers.faults("stripe", drop_before_next=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        stripe.pay("k1")
    assert providers.ledger() == []
    for number, fault in enumerate(("drop_after_next", "partial_next"), 1):
        providers.faults("stripe", **{fault: 1})
        try:
            answer = stripe.pay(fault)
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
            pass
        else:  # requests before 2.32 takes half an answer for an answer
            assert len(answer.content) < int(answer.headers["Content-Length"]), fault + ": the answer came whole"
        assert len(providers.ledger()) == number
        assert stripe.pay(fault).headers["Idempotent-Replayed"] == "true"
    providers.faults("stripe", refuse=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        stripe.get("payment_intents")
    assert providers.faults("stripe", refuse=False)["refuse"] is False


def test_faults_of_the_provider(stripe, providers):  # noqa: F811
    providers.faults("stripe", limit_next=1)
    limited = stripe.pay("k1")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    providers.faults("stripe", fail_before_next=1)
    assert stripe.pay("k1").status_code == 500
    providers.faults("stripe", conflict_next=1)
    assert error_of(stripe.pay("k1"))[0] == 409
    assert providers.ledger() == [] and stripe.pay("k1").status_code == 200
    providers.faults("stripe", decline_next=1)
    assert error_of(stripe.pay("k2"))[0] == 402
    assert stripe.get("payment_intents").status_code == 200
    providers.faults("stripe", fail_before_next=1, path="/capture")
    intent = stripe.pay(capture_method="manual").json()
    assert stripe.post(f"payment_intents/{intent['id']}/capture").status_code == 500
    assert requests.post(f"{providers.url}/admin/faults", json={"provider": "stripe", "drop_nxt": 1}, timeout=10).status_code == 400


# -- lists, search, parameters


def test_lists_are_paged_newest_first_and_by_time(stripe):
    ids = [stripe.create().json()["id"] for _ in range(5)]
    page = stripe.get("payment_intents", limit=2).json()
    assert ([p["id"] for p in page["data"]], page["has_more"]) == (ids[:2:-1], True)
    rest = stripe.get("payment_intents", limit=5, starting_after=ids[3]).json()
    assert ([p["id"] for p in rest["data"]], rest["has_more"]) == (ids[2::-1], False)
    back = stripe.get("payment_intents", limit=2, ending_before=ids[1]).json()
    assert [p["id"] for p in back["data"]] == [ids[3], ids[2]]
    now = int(time.time())
    assert len(stripe.get("payment_intents", **{"created[gte]": now - 60}).json()["data"]) == 5
    assert stripe.get("payment_intents", **{"created[gt]": now + 60}).json()["data"] == []
    assert stripe.get("payment_intents", limit=101).status_code == 400
    assert [e["type"] for e in stripe.get("events", type="payment_intent.created", limit=1).json()["data"]] == ["payment_intent.created"]


def test_search_lags_behind(stripe):
    intent = stripe.create(**{"metadata[order_id]": "o'7"}).json()
    query = {"query": r"metadata['order_id']:'o\'7' AND status:'requires_payment_method'"}
    assert stripe.get("payment_intents/search", **query).json()["data"] == []
    assert [p["id"] for p in stripe.get("payment_intents").json()["data"]] == [intent["id"]]
    time.sleep(0.4)
    found = stripe.get("payment_intents/search", **query).json()
    assert (found["object"], [p["id"] for p in found["data"]]) == ("search_result", [intent["id"]])
    assert stripe.get("payment_intents/search", query="metadata['order_id']:'x'").json()["data"] == []
    assert stripe.get("payment_intents/search", query="nonsense").status_code == 400


@pytest.mark.parametrize("changes, code", [
    ({"amount": None}, "parameter_missing"), ({"amount": "1.5"}, "parameter_invalid_integer"), ({"amount": "-1"}, "parameter_invalid_integer"),
    ({"amount": "10"}, "amount_too_small"), ({"amount": "100000000"}, "amount_too_large"), ({"currency": "euro"}, None),
    ({"colour": "red"}, "parameter_unknown"), ({"payment_method": "pm_nothing"}, "resource_missing"), ({"confirm": "yes"}, None),
    ({"metadata[k]": "v" * 501}, None), ({"metadata[a][b]": "v"}, None), ({"capture_method": "never"}, None), ({"return_url": "http://shop.test"}, "parameter_unknown"),
    ({"return_url": "javascript:x", "confirm": "true", "payment_method": "pm_card_visa"}, "url_invalid"),
])
def test_bad_parameters_are_named(stripe, changes, code):
    answer = stripe.create("k1", **changes)
    assert error_of(answer) == (400, "invalid_request_error", code)
    assert stripe.create("k1").status_code == 200


def test_accounts_are_apart_and_bad_keys_refused(stripe, providers):  # noqa: F811
    intent = stripe.create().json()
    other = Stripe(providers, "sk_test_other")
    assert error_of(other.get(f"payment_intents/{intent['id']}")) == (404, "invalid_request_error", "resource_missing")
    assert other.get("payment_intents").json()["data"] == [] == other.get("events").json()["data"]
    for key in ("sk_test_bad", "sk_live_x", ""):
        assert Stripe(providers, key).get("payment_intents").status_code == 401
    basic = requests.get(f"{providers.url}/stripe/v1/payment_intents/{intent['id']}", auth=("sk_test_shop", ""), timeout=10)
    assert basic.json()["id"] == intent["id"]
    assert stripe.get("nothing").status_code == 404


def test_update_metadata_return_url_and_expand(stripe):
    intent = stripe.create(**{"metadata[a]": "1"}).json()
    changed = stripe.post(f"payment_intents/{intent['id']}", amount=2500, **{"metadata[a]": "", "metadata[b]": "2"}).json()
    assert (changed["amount"], changed["metadata"]) == (2500, {"order_id": "order-1", "b": "2"})
    redirecting = stripe.create(payment_method="pm_card_visa", confirm="true", **{"automatic_payment_methods[allow_redirects]": None})
    assert redirecting.json()["error"]["param"] == "return_url"
    paid = stripe.pay(**{"expand[]": "latest_charge"}).json()
    assert paid["latest_charge"]["object"] == "charge"
    token = stripe.post("test_helpers/confirmation_tokens", payment_method="pm_card_visa").json()["id"]
    assert stripe.create(confirm="true", confirmation_token=token).json()["status"] == "succeeded"
    long = stripe.create(**{f"metadata[k{i}]": "v" * 400 for i in range(40)})  # 17 KB of form
    assert long.status_code == 200 and len(long.json()["metadata"]) == 41


def test_odd_forms_break_nothing(stripe):
    for text in ("a[b", "a[]b=1", "a=1&a[b]=2", "[x]=1", "expand=1", "a" + "[x]" * 9 + "=1", "metadata[a][b]=1", "amount[x]=1",
                 "shipping=x", "payment_method_types=card", "automatic_payment_methods=1", "amount=%ff", "&".join(["a=1"] * 3000)):
        answer = stripe.call("POST", "payment_intents", text, **{"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 400, text
    assert stripe.call("POST", "payment_intents", "{}", **{"Content-Type": "application/json"}).status_code == 400
    assert stripe.get("payment_intents", **{"created[x]": 1}).status_code == 400
    assert stripe.get("payment_intents", starting_after="pi_none").status_code == 400
    assert stripe.pay().status_code == 200


# -- checkout sessions


def open_session(stripe, **changes):
    return stripe.post("checkout/sessions", mode="payment", success_url="http://shop.test/ok?s={CHECKOUT_SESSION_ID}",
                       cancel_url="http://shop.test/back", client_reference_id="order-9",
                       **{"line_items[0][price_data][currency]": "eur", "line_items[0][price_data][unit_amount]": 700,
                          "line_items[0][price_data][product_data][name]": "Tea", "line_items[0][quantity]": 3,
                          "payment_intent_data[metadata][order_id]": "order-9", **changes})


def test_a_checkout_session_is_paid_on_its_page(stripe, providers):  # noqa: F811
    session = open_session(stripe).json()
    assert (session["status"], session["payment_status"], session["amount_total"], session["payment_intent"]) == ("open", "unpaid", 2100, None)
    page = requests.get(session["url"], timeout=10).text
    assert "Pay" in page and "2100" in page
    assert "declined" in requests.post(f"{session['url']}/decline", timeout=10).text
    assert stripe.get(f"checkout/sessions/{session['id']}").json()["status"] == "open"
    back = requests.post(f"{session['url']}/pay", timeout=10, allow_redirects=False)
    assert (back.status_code, back.headers["Location"]) == (303, f"http://shop.test/ok?s={session['id']}")
    done = stripe.get(f"checkout/sessions/{session['id']}").json()
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    assert [(e["payment"], e["order_reference"], e["amount"]) for e in providers.ledger()] == [(done["payment_intent"], "order-9", 2100)]
    assert stripe.types()[-1] == "checkout.session.completed"
    assert stripe.get("events", limit=1).json()["data"][0]["data"]["object"] == done
    assert [s["id"] for s in stripe.get("checkout/sessions", payment_intent=done["payment_intent"]).json()["data"]] == [session["id"]]
    assert stripe.post(f"checkout/sessions/{session['id']}/expire").status_code == 400


def test_a_checkout_session_expires_or_is_paid_late(stripe, providers):  # noqa: F811
    gone, slow = open_session(stripe).json(), open_session(stripe).json()
    assert stripe.post(f"checkout/sessions/{gone['id']}/expire").json()["status"] == "expired"
    assert requests.post(f"{gone['url']}/pay", timeout=10).status_code == 200 and providers.ledger() == []
    act = {"account": "sk_test_shop", "id": slow["id"]}
    waiting = providers.admin("stripe/act", action="pay_later", **act)
    assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
    providers.admin("stripe/act", account="sk_test_shop", id=waiting["payment_intent"], action="approve")
    assert stripe.get(f"checkout/sessions/{slow['id']}").json()["payment_status"] == "paid"
    assert stripe.types()[-1] == "checkout.session.async_payment_succeeded"


# -- webhooks


def verified(headers, body, secret=SECRET, tolerance=300):
    parts = [part.split("=", 1) for part in headers["Stripe-Signature"].split(",")]
    at = next(value for name, value in parts if name == "t")
    good = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return good in [value for name, value in parts if name == "v1"] and abs(time.time() - int(at)) <= tolerance


@pytest.fixture
def hooked(stripe, providers, receiver):  # noqa: F811
    providers.admin("accounts", provider="stripe", account="sk_test_shop", webhooks=[
        {"url": receiver.url, "secrets": [SECRET, "whsec_two"], "events": ["payment_intent.succeeded", "charge.refunded"]}])
    return receiver


def test_webhooks_are_signed_by_every_secret(stripe, hooked):
    paid = stripe.pay("k1").json()
    headers, body, _, _ = hooked.wait(1)[0]
    assert verified(headers, body) and verified(headers, body, "whsec_two") and not verified(headers, body, "whsec_no")
    event = json.loads(body)
    assert (event["type"], event["data"]["object"], event["request"]["idempotency_key"]) == ("payment_intent.succeeded", paid, "k1")
    assert stripe.get(f"events/{event['id']}").json() == event
    stripe.post("refunds", payment_intent=paid["id"], amount=500)
    refunded = json.loads(hooked.wait(2)[1][1])
    assert (refunded["type"], refunded["data"]["previous_attributes"]) == ("charge.refunded", {"amount_refunded": 0})


def test_webhooks_are_retried_until_taken(stripe, hooked):
    hooked.answers = [500, 404, 302]
    stripe.pay()
    hooked.wait(4)
    assert [status for _, _, status, _ in hooked.received] == [500, 404, 302, 200]
    assert len({body["id"] for body in hooked.bodies()}) == 1


def test_webhooks_come_twice_forged_stale_never_and_reversed(stripe, providers, hooked):  # noqa: F811
    providers.faults("stripe", webhook_duplicate_next=1)
    stripe.pay()
    hooked.wait(2)
    assert len({body["id"] for body in hooked.bodies()}) == 1
    hooked.received.clear()
    hooked.answers = [400]
    providers.faults("stripe", webhook_forge_next=1)
    stripe.pay()
    forged, good = hooked.wait(2)[:2]
    assert not verified(*forged[:2]) and verified(*good[:2])
    hooked.received.clear()
    providers.faults("stripe", webhook_stale_next=1)
    stripe.pay()
    stale = hooked.wait(1)[0]
    assert not verified(*stale[:2]) and verified(*stale[:2], tolerance=4000)
    hooked.received.clear()
    providers.faults("stripe", webhook_drop_next=1)
    stripe.pay()
    providers.faults("stripe", webhook_reorder_next=3)
    ids = [stripe.pay().json()["id"] for _ in range(3)]
    hooked.wait(3)
    assert [body["data"]["object"]["id"] for body in hooked.bodies()] == ids[::-1]
    assert len(stripe.get("events", type="payment_intent.succeeded", limit=100).json()["data"]) == 7
    hooked.received.clear()
    providers.faults("stripe", webhook_delay_ms=300)
    began = time.monotonic()
    stripe.pay()
    hooked.wait(1)
    assert time.monotonic() - began >= 0.3


# -- memory


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_forgets_nothing(stripe, providers, hooked, how):  # noqa: F811
    paid = stripe.pay("k1")
    action = stripe.pay("k2", "pm_card_authenticationRequired", return_url="http://shop.test/").json()
    refund = stripe.post("refunds", "k3", payment_intent=paid.json()["id"], amount=100)
    providers.faults("stripe", fail_next=1)
    stripe.pay("k4")
    session = open_session(stripe).json()
    events, ledger = stripe.get("events", limit=100).json(), providers.ledger()
    assert providers.stop(how) == (0 if how == signal.SIGTERM else -how)
    providers.start()
    assert (stripe.get("events", limit=100).json(), providers.ledger()) == (events, ledger)
    assert stripe.pay("k1").content == paid.content
    assert stripe.post("refunds", "k3", payment_intent=paid.json()["id"], amount=100).content == refund.content
    assert stripe.pay("k4").status_code == 500
    requests.post(action["next_action"]["redirect_to_url"]["url"] + "/approve", timeout=10, allow_redirects=False)
    assert stripe.get(f"payment_intents/{action['id']}").json()["status"] == "succeeded"
    requests.post(f"{session['url']}/pay", timeout=10, allow_redirects=False)
    assert len(providers.ledger()) == len(ledger) + 2
    before = len(hooked.received)
    stripe.pay()
    hooked.wait(before + 1)


def test_a_kill_under_load_loses_no_answer(stripe, providers):  # noqa: F811
    answered = []

    def shopper(number):
        with requests.Session() as session:
            for i in range(10_000):
                key = f"{number}-{i}"
                data = {"amount": 500 + i, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true",
                        "payment_method_types[]": "card", "metadata[order_id]": key}
                try:
                    answer = session.post(f"{providers.url}/stripe/v1/payment_intents", data=data, timeout=10,
                                          headers={"Authorization": "Bearer sk_test_load", "Idempotency-Key": key})
                    answered.append((key, answer.json()["id"]))
                except requests.exceptions.RequestException:
                    return

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(shopper, n) for n in range(8)]
        time.sleep(1)
        providers.stop(signal.SIGKILL)
        for each in running:
            each.result()
    assert len(answered) > 50
    providers.start()
    known = {entry["order_reference"]: entry["payment"] for entry in providers.ledger()}
    assert all(known.get(key) == payment for key, payment in answered)
    assert len(known) <= len(answered) + 8


def test_a_ledger_in_use_or_ruined_is_refused(providers, tmp_path):  # noqa: F811
    import subprocess

    from providers import providers_binary
    command = [providers_binary(), "--listen", "127.0.0.1:0", "--state"]
    taken = subprocess.run([*command, providers.state], capture_output=True, text=True, timeout=10)
    assert taken.returncode == 1 and "in use" in taken.stderr
    (tmp_path / "ruined").write_text("[{\n")
    ruined = subprocess.run([*command, str(tmp_path / "ruined")], capture_output=True, text=True, timeout=10)
    assert ruined.returncode == 1 and "line 1" in ruined.stderr
