"""Every route, called as it is meant to be, answers what openapi.json says."""

import time
import uuid

import pytest
import requests

from api_schema import Schema
from shop import ADDRESS, ok, refused

CSV = """Title,URL handle,Description,Vendor,SKU,Option1 name,Option1 value,Price,Inventory quantity,Status
Oolong,oolong,A tea,Souk,OOL-{0}-1,Size,50 g,8.50,20,active
,oolong,,,OOL-{0}-2,Size,100 g,15.00,10,active
Sencha,sencha,Another,Souk,SEN-{0},Title,Default Title,7.00,5,draft
Broken,broken,,,BRO-{0},Title,Default Title,not a price,5,active
"""


@pytest.fixture(scope="module")
def schema(shop):
    return Schema(shop.url)


@pytest.fixture(scope="module")
def anyone(shop, schema):
    session = schema.watch(requests.Session())
    return lambda method, path, **kwargs: session.request(method, shop.url + path, timeout=15, **kwargs)


def watched(schema, person):
    schema.watch(person.session)
    return person


def paid_order(shopper, store, product, variant):
    order = ok(shopper.order(store, product, variant), 201)
    until = time.monotonic() + 10
    while order["status"] == "pending" and time.monotonic() < until:
        time.sleep(0.05)
        order = ok(shopper.get(f"/orders/{order['order_id']}"))
    assert order["status"] == "paid"
    return order


