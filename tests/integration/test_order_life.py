"""What comes after "place order", through every process that takes part: the providers' sandbox, the mail server, webhooks."""

import email
import email.policy
import re
import subprocess
import time
import uuid

import pytest
import requests

from shop import ROOT, ok, refused

HOOK = "whsec_" + "c291a3NvdWtzb3Vrc291a3NvdWtzb3Vr"


def fresh():
    """A name that nobody had, for an account at a provider: its sandbox refuses what has "bad" in it."""
    return uuid.uuid4().hex.translate(str.maketrans("abcdef", "ghijkl"))


class Outside:
    """The providers' sandbox and the mailbox of a running shop."""

    def __init__(self, shop):
        self.shop = shop
        self.url = "http://127.0.0.1:" + (shop.var / "run" / "providers.port").read_text().strip()

    def admin(self, call, **body):
        answer = requests.post(f"{self.url}/admin/{call}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ledger(self, account):
        entries, after = [], 0
        while True:
            page = requests.get(f"{self.url}/admin/ledger", params={"after": after, "limit": 1000}, timeout=10).json()
            entries += [e for e in page["entries"] if e["account"] == account]
            if not page["entries"]:
                return entries
            after = page["next"]

    def mails(self, to, subject=None, count=1, seconds=15):
        """Waits until so many mails have come to an address."""
        found = []

        def there():
            found[:] = []
            for file in sorted((self.shop.var / "mail" / "new").glob("*")):
                mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                if mail["To"] and to in mail["To"] and (subject is None or subject in mail["Subject"]):
                    found.append(mail)
            return len(found) >= count

        wait(there, seconds, lambda: f"{len(found)} mails to {to} about {subject}, not {count}")
        return found


def wait(condition, seconds=15, why=lambda: "it did not come true"):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(why())


@pytest.fixture(scope="module")
def outside(shop):
    return Outside(shop)


def with_stripe(outside, merchant, **more):
    key = "sk_test_" + fresh()
    account = {"publishable_key": "pk_test_1", "secret_key": key, "webhook_secrets": [HOOK], **more}
    made = ok(merchant.request("PUT", f"/stores/{merchant.store}/payment-accounts/stripe", account))
    assert "secret" not in str(made)
    name = outside.admin("accounts", provider="stripe", account=key, webhooks=[{"url": made["webhook_url"], "secrets": [HOOK]}])
    assert name is not None
    return key


def buy(person, merchant, goods, method, quantity=1, **more):
    body = person.order_body(merchant.store, *goods, quantity)
    body.update({"payment_method": method, "email": getattr(person, "email", "guest@example.com"), **more})
    return person.post("/orders", body, headers={"Idempotency-Key": uuid.uuid4().hex})


def status_is(person, order, status, seconds=20):
    seen = {}

    def there():
        seen.update(ok(person.get(f"/orders/{order}")))
        return seen["status"] == status

    wait(there, seconds, lambda: f"order {order} is {seen.get('status')}, not {status}: {seen}")
    return seen


def test_stripe_from_payment_to_return(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer("Ada Lovelace")
    key = with_stripe(outside, merchant)
    goods = merchant.product(stock=10, price="20.00")
    order = ok(buy(shopper, merchant, goods, {"type": "stripe", "token": "pm_card_visa"}, 2), 201)
    paid = status_is(shopper, order["order_id"], "paid")
    assert paid["total"] == "44.90"
    confirmed = outside.mails(shopper.email, "order")[0]
    assert confirmed["From"].addresses[0].display_name == "Test store"
    assert {part.get_content_type() for part in confirmed.walk()} >= {"text/plain", "text/html"}
    assert "44.90" in confirmed.get_body(("plain",)).get_content()

    # A part goes back, and then the rest of one line with the goods.
    ok(merchant.post(f"/orders/{order['order_id']}/refunds", {"amount": "5.00", "note": "Late"}))
    wait(lambda: sum(e["amount"] for e in outside.ledger(key) if e["type"] == "refunded") == 500)
    ok(merchant.post(f"/orders/{order['order_id']}/fulfilment", {"carrier": "DHL", "tracking_number": "T1", "tracking_url": "https://dhl.example/T1"}))
    assert "T1" in outside.mails(shopper.email, count=3)[-1].as_string()
    ok(merchant.post(f"/orders/{order['order_id']}/delivered"))
    asked = ok(shopper.post(f"/orders/{order['order_id']}/returns", {"lines": [{"line": 1, "quantity": 1, "reason": "too_small"}]}), 201)
    back = asked["returns"][0]["return_id"]
    ok(merchant.post(f"/orders/{order['order_id']}/returns/{back}/approve"))
    ok(merchant.post(f"/orders/{order['order_id']}/returns/{back}/receive"))
    wait(lambda: len([e for e in outside.ledger(key) if e["type"] == "refunded"]) == 2)
    moved = outside.ledger(key)
    assert sum(e["amount"] for e in moved if e["type"] == "captured") == 4490
    seen = ok(shopper.get(f"/orders/{order['order_id']}"))
    assert seen["refunded"] == f"{sum(e['amount'] for e in moved if e['type'] == 'refunded') / 100:.2f}"
    told = [entry["event"] for entry in ok(shopper.get(f"/orders/{order['order_id']}/timeline"))["timeline"]]
    assert told.count("refunded") == 2  # by the merchant's hand, and for what came back
    for step in ("placed", "paid", "refunded", "shipped", "delivered", "return_requested", "return_approved", "return_received"):
        assert step in told, told
    shop.doctor()


def test_hosted_page_webhook_brings_the_payment(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    key = with_stripe(outside, merchant)
    goods = merchant.product(stock=3)
    order = ok(buy(shopper, merchant, goods, {"type": "stripe", "token": "hosted"}), 201)
    assert order["status"] == "pending" and order["next_action"]["url"].startswith(outside.url)
    session = re.search(r"cs_test_[A-Za-z0-9]+", order["next_action"]["url"]).group(0)
    outside.admin("faults", provider="stripe", webhook_duplicate_next=3, webhook_forge_next=1)
    outside.admin("stripe/act", account=key, id=session, action="pay")
    status_is(shopper, order["order_id"], "paid")
    assert merchant.stock_of(goods[1])["on_hand"] == 2


def test_card_needs_the_bank_and_is_declined(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    with_stripe(outside, merchant)
    goods = merchant.product(stock=3)
    waits = ok(buy(shopper, merchant, goods, {"type": "stripe", "token": "pm_card_authenticationRequired"}), 201)
    assert waits["status"] == "pending" and waits["next_action"]["url"]
    declined = buy(shopper, merchant, goods, {"type": "stripe", "token": "pm_card_chargeDeclined"})
    error = refused(declined, 402, "payment_declined")
    assert error["details"]["order"]["status"] == "cancelled"
    assert outside.mails(shopper.email, "payment") or outside.mails(shopper.email)
    assert merchant.stock_of(goods[1])["available"] == 2


def test_money_that_is_only_promised_is_captured_in_part(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    key = with_stripe(outside, merchant, manual_capture=True)
    goods = merchant.product(stock=3, price="10.00")
    order = ok(buy(shopper, merchant, goods, {"type": "stripe", "token": "pm_card_visa"}), 201)
    assert order["payment_status"] == "authorized"
    ok(merchant.post(f"/orders/{order['order_id']}/capture", {"amount": "12.00"}))
    status_is(shopper, order["order_id"], "paid")
    assert [(e["type"], e["amount"]) for e in outside.ledger(key)] == [("captured", 1200)]


def test_paypal_is_approved_on_its_page(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    client = "client-" + fresh()
    account = {"client_id": client, "client_secret": "secret", "webhook_id": "WH-1"}
    made = ok(merchant.request("PUT", f"/stores/{merchant.store}/payment-accounts/paypal", account))
    outside.admin("accounts", provider="paypal", account=client, webhooks=[{"url": made["webhook_url"], "webhook_id": "WH-1"}])
    goods = merchant.product(stock=3, price="30.00")
    order = ok(buy(shopper, merchant, goods, {"type": "paypal", "token": ""}), 201)
    assert order["status"] == "pending" and order["next_action"]["url"]
    payment = ok(merchant.get(f"/orders/{order['order_id']}"))["payments"][0]["reference"]
    outside.admin("paypal/act", account=client, id=payment, action="approve")
    status_is(shopper, order["order_id"], "paid")
    ok(merchant.post(f"/orders/{order['order_id']}/refunds", {"amount": "1.00"}))
    wait(lambda: [e["amount"] for e in outside.ledger(client) if e["type"] == "refunded"] == [100])


def test_shipstation_gets_the_order_and_tells_of_the_parcel(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    key = "ss-" + fresh()
    made = ok(merchant.request("PUT", f"/stores/{merchant.store}/carrier-accounts/shipstation", {"api_key": key, "api_secret": "s"}))
    assert made["webhook_url"].startswith(shop.url)
    goods = merchant.product(stock=3)
    order = ok(shopper.order(merchant.store, *goods), 201)

    def pushed():
        seen = requests.get(f"{outside.url}/shipstation/orders", auth=(key, "s"), timeout=10).json()
        return [o["orderKey"] for o in seen["orders"]] == [order["order_id"]]

    wait(pushed, 20)
    outside.admin("shipstation/ship", account=key, orderKey=order["order_id"], carrierCode="ups", trackingNumber="1Z999")
    seen = status_is(shopper, order["order_id"], "shipped")
    assert seen["fulfilments"][0]["tracking_number"] == "1Z999"
    forged = made["webhook_url"][:-4] + "AAAA"
    refused(requests.post(forged, json={"resource_url": f"{outside.url}/shipstation/shipments", "resource_type": "SHIP_NOTIFY"}, timeout=10), 404, "not_found")


def test_credentials_are_checked_and_never_shown(shop, outside):
    merchant = shop.merchant()
    path = f"/stores/{merchant.store}/payment-accounts/stripe"
    bad = {"publishable_key": "pk", "secret_key": "sk_test_bad_key", "webhook_secrets": [HOOK]}
    error = refused(merchant.request("PUT", path, bad), 422, "account_refused")
    assert error["details"]["field"] == "secret_key"
    assert ok(merchant.get(f"/stores/{merchant.store}/payment-accounts"))["payment_accounts"] == []
    refused(merchant.request("PUT", path, {"publishable_key": "pk"}), 422, "invalid")
    refused(merchant.request("PUT", f"/stores/{merchant.store}/payment-accounts/acme", {"secret_key": "x"}), 404, "not_found")
    key = with_stripe(outside, merchant)
    assert key not in str(ok(merchant.get(f"/stores/{merchant.store}/payment-accounts")))
    assert key not in str(ok(merchant.get(f"/stores/{merchant.store}/settings")))
    ok(merchant.request("PUT", path, {"active": False}))
    goods = merchant.product(stock=3)
    refused(buy(shop.customer(), merchant, goods, {"type": "stripe", "token": "pm_card_visa"}), 422, "invalid")
    ok(merchant.delete(path), 204)
    refused(merchant.delete(path), 404, "not_found")
    # It is sealed in the database as well.
    for name in ("soukd", "souk"):
        log = shop.var / "log" / f"{name}.log"
        assert not log.exists() or key not in log.read_text(errors="replace")


def test_events_that_nobody_signed_change_nothing(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    with_stripe(outside, merchant)
    url = f"{shop.url}/webhooks/stripe/{merchant.store}"
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
    refused(requests.post(url, json=event, timeout=10), 400, "bad_signature")
    refused(requests.post(url, json=event, headers={"Stripe-Signature": "t=1,v1=00"}, timeout=10), 400, "bad_signature")
    refused(requests.post(f"{shop.url}/webhooks/stripe/{shop.merchant().store}", json=event, timeout=10), 404, "not_found")
    refused(requests.post(f"{shop.url}/webhooks/paypal/{merchant.store}", json=event, timeout=10), 404, "not_found")


def test_a_forgotten_password_is_replaced_by_the_link_in_the_mail(shop, outside):
    person = shop.customer("Grace Hopper")
    for address in (person.email, f"{uuid.uuid4().hex}@example.com"):
        answer = requests.post(f"{shop.url}/password-resets", json={"email": address, "language": "de"}, timeout=10)
        assert ok(answer, 202) == {"accepted": True}
    mail = outside.mails(person.email)[0]
    link = re.search(re.escape(shop.url) + r"/password-reset/\S+", mail.get_body(("plain",)).get_content()).group(0)
    page = requests.get(link, timeout=10)
    assert page.status_code == 200 and "<form" in page.text and page.headers["Referrer-Policy"] == "no-referrer"
    assert "password" in requests.post(link, data={"password": "short"}, timeout=10).text
    ok(requests.post(link, json={"password": "another horse battery"}, timeout=20), 204)
    refused(requests.post(link, json={"password": "a third horse battery"}, timeout=20), 401, "bad_credentials")
    refused(person.get(f"/users/{person.id}"), 401, "unauthenticated")
    body = {"email": person.email, "password": "another horse battery"}
    ok(requests.post(f"{shop.url}/sessions", json=body, timeout=20), 201)
    refused(requests.post(f"{shop.url}/sessions", json={**body, "password": "correct horse battery"}, timeout=20), 401, "bad_credentials")


def test_a_merchants_own_text_is_what_is_mailed(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    store = f"/stores/{merchant.store}"
    standard = ok(merchant.get(f"{store}/mail-templates"))["templates"]
    assert {t["language"] for t in standard} >= {"en", "de", "fr"} and not any(t["own"] for t in standard)
    mine = {"subject": "Danke {{customer_name}}", "html": "<p>Danke für {{order_number}}</p>", "text": "Danke für {{order_number}}"}
    shown = ok(merchant.post(f"{store}/mail-templates/order_confirmed.de/preview", mine))
    assert shown["subject"].startswith("Danke ") and "Danke für" in shown["html"]
    refused(merchant.request("PUT", f"{store}/mail-templates/order_confirmed.de", {**mine, "html": "{{#open}}"}), 422, "invalid")
    refused(merchant.request("PUT", f"{store}/mail-templates/no_such_mail.de", mine), 404, "not_found")
    assert ok(merchant.request("PUT", f"{store}/mail-templates/order_confirmed.de", mine))["own"]
    ok(merchant.patch(f"{store}/settings", {"language": "de"}))
    goods = merchant.product(stock=3)
    body = shopper.order_body(merchant.store, *goods)
    ok(shopper.post("/orders", {**body, "email": shopper.email}), 201)
    assert outside.mails(shopper.email)[0]["Subject"].startswith("Danke ")
    wait(lambda: ok(merchant.get(f"{store}/mails"))["total"] == 1)
    assert ok(merchant.get(f"{store}/mails"))["mails"][0]["status"] == "sent"
    ok(merchant.delete(f"{store}/mail-templates/order_confirmed.de"), 204)


def test_who_left_a_cart_is_reminded_once_and_can_unsubscribe(own_shop):
    shop = own_shop(cart_abandoned_seconds=2)
    outside = Outside(shop)
    merchant, shopper = shop.merchant(), shop.customer()
    goods = merchant.product(stock=3)
    ok(shopper.post(f"/carts/{shopper.id}/items", {"product_id": goods[0], "variant_id": goods[1]}), 201)
    mail = outside.mails(shopper.email, seconds=40)[0]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.search(r"<(http\S+)>", mail["List-Unsubscribe"]).group(1)
    assert "<form" in requests.get(link, timeout=10).text
    done = requests.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=10)
    assert done.status_code == 200, done.text
    assert requests.post(link[:-3] + "AAA", timeout=10).status_code == 404
    time.sleep(4)
    assert len(outside.mails(shopper.email)) == 1
    shop.doctor()


def test_goods_are_exchanged_for_others(shop, outside):
    merchant, shopper = shop.merchant(zones=[{"name": "All", "countries": ["*"], "rates": [{"name": "Free", "price": "0"}]}]), shop.customer()
    with_stripe(outside, merchant)
    small, large = merchant.product(stock=3, price="20.00"), merchant.product(stock=3, price="25.00", title="Large teapot")
    order = ok(buy(shopper, merchant, small, {"type": "stripe", "token": "pm_card_visa"}, 2), 201)
    path = f"/orders/{order['order_id']}"
    status_is(shopper, order["order_id"], "paid")
    ok(merchant.post(f"{path}/fulfilment", {"carrier": "DHL"}))
    asked = ok(shopper.post(f"{path}/returns", {"lines": [{"line": 1, "quantity": 1}], "exchange": True}), 201)
    back = f"{path}/returns/{asked['returns'][0]['return_id']}"
    wanted = {"items": [{"product_id": large[0], "variant_id": large[1], "quantity": 1}]}
    refused(merchant.post(f"{back}/exchange", wanted), 409, "illegal_transition")
    ok(merchant.post(f"{back}/approve"))
    ok(merchant.post(f"{back}/receive"))
    first = ok(merchant.post(f"{back}/exchange", wanted), 201)
    assert first["user_id"] == shopper.id and first["gift_card"] == "20.00" and first["status"] == "pending"
    again = merchant.post(f"{back}/exchange", wanted)
    assert ok(again, 201)["order_id"] == first["order_id"] and again.headers["Idempotent-Replayed"] == "true"
    ok(merchant.post(f"/orders/{first['order_id']}/payment"))  # the five euros more came by hand
    status_is(shopper, first["order_id"], "paid")
    closed = ok(shopper.get(path))["returns"][0]
    assert closed["status"] == "closed" and closed["exchange_order_id"] == first["order_id"]
    # What was exchanged does not go back as money as well.
    refused(merchant.post(f"{path}/refunds", {"amount": "20.01"}), 422, "invalid")
    ok(merchant.post(f"{path}/refunds", {"amount": "20.00"}))
    assert merchant.stock_of(small[1])["on_hand"] == 2 and merchant.stock_of(large[1])["on_hand"] == 2
    shop.doctor()


def test_only_the_merchant_exchanges_and_a_dead_exchange_is_made_anew(own_shop):
    shop = own_shop(reservation_seconds=3)
    outside = Outside(shop)
    merchant, shopper = shop.merchant(zones=[{"name": "All", "countries": ["*"], "rates": [{"name": "Free", "price": "0"}]}]), shop.customer()
    with_stripe(outside, merchant)
    small, large = merchant.product(stock=3, price="20.00"), merchant.product(stock=3, price="25.00", title="Large teapot")
    order = ok(buy(shopper, merchant, small, {"type": "stripe", "token": "pm_card_visa"}), 201)
    path = f"/orders/{order['order_id']}"
    status_is(shopper, order["order_id"], "paid")
    ok(merchant.post(f"{path}/fulfilment", {"carrier": "DHL"}))
    asked = ok(shopper.post(f"{path}/returns", {"lines": [{"line": 1, "quantity": 1}], "exchange": True}), 201)
    back = f"{path}/returns/{asked['returns'][0]['return_id']}"
    ok(merchant.post(f"{back}/approve"))
    ok(merchant.post(f"{back}/receive"))
    wanted = {"items": [{"product_id": large[0], "variant_id": large[1], "quantity": 1}]}
    assert shopper.post(f"{back}/exchange", {**wanted, "amount": "0"}).status_code in (403, 404)
    dead = ok(merchant.post(f"{back}/exchange", wanted), 201)
    status_is(shopper, dead["order_id"], "cancelled")  # the five euros did not come in time
    again = ok(merchant.post(f"{back}/exchange", wanted), 201)
    assert again["order_id"] != dead["order_id"] and again["gift_card"] == "20.00"
    ok(merchant.post(f"/orders/{again['order_id']}/payment"))
    status_is(shopper, again["order_id"], "paid")
    assert ok(shopper.get(path))["returns"][0]["exchange_order_id"] == again["order_id"]
    shop.doctor()


def test_who_pays_by_hand_is_told_how(shop, outside):
    merchant, shopper = shop.merchant(), shop.customer()
    goods = merchant.product(stock=3, price="20.00")
    ok(buy(shopper, merchant, goods, {"type": "manual", "token": ""}), 201)
    assert "24.90" in outside.mails(shopper.email)[0].get_body(("plain",)).get_content()


def test_secrets_in_addresses_are_not_logged(shop, outside):
    secret = "secret-" + uuid.uuid4().hex
    for path in (f"/password-reset/{secret}", f"/unsubscribe/{secret}"):
        requests.get(shop.url + path, timeout=10)
    requests.post(f"{shop.url}/webhooks/shipstation/{shop.merchant().store}/{secret}", json={}, timeout=10)
    done = requests.post(f"{shop.url}/unsubscribe/{secret}", files={"List-Unsubscribe": (None, "One-Click")}, timeout=10)
    assert done.status_code == 404 and "text/html" in done.headers["Content-Type"]  # taken as it comes (RFC 8058)
    time.sleep(0.5)
    log = (shop.var / "log" / "soukd.log").read_text(errors="replace")
    assert "/password-reset/-" in log and secret not in log


def test_the_walk_through_of_the_examples(shop, outside):
    script = ROOT / "examples" / "order-life" / "walk-through.sh"
    done = subprocess.run([script, str(shop.var)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for words in ("the order is paid", "Subject:", "return_received", ", 0 differences"):
        assert words in done.stdout, done.stdout