def test_a_shops_whole_life_matches_the_description(shop, schema, anyone):
    # -- accounts
    email = f"{uuid.uuid4().hex}@example.com"
    account = {"email": email, "password": "correct horse battery", "name": "Mary"}
    made = ok(anyone("POST", "/users", json=account), 201)
    refused(anyone("POST", "/users", json=account), 409, "email_taken")
    session = ok(anyone("POST", "/sessions", json={"email": email.upper(), "password": account["password"]}), 201)
    assert session["user_id"] == made["user_id"]
    refused(anyone("POST", "/sessions", json={"email": email, "password": "wrong wrong"}), 401, "bad_credentials")
    refused(anyone("POST", "/sessions", json={"email": "no@example.com", "password": "wrong wrong"}), 401, "bad_credentials")

    merchant = watched(schema, shop.merchant(tax_rate="0.07"))
    shopper = watched(schema, shop.customer())
    guest = watched(schema, shop.guest())
    store = f"/stores/{merchant.store}"
    assert ok(shopper.get(f"/users/{shopper.id}"))["kind"] == "registered"
    assert ok(guest.get(f"/users/{guest.id}"))["kind"] == "guest"
    assert ok(anyone("POST", "/guests"), 201)["token"]
    assert [s["store_id"] for s in ok(merchant.get(f"/users/{merchant.id}/stores"))["stores"]] == [merchant.store]

    # -- the store
    assert ok(anyone("GET", store))["slug"] == merchant.slug
    assert ok(anyone("GET", f"/stores?slug={merchant.slug}"))["store_id"] == merchant.store
    second = {"store_name": "Second", "slug": "s-" + uuid.uuid4().hex[:20], "currency": "JPY"}
    assert ok(shopper.post("/stores", second), 201)["tax_rate"] == "0.000000"
    refused(merchant.post("/stores", {"store_name": "Twin", "slug": merchant.slug, "currency": "EUR"}), 409, "slug_taken")
    changed = ok(merchant.patch(store, {"description": "Tea & more", "tax_rate": 0.19}))
    assert changed["tax_rate"] == "0.190000" and changed["description"] == "Tea & more"
    refused(merchant.patch(store, {"description": "late", "version": changed["version"] - 1}), 409, "version_conflict")

    token = ok(merchant.post(f"{store}/tokens", {"label": "till"}), 201)
    listed = ok(merchant.get(f"{store}/tokens"))["tokens"]
    assert [t["token_id"] for t in listed] == [token["token_id"]]
    api = {"Authorization": "Bearer " + token["token"]}
    ok(anyone("GET", f"{store}/inventory", headers=api))
    ok(merchant.delete(f"{store}/tokens/{token['token_id']}"), 204)
    refused(anyone("GET", f"{store}/inventory", headers=api), 401, "unauthenticated")

    # -- the catalog
    body = {
        "name": "Tea cup", "description": "<b>Small</b>", "category": "Kitchen", "options": ["Size"], "tags": ["tea"],
        "variants": [
            {"sku": "CUP-S", "price": "9.90", "options": {"Size": "S"}, "attributes": {"colour": "blue"}, "stock": 10},
            {"sku": "CUP-L", "price": "12.90", "compare_at_price": "15.00", "options": {"Size": "L"}, "stock": 0},
        ],
    }  # fmt: skip
    cup = ok(merchant.post(f"{store}/products", body), 201)["product_id"]
    refused(merchant.post(f"{store}/products", {**body, "name": "Other"}), 409, "sku_taken")
    product = ok(anyone("GET", f"/products/{cup}"))
    assert product == ok(anyone("GET", f"{store}/products/{cup}"))
    assert product["price"] == "9.90" and product["stock"] == 10 and product["description"] == "<b>Small</b>"
    small, large = (v["variant_id"] for v in product["variants"])
    ok(merchant.get(f"{store}/products/{cup}"))
    ok(anyone("GET", f"{store}/products?q=cup"))
    ok(anyone("GET", f"{store}/products?category=Kitchen&page=1&limit=5"))
    ok(merchant.get(f"{store}/products?status=all"))
    assert ok(merchant.patch(f"{store}/products/{cup}", {"name": "Tea bowl"}))["name"] == "Tea bowl"
    gone = ok(merchant.post(f"{store}/products", {"name": "Gone", "price": 5}), 201)["product_id"]
    ok(merchant.delete(f"{store}/products/{gone}"), 204)
    refused(shopper.get(f"/products/{gone}"), 404, "not_found")
    assert ok(merchant.get(f"/products/{gone}"))["status"] == "archived"

    # -- stock
    inventory = f"{store}/products/{cup}/inventory"
    assert ok(merchant.post(inventory, {"variant_id": small, "quantity": 20}))["on_hand"] == 20
    assert ok(merchant.post(inventory, {"variant_id": small, "adjustment": -5, "reason": "broken"}))["on_hand"] == 15
    policy = ok(merchant.patch(inventory, {"variant_id": large, "backorder": True, "low_stock_threshold": 3}))
    assert policy["backorder"] and policy["low_stock_threshold"] == 3
    assert {v["variant_id"] for v in ok(merchant.get(inventory))["levels"]} == {small, large}
    assert len(ok(merchant.get(f"{store}/inventory?limit=2"))["levels"]) == 2
    history = ok(merchant.get(f"{store}/inventory/{small}/history"))["history"]
    assert {h["reason"] for h in history} >= {"set", "broken"}

    # -- a guest shops, then signs in
    item = {"product_id": cup, "variant_id": small, "quantity": 2}
    assert ok(guest.get(f"/carts/{guest.id}"))["items"] == []
    assert ok(guest.post(f"/carts/{guest.id}/items", item), 201)["item_count"] == 2
    assert ok(shopper.post(f"/carts/{shopper.id}/items", {**item, "variant_id": large, "quantity": 1}), 201)["item_count"] == 1
    merged = ok(shopper.post(f"/carts/{shopper.id}/merge", {"guest_token": guest.token}))["carts"]
    assert merged[0]["item_count"] == 3
    cart = f"/carts/{shopper.id}"
    assert ok(shopper.patch(f"{cart}/items/{small}", {"quantity": 4}))["item_count"] == 5
    assert ok(shopper.delete(f"{cart}/items/{large}?store_id={merchant.store}"))["item_count"] == 4
    refused(shopper.post(f"{cart}/items", {**item, "quantity": 1000}), 409, "out_of_stock")

    # -- and orders
    from_cart = {k: v for k, v in shopper.order_body(merchant.store, cup, small).items() if k != "items"}
    order = ok(shopper.post("/orders", {**from_cart, "from_cart": True}, headers={"Idempotency-Key": "k1"}), 201)
    assert [i["quantity"] for i in order["items"]] == [4]
    again = shopper.post("/orders", {**from_cart, "from_cart": True}, headers={"Idempotency-Key": "k1"})
    assert ok(again, 201)["order_id"] == order["order_id"] and again.headers["Idempotent-Replayed"] == "true"
    refused(shopper.order(merchant.store, cup, small, 1, key="k1"), 422, "idempotency_key_reused")
    until = time.monotonic() + 5
    while ok(shopper.get(cart))["item_count"] and time.monotonic() < until:
        time.sleep(0.05)
    assert ok(shopper.get(cart))["item_count"] == 0, "what was ordered leaves the cart"
    refused(shopper.post("/orders", {**from_cart, "from_cart": True}), 422, "cart_empty")
    assert ok(shopper.delete(f"{cart}/items"))["items"] == []
    declined = refused(shopper.order(merchant.store, cup, small, token="tok_declined"), 402, "payment_declined")
    assert declined["details"]["order"]["status"] == "cancelled"
    short = refused(shopper.order(merchant.store, cup, small, 99), 409, "out_of_stock")
    assert short["details"]["lines"][0]["variant_id"] == small

    waits = ok(shopper.order(merchant.store, cup, small, token="tok_requires_action"), 201)
    assert waits["status"] == "pending" and waits["next_action"]["url"]
    ok(shopper.post(f"/orders/{waits['order_id']}/payment"))
    assert ok(shopper.post(f"/orders/{waits['order_id']}/cancel", {"reason": "too slow"}))["order_id"] == waits["order_id"]

    sold = paid_order(shopper, merchant.store, cup, small)
    path = f"/orders/{sold['order_id']}"
    assert ok(shopper.get(path))["shipping_info"]["address"]["city"] == ADDRESS["city"]
    refused(merchant.post(f"{path}/delivered"), 409, "illegal_transition")
    shipped = ok(merchant.post(f"{path}/fulfilment", {"carrier": "DHL", "tracking_number": "00340", "tracking_url": "https://x.example/1"}))
    assert shipped["status"] == "shipped" and shipped["tracking"]["tracking_number"] == "00340"
    assert ok(merchant.post(f"{path}/delivered"))["status"] == "delivered"
    until = time.monotonic() + 10
    while len(ok(shopper.get(f"/users/{shopper.id}/orders"))["orders"]) < 4 and time.monotonic() < until:
        time.sleep(0.1)
    mine = ok(shopper.get(f"/users/{shopper.id}/orders?limit=2"))
    assert len(mine["orders"]) == 2 and mine["has_more"]
    page = ok(merchant.get(f"{store}/orders?status=delivered"))
    assert [o["order_id"] for o in page["orders"]] == [sold["order_id"]]
    later_life(merchant, shopper, cup, small)
    money(merchant, shopper, cup, small)
    webhooks(merchant, cup)
    accounts_and_mails(merchant)

    # -- reviews
    review = ok(shopper.post(f"/products/{cup}/reviews", {"user_id": shopper.id, "rating": 5, "comment": "<i>Fine</i>"}), 201)
    assert review["verified"] and review["author"] == "Grace Hopper"
    refused(shopper.post(f"/products/{cup}/reviews", {"rating": 1, "comment": "again"}), 409, "already_reviewed")
    helpful = ok(merchant.post(f"/products/{cup}/reviews/{review['review_id']}/helpful"), 201)
    assert helpful["helpful"] == 1
    refused(merchant.post(f"/products/{cup}/reviews/{review['review_id']}/helpful"), 409, "already_voted")
    assert ok(merchant.get(f"/products/{cup}/reviews?sort=helpful"))["reviews"][0]["helpful"] == 1
    assert ok(anyone("GET", f"/products/{cup}/reviews"))["total"] == 1
    assert ok(merchant.get(f"/products/{cup}"))["rating"] == {"count": 1, "average": 5.0}

    # -- catalogs in and out
    def send_csv(text):
        answer = merchant.session.post(shop.url + f"{store}/imports", data=text, headers={"Content-Type": "text/csv"}, timeout=30)
        started = ok(answer, 202)
        path = f"{store}/imports/{started['import_id']}"
        until = time.monotonic() + 20
        while (now := ok(merchant.get(path)))["status"] == "running" and time.monotonic() < until:
            time.sleep(0.05)
        return now

    run = uuid.uuid4().hex[:8]
    done = send_csv(CSV.format(run))
    assert done["status"] == "finished" and done["products"] == 2 and done["variants"] == 3
    assert [e["line"] for e in done["errors"]] == [5]
    for form in ("current", "legacy"):
        text = merchant.session.get(shop.url + f"{store}/products.csv?format={form}", timeout=30).text
        before = ok(merchant.get(f"{store}/products?status=all&limit=250"))
        done = send_csv(text)
        assert done["errors"] == []
        assert ok(merchant.get(f"{store}/products?status=all&limit=250")) == before, "what was exported changes nothing"

    # -- operation
    for path in ("/password-reset/x", "/unsubscribe/x", "/healthz", "/readyz", "/metrics", "/cluster/status", "/openapi.json"):
        assert anyone("GET", path).status_code == 200
    ok(shopper.delete("/sessions"), 204)
    refused(shopper.get(cart), 401, "unauthenticated")

    tried = {operation for operation, status in schema.seen if status < 300}
    described = {operation["operationId"] for _, operation in schema.operations.values()}
    # They need a provider's signature, a mail's token or a received return: test_order_life.py has those.
    signed = {"exchangeGoods", "stripeEvent", "paypalEvent", "shipstationEvent", "sendgridEvent", "resetPassword", "unsubscribe"}
    assert described - tried - signed == set(), "described, but never tried here"


def later_life(merchant, shopper, product, variant):
    """Parcels, money back and returns of one order."""
    order = ok(shopper.order(merchant.store, product, variant, 3), 201)
    path = f"/orders/{order['order_id']}"
    assert ok(merchant.post(f"{path}/capture"))["payments"][0]["status"] == "succeeded", "it was taken at once"
    refused(shopper.post(f"{path}/refunds", {"amount": "1.00"}), 403, "forbidden")
    refused(merchant.post(f"{path}/refunds", {"amount": "1000.00"}), 422, "invalid")
    body = {"lines": [{"line": 1, "quantity": 1, "restock": True}], "note": "one too many"}
    back = ok(merchant.post(f"{path}/refunds", body, headers={"Idempotency-Key": "r1"}))
    assert back["refunds"][0]["amount"] == "11.78" and back["refunds"][0]["status"] == "succeeded"
    assert back["payment_status"] == "partially_refunded" and back["refunded"] == "11.78"  # with its tax
    again = ok(merchant.post(f"{path}/refunds", body, headers={"Idempotency-Key": "r1"}))
    assert len(again["refunds"]) == 1, "asked twice it is done once"

    parcel = {"carrier": "DHL", "tracking_number": "1", "lines": [{"line": 1, "quantity": 1}]}
    part = ok(merchant.post(f"{path}/fulfilment", parcel))
    assert part["status"] == "paid" and part["fulfilment_status"] == "partial"
    refused(merchant.post(f"{path}/fulfilment", {**parcel, "lines": [{"line": 1, "quantity": 2}]}), 422, "invalid")
    rest = ok(merchant.post(f"{path}/fulfilment", {"carrier": "UPS", "tracking_number": "2"}))
    assert rest["status"] == "shipped" and len(rest["fulfilments"]) == 2
    first = rest["fulfilments"][0]["fulfilment_id"]
    assert ok(merchant.post(f"{path}/fulfilments/{first}/delivered"))["status"] == "shipped"

    returns = f"{path}/returns"
    lines = [{"line": 1, "quantity": 1, "reason": "too_small"}]
    refused(shopper.post(returns, {"lines": [{"line": 1, "quantity": 3}]}), 422, "invalid")
    made = [ok(shopper.post(returns, {"lines": lines}), 201)["returns"][-1]["return_id"]]
    assert ok(shopper.post(f"{returns}/{made[0]}/cancel"))["returns"][0]["status"] == "cancelled"
    made.append(ok(shopper.post(returns, {"lines": lines}), 201)["returns"][-1]["return_id"])
    assert ok(merchant.post(f"{returns}/{made[1]}/decline", {"note": "worn"}))["returns"][1]["status"] == "declined"
    made.append(ok(shopper.post(returns, {"lines": lines}), 201)["returns"][-1]["return_id"])
    refused(shopper.post(f"{returns}/{made[2]}/approve"), 403, "forbidden")
    assert [o["order_id"] for o in ok(merchant.get(f"/stores/{merchant.store}/returns"))["orders"]] == [order["order_id"]]
    ok(merchant.post(f"{returns}/{made[2]}/approve"))
    came = ok(merchant.post(f"{returns}/{made[2]}/receive", {"lines": [{"line": 1, "received": 1, "restocked": 0}]}))
    assert came["returns"][2]["status"] == "closed" and came["refunded"] == "23.56"
    made.append(ok(shopper.post(returns, {"lines": lines, "exchange": True}), 201)["returns"][-1]["return_id"])
    ok(merchant.post(f"{returns}/{made[3]}/receive"))
    assert ok(merchant.post(f"{returns}/{made[3]}/close"))["returns"][3]["status"] == "closed"

    told = [line["event"] for line in ok(shopper.get(f"{path}/timeline"))["timeline"]]
    assert told[:3] == ["placed", "paid", "refunded"] and told.count("shipped") == 2 and told.count("return_requested") == 4


def money(merchant, shopper, product, variant):
    """Discounts, gift cards, settings and what they make of a price."""
    store = f"/stores/{merchant.store}"
    rule = {"kind": "percent", "percent": "0.1", "products": [product]}
    made = ok(merchant.post(f"{store}/discounts", {"code": "ten", "rule": rule, "usage_limit": 3}), 201)
    assert ok(merchant.get(f"{store}/discounts/TEN")) == made == ok(merchant.get(f"{store}/discounts"))["discounts"][0]
    groups = {"kind": "buy_x_get_y", "buy_quantity": 1, "get_quantity": 1, "starts_at": "2024-05-01T12:00:00+02:00"}
    changed = ok(merchant.patch(f"{store}/discounts/TEN", {"rule": groups}))
    assert changed["rule"]["percent"] == "1.000000" and changed["used"] == 0 and changed["usage_limit"] == 3
    refused(merchant.get(f"{store}/discounts/ELEVEN"), 404, "not_found")

    automatic = ok(merchant.post(f"{store}/automatic-discounts", {"rule": rule}), 201)
    path = f"{store}/automatic-discounts/{automatic['discount_id']}"
    assert ok(merchant.request("PUT", path, {"rule": {"kind": "free_shipping"}}))["rule"]["kind"] == "free_shipping"
    assert len(ok(merchant.get(f"{store}/automatic-discounts"))["discounts"]) == 1

    card = ok(merchant.post(f"{store}/gift-cards", {"amount": "3.00"}, headers={"Idempotency-Key": "g1"}), 201)
    again = merchant.post(f"{store}/gift-cards", {"amount": "3.00"}, headers={"Idempotency-Key": "g1"})
    assert ok(again, 201) == {**card, "code": None} and again.headers["Idempotent-Replayed"] == "true"
    assert ok(merchant.get(f"{store}/gift-cards"))["total"] == 1
    assert ok(merchant.get(f"{store}/gift-cards/{card['gift_card_id']}"))["balance"] == "3.00"
    assert ok(merchant.patch(f"{store}/gift-cards/{card['gift_card_id']}", {"note": "n"}))["note"] == "n"
    assert ok(shopper.post(f"{store}/gift-cards/balance", {"code": card["code"]}))["balance"] == "3.00"
    refused(shopper.post(f"{store}/gift-cards/balance", {"code": "no code"}), 409, "gift_card_not_applicable")

    zones = [{"name": "VAT", "places": ["GB"], "rate": "0.2", "shipping_taxed": True}]
    settings = ok(merchant.patch(f"{store}/settings", {"tax_zones": zones, "mail": {"reply_to": "tea@example.com"}}))
    assert ok(merchant.get(f"{store}/settings")) == settings

    body = shopper.order_body(merchant.store, product, variant, 2)
    shared = {"items": body["items"], "shipping_address": ADDRESS, "discount_codes": ["TEN"], "gift_cards": [card["code"]]}
    quote = ok(shopper.post(f"{store}/quotes", {**shared, "discount_codes": ["TEN", "ELEVEN"]}))
    assert quote["refused_codes"] == [{"code": "ELEVEN", "reason": "unknown"}]
    order = ok(shopper.post("/orders", {**body, **shared, "expected_total": quote["total"]}), 201)
    for field in ("subtotal", "discount", "shipping", "tax", "total", "gift_card", "discounts", "taxes"):
        assert order[field] == quote[field]
    assert order["shipping"] == "0.00" and order["taxes"][0]["title"] == "VAT" and order["gift_card"] == "3.00"
    refused(shopper.post(f"{store}/quotes", {"items": [{**body["items"][0], "product_id": made["discount_id"]}]}), 404, "not_found")
    ok(merchant.delete(path), 204)
    ok(merchant.patch(f"{store}/discounts/TEN", {"active": False}))
def accounts_and_mails(merchant):
    """Accounts at providers, passwords and mails."""
    store = f"/stores/{merchant.store}"
    stripe = {"publishable_key": "pk_test_1", "secret_key": "sk_test_" + uuid.uuid4().hex.replace("bad", "bed"), "webhook_secrets": ["whsec_c291aw=="]}
    made = ok(merchant.request("PUT", f"{store}/payment-accounts/stripe", stripe))
    assert ok(merchant.get(f"{store}/payment-accounts"))["payment_accounts"] == [made]
    assert ok(merchant.request("PUT", f"{store}/payment-accounts/stripe", {"manual_capture": True}))["manual_capture"]
    ok(merchant.request("PUT", f"{store}/payment-accounts/paypal", {"client_id": "c-1", "client_secret": "s", "webhook_id": "W"}))
    for provider in ("stripe", "paypal"):
        ok(merchant.delete(f"{store}/payment-accounts/{provider}"), 204)
    carrier = ok(merchant.request("PUT", f"{store}/carrier-accounts/shipstation", {"api_key": "k-1", "api_secret": "s"}))
    assert ok(merchant.get(f"{store}/carrier-accounts"))["carrier_accounts"] == [carrier]
    ok(merchant.delete(f"{store}/carrier-accounts/shipstation"), 204)

    text = {"subject": "Hello", "html": "<p>{{order_number}}</p>", "text": "{{order_number}}"}
    ok(merchant.post(f"{store}/mail-templates/order_shipped.fr/preview", text))
    ok(merchant.request("PUT", f"{store}/mail-templates/order_shipped.fr", text))
    assert [t["template_id"] for t in ok(merchant.get(f"{store}/mail-templates"))["templates"] if t["own"]] == ["order_shipped.fr"]
    ok(merchant.delete(f"{store}/mail-templates/order_shipped.fr"), 204)
    ok(merchant.get(f"{store}/mails"))
    ok(merchant.post(f"{store}/mail-suppressions/lift", {"email": "a@example.com"}), 204)
    ok(merchant.post("/password-resets", {"email": "nobody@example.com"}), 202)


def webhooks(merchant, product):
    path = f"/stores/{merchant.store}/webhooks"
    made = ok(merchant.post(path, {"address": "https://[3000::1]/hooks", "topics": ["products/update"]}), 201)
    assert [w["webhook_id"] for w in ok(merchant.get(path))["webhooks"]] == [made["webhook_id"]]
    own = f"{path}/{made['webhook_id']}"
    assert ok(merchant.post(own + "/rotate-secret"))["secret"] != made["secret"]
    ok(merchant.patch(f"/stores/{merchant.store}/products/{product}", {"vendor": "Souk"}))
    until = time.monotonic() + 10
    while not (sent := ok(merchant.get(own + "/deliveries?limit=5"))["deliveries"]) and time.monotonic() < until:
        time.sleep(0.05)
    assert sent[0]["payload"]["id"] == product and sent[0]["topic"] == "products/update"
    again = merchant.post(f"/stores/{merchant.store}/webhook-deliveries/{sent[0]['delivery_id']}/redeliver")
    assert ok(again, 202)["status"] == "waiting"
    assert ok(merchant.patch(own, {"active": False}))["status"] == "paused"
    refused(merchant.post(f"/stores/{merchant.store}/webhook-deliveries/{sent[0]['delivery_id']}/redeliver"), 409, "illegal_transition")
    assert ok(merchant.get(own))["topics"] == ["products/update"]
    ok(merchant.delete(own), 204)


def test_money_has_the_decimals_of_its_currency(shop, schema):
    for currency, price, shown in (("JPY", "1980", "1980"), ("KWD", "1.250", "1.250"), ("USD", 5, "5.00")):
        merchant = watched(schema, shop.merchant(currency=currency, zones=[]))
        product = ok(merchant.post(f"/stores/{merchant.store}/products", {"name": "Thing", "price": price}), 201)
        assert product["price"] == shown
    refused(merchant.post(f"/stores/{merchant.store}/products", {"name": "Thing", "price": "1.999"}), 422, "invalid")


def test_changing_one_variant_leaves_the_others(shop, schema):
    merchant = watched(schema, shop.merchant())
    body = {"name": "Shirt", "options": ["Size", "Colour"], "variants": [
        {"sku": "A", "price": "10", "options": {"Size": "S", "Colour": "red"}},
        {"sku": "B", "price": "10", "options": {"Size": "M", "Colour": "blue"}},
    ]}  # fmt: skip
    path = f"/stores/{merchant.store}/products"
    made = ok(merchant.post(path, body), 201)
    path += "/" + made["product_id"]
    before = ok(merchant.get(path))["variants"]
    wanted = {"variant_id": before[0]["variant_id"], "sku": "A", "price": "12.50", "options": {"Colour": "red", "Size": "S"}}
    after = ok(merchant.patch(path, {"variants": [wanted]}))
    assert after["options"] == ["Size", "Colour"]
    assert after["variants"][0]["price"] == "12.50" and after["variants"][0]["options"] == {"Size": "S", "Colour": "red"}
    assert ok(merchant.get(path))["variants"][1] == before[1]
    error = refused(merchant.patch(path, {"variants": [{**wanted, "options": {"Size": "S"}}]}), 422, "invalid")
    assert error["details"]["field"] == "variants[0].options"


def test_lists_have_cursors_and_pages(shop, schema):
    merchant = watched(schema, shop.merchant())
    made = [ok(merchant.post(f"/stores/{merchant.store}/products", {"name": f"P{n}", "price": "1"}), 201)["product_id"]
            for n in range(7)]  # fmt: skip
    path = f"/stores/{merchant.store}/products?limit=3"
    seen = []
    while path:
        answer = merchant.get(path)
        page = ok(answer)
        assert page["total"] == 7
        seen += [p["product_id"] for p in page["products"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
        assert (path is not None) == page["has_more"]
    assert sorted(seen) == sorted(made)
    second = merchant.get(f"/stores/{merchant.store}/products?limit=3&page=2")
    assert [p["product_id"] for p in ok(second)["products"]] == seen[3:6]
    assert set(second.links) == {"next", "previous"}
    assert ok(merchant.get(f"/stores/{merchant.store}/products?limit=3&page=9"))["products"] == []


def test_pages_are_fresh_after_every_change(shop, schema):
    """Asked past haproxy's two seconds of cache (with a token), a page never shows what was before an answered change."""
    merchant = watched(schema, shop.merchant())
    product, variant = merchant.product(stock=5)
    shopper = watched(schema, shop.customer())
    shelf = f"/stores/{merchant.store}/products"
    for n in range(20):
        ok(merchant.post(f"{shelf}/{product}/inventory", {"variant_id": variant, "quantity": 100 + n}))
        assert ok(shopper.get(f"/products/{product}"))["stock"] == 100 + n
        assert ok(shopper.get(shelf))["products"][0]["stock"] == 100 + n
        ok(merchant.patch(f"{shelf}/{product}", {"name": f"Name {n}"}))
        assert ok(shopper.get(f"/products/{product}"))["name"] == f"Name {n}"
        assert ok(shopper.get(shelf))["products"][0]["name"] == f"Name {n}"
    ok(shopper.order(merchant.store, product, variant, 19), 201)
    assert ok(shopper.get(f"/products/{product}"))["stock"] == 100


def test_a_page_the_client_has_is_not_sent_again(shop, schema):
    merchant = shop.merchant()
    product, variant = merchant.product(stock=5)
    shopper = watched(schema, shop.customer())
    first = shopper.get(f"/products/{product}")
    etag = first.headers["ETag"]
    assert shopper.get(f"/products/{product}", headers={"If-None-Match": etag}).status_code == 304
    assert "private" in first.headers["Cache-Control"]
    ok(merchant.post(f"/stores/{merchant.store}/products/{product}/inventory", {"variant_id": variant, "quantity": 4}))
    assert ok(shopper.get(f"/products/{product}", headers={"If-None-Match": etag}))["stock"] == 4
    public = requests.get(f"{shop.url}/products/{product}", timeout=10)
    assert public.headers["Cache-Control"] == "public, max-age=2"
