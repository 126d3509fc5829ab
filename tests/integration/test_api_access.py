"""Who may call what: every operation of openapi.json, tried by everybody it is not for."""

import re
import uuid

import pytest
import requests

from api_schema import Schema
from shop import ok

GUESSED = "01J9Z3K5Q8W2M7R4T6Y8B1C3D5"  # well formed, and nobody's


@pytest.fixture(scope="module")
def schema(shop):
    return Schema(shop.url)


@pytest.fixture(scope="module")
def cast(shop):
    """Two shops, and everybody who could be curious about the first."""

    class Cast:
        merchant = shop.merchant()
        rival = shop.merchant()
        shopper = shop.customer()
        stranger = shop.customer()
        guest = shop.guest()

    c = Cast()
    c.product, c.variant = c.merchant.product(stock=50)
    c.order = ok(c.shopper.order(c.merchant.store, c.product, c.variant), 201)["order_id"]
    ok(c.shopper.post(f"/carts/{c.shopper.id}/items", {"product_id": c.product, "variant_id": c.variant}), 201)
    c.review = ok(c.shopper.post(f"/products/{c.product}/reviews", {"rating": 4, "comment": "Good"}), 201)["review_id"]
    csv = f"Title,URL handle,SKU,Price\nX,x,X-{uuid.uuid4().hex[:8]},1\n"
    started = c.merchant.session.post(
        f"{shop.url}/stores/{c.merchant.store}/imports", data=csv, headers={"Content-Type": "text/csv"}, timeout=10
    )
    c.imported = ok(started, 202)["import_id"]
    rule = {"kind": "percent", "percent": "0.1"}
    c.code = ok(c.merchant.post(f"/stores/{c.merchant.store}/discounts", {"code": "TEN", "rule": rule}), 201)["code"]
    c.discount = ok(c.merchant.post(f"/stores/{c.merchant.store}/automatic-discounts", {"rule": rule, "active": False}), 201)["discount_id"]
    c.card = ok(c.merchant.post(f"/stores/{c.merchant.store}/gift-cards", {"amount": "5"}), 201)["gift_card_id"]
    c.till = ok(c.merchant.post(f"/stores/{c.merchant.store}/tokens", {"label": "till"}), 201)
    hook = {"address": "https://[3000::1]/hooks", "topics": ["shop/update"]}
    c.webhook = ok(c.merchant.post(f"/stores/{c.merchant.store}/webhooks", hook), 201)["webhook_id"]
    c.rival_till = ok(c.rival.post(f"/stores/{c.rival.store}/tokens", {"label": "till"}), 201)
    return c


# What {token_id} is behind these.
NAMED = {"payment-accounts": "stripe", "carrier-accounts": "shipstation", "mail-templates": "order_confirmed.en"}


def filled(c, template):
    known = {
        "store_id": c.merchant.store, "product_id": c.product, "variant_id": c.variant, "order_id": c.order,
        "user_id": c.shopper.id, "review_id": c.review, "import_id": c.imported, "token_id": c.till["token_id"],
        "code": c.code, "discount_id": c.discount, "card_id": c.card,
        "webhook_id": c.webhook, "delivery_id": c.order,
        "fulfilment_id": c.order, "return_id": c.order,  # of no parcel and no return: intruders must not hear even that
    }  # fmt: skip
    known["token_id"] = NAMED.get(template.split("/{token_id}")[0].split("/")[-1], known["token_id"])
    return re.sub(r"\{([a-z_]+)\}", lambda m: known[m.group(1)], template)


BODIES = {
    "openStore": lambda c: {"store_name": "X", "slug": "s-" + uuid.uuid4().hex[:20], "currency": "EUR"},
    "changeStore": lambda c: {"description": "taken over"},
    "makeApiToken": lambda c: {"label": "spy"},
    "createProduct": lambda c: {"name": "Planted", "price": "1"},
    "changeProduct": lambda c: {"name": "Taken over"},
    "setStock": lambda c: {"variant_id": c.variant, "quantity": 0},
    "setStockPolicy": lambda c: {"variant_id": c.variant, "backorder": True},
    "addToCart": lambda c: {"product_id": c.product, "variant_id": c.variant, "quantity": 1},
    "changeCartLine": lambda c: {"quantity": 9},
    "mergeCarts": lambda c: {"guest_token": c.guest.token},
    "placeOrder": lambda c: c.shopper.order_body(c.merchant.store, c.product, c.variant),
    "markShipped": lambda c: {"carrier": "Nobody"},
    "refundOrder": lambda c: {"amount": "1.00"},
    "requestReturn": lambda c: {"lines": [{"line": 1, "quantity": 1}]},
    "exchangeGoods": lambda c: {"items": [{"product_id": c.product, "variant_id": c.variant, "quantity": 1}]},
    "makeWebhook": lambda c: {"address": "https://[3000::2]/"},
    "changeWebhook": lambda c: {"active": False},
    "postReview": lambda c: {"rating": 1, "comment": "Bad"},
    "createDiscount": lambda c: {"code": "ALL", "rule": {"kind": "percent", "percent": "1"}},
    "changeDiscount": lambda c: {"rule": {"kind": "percent", "percent": "1"}},
    "createAutomaticDiscount": lambda c: {"rule": {"kind": "percent", "percent": "1"}},
    "replaceAutomaticDiscount": lambda c: {"rule": {"kind": "percent", "percent": "1"}},
    "createGiftCard": lambda c: {"amount": "1000"},
    "changeGiftCard": lambda c: {"note": "mine"},
    "readGiftCardBalance": lambda c: {"code": "0000-0000-0000-0000"},
    "quoteOrder": lambda c: {"items": [{"product_id": c.product, "variant_id": c.variant, "quantity": 1}]},
    "changeSettings": lambda c: {"manual_payments": False},
    "putPaymentAccount": lambda c: {"publishable_key": "pk_mine", "secret_key": "sk_test_mine"},
    "putCarrierAccount": lambda c: {"api_key": "mine", "api_secret": "mine"},
    "putMailTemplate": lambda c: {"subject": "Mine"},
    "liftSuppression": lambda c: {"email": "a@example.com"},
}


def send(c, schema, method, template, token):
    _, operation = schema.operations[method, template]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = BODIES.get(operation["operationId"])
    kwargs = {"json": body(c)} if body else {}
    if operation["operationId"] == "startImport":
        kwargs = {"data": "Title,Price\nY,1\n"}
        headers["Content-Type"] = "text/csv"
    url = c.shopper.shop.url + filled(c, template)
    answer = requests.request(method, url, headers=headers, timeout=15, **kwargs)
    schema.check(answer)
    return answer


def closed_operations(schema):
    return [(m, t, o["x-souk-access"]) for (m, t), (_, o) in schema.operations.items() if "x-souk-access" in o]


def test_without_a_token_closed_routes_are_closed(cast, schema):
    assert len(closed_operations(schema)) > 30
    for method, template, _ in closed_operations(schema):
        for token in (None, "nonsense", f"souk_{cast.shopper.id}_{'A' * 43}"):
            answer = send(cast, schema, method, template, token)
            assert answer.status_code == 401, f"{method} {template}: {answer.status_code} {answer.text[:300]}"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def intruders(c, access):
    """For each kind of route, those it is not for."""
    rivals = {"stranger": c.stranger.token, "guest": c.guest.token, "rival": c.rival.token, "rival's till": c.rival_till["token"]}
    own_till = {"own till": c.till["token"]}
    shopper = {"the shopper": c.shopper.token}
    return {
        "token_holder": {},
        "shopper": own_till,
        "account": {"guest": c.guest.token, **own_till},
        "self": {**rivals, **own_till, "merchant": c.merchant.token},
        "self_account": {**rivals, **own_till, "merchant": c.merchant.token},
        "merchant": {**rivals, **shopper},
        "merchant_login": {**rivals, **shopper, **own_till},
        "order_party": rivals,
        "order_merchant": {**rivals, **shopper},
    }[access]


def test_nobody_reaches_what_is_anothers(cast, schema):
    before = ok(cast.merchant.get(f"/stores/{cast.merchant.store}/products?status=all"))
    order = ok(cast.shopper.get(f"/orders/{cast.order}"))
    cart = ok(cast.shopper.get(f"/carts/{cast.shopper.id}"))
    money = [f"/stores/{cast.merchant.store}/{x}" for x in ("discounts", "automatic-discounts", "gift-cards", "settings")]
    rules = [ok(cast.merchant.get(path)) for path in money]
    tried = 0
    for method, template, access in closed_operations(schema):
        for who, token in intruders(cast, access).items():
            answer = send(cast, schema, method, template, token)
            assert answer.status_code in (403, 404), f"{method} {template} by {who}: {answer.status_code} {answer.text[:300]}"
            assert answer.json()["error"]["code"] in ("forbidden", "not_found")
            tried += 1
    assert tried > 100
    assert ok(cast.merchant.get(f"/stores/{cast.merchant.store}/products?status=all")) == before
    assert ok(cast.shopper.get(f"/orders/{cast.order}")) == order
    assert ok(cast.shopper.get(f"/carts/{cast.shopper.id}")) == cart
    assert [ok(cast.merchant.get(path)) for path in money] == rules


def test_a_merchant_cannot_reach_into_another_store_by_mixing_ids(cast, schema):
    """The path names a store of the caller, the rest of it another's."""
    own, theirs = cast.rival.store, cast.merchant.store
    product, variant = cast.rival.product()
    attempts = [
        ("GET", f"/stores/{own}/products/{cast.product}", None),
        ("PATCH", f"/stores/{own}/products/{cast.product}", {"name": "Mine"}),
        ("DELETE", f"/stores/{own}/products/{cast.product}", None),
        ("POST", f"/stores/{own}/products/{cast.product}/inventory", {"variant_id": cast.variant, "quantity": 0}),
        ("POST", f"/stores/{own}/products/{product}/inventory", {"variant_id": cast.variant, "quantity": 0}),
        ("PATCH", f"/stores/{own}/products/{product}/inventory", {"variant_id": cast.variant, "backorder": True}),
        ("GET", f"/stores/{own}/products/{cast.product}/inventory", None),
        ("GET", f"/stores/{own}/imports/{cast.imported}", None),
        ("GET", f"/stores/{own}/webhooks/{cast.webhook}", None),
        ("PATCH", f"/stores/{own}/webhooks/{cast.webhook}", {"active": False}),
        ("DELETE", f"/stores/{own}/webhooks/{cast.webhook}", None),
        ("GET", f"/stores/{own}/webhooks/{cast.webhook}/deliveries", None),
        ("DELETE", f"/stores/{own}/tokens/{cast.till['token_id']}", None),
        ("GET", f"/stores/{own}/discounts/{cast.code}", None),
        ("PATCH", f"/stores/{own}/discounts/{cast.code}", {"active": False}),
        ("PUT", f"/stores/{own}/automatic-discounts/{cast.discount}", {"rule": {"kind": "free_shipping"}}),
        ("DELETE", f"/stores/{own}/automatic-discounts/{cast.discount}", None),
        ("GET", f"/stores/{own}/gift-cards/{cast.card}", None),
        ("PATCH", f"/stores/{own}/gift-cards/{cast.card}", {"active": False}),
    ]
    for method, path, body in attempts:
        answer = cast.rival.request(method, path, body)
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
    assert ok(cast.rival.get(f"/stores/{own}/inventory/{cast.variant}/history"))["history"] == []
    # Orders and carts that mix stores.
    mixed = cast.stranger.order(own, cast.product, cast.variant)
    assert mixed.status_code in (404, 409), mixed.text
    mixed = cast.stranger.order(own, product, cast.variant)
    assert mixed.status_code in (404, 409), mixed.text
    item = {"product_id": cast.product, "variant_id": cast.variant, "quantity": 1}
    answer = cast.stranger.post(f"/carts/{cast.stranger.id}/items?store_id={own}", item)
    assert answer.status_code in (404, 409), answer.text
    assert ok(cast.merchant.get(f"/stores/{theirs}/products/{cast.product}"))["name"] == "Teapot"


def test_an_api_token_works_in_its_own_store(cast, schema, shop):
    headers = {"Authorization": "Bearer " + cast.till["token"]}
    for path in ("products?status=all", "inventory", "orders", f"imports/{cast.imported}"):
        answer = requests.get(f"{shop.url}/stores/{cast.merchant.store}/{path}", headers=headers, timeout=10)
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
    assert ok(requests.get(f"{shop.url}/orders/{cast.order}", headers=headers, timeout=10))["order_id"] == cast.order


def test_ids_that_nobody_has_are_not_found(cast, schema, shop):
    for (method, template), (_, operation) in schema.operations.items():
        if method != "GET" or "{" not in template or "{user_id}" in template or "{token_id}" in template:
            continue
        path = re.sub(r"\{[a-z_]+\}", GUESSED, template)
        for path in (path, re.sub(GUESSED, "nonsense", path)):
            answer = cast.merchant.get(path)
            assert answer.status_code == 404, f"{path}: {answer.status_code} {answer.text[:300]}"


def test_drafts_are_the_merchants_alone(cast, schema, shop):
    store = f"/stores/{cast.merchant.store}"
    draft = ok(cast.merchant.post(f"{store}/products", {"name": "Secret", "price": 1, "status": "draft"}), 201)["product_id"]
    assert ok(cast.merchant.get(f"/products/{draft}"))["status"] == "draft"
    for token in (None, cast.stranger.token, cast.rival.token, cast.rival_till["token"]):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for path in (f"/products/{draft}", f"{store}/products/{draft}"):
            assert requests.get(shop.url + path, headers=headers, timeout=10).status_code == 404
        shelf = requests.get(shop.url + f"{store}/products?limit=250", headers=headers, timeout=10).json()
        assert draft not in [p["product_id"] for p in shelf["products"]]
        everything = requests.get(shop.url + f"{store}/products?status=all", headers=headers, timeout=10)
        assert everything.status_code == (403 if token else 401)


def test_nobody_orders_or_reviews_in_anothers_name(cast):
    body = cast.shopper.order_body(cast.merchant.store, cast.product, cast.variant)
    assert cast.stranger.post("/orders", body).status_code == 403
    review = {"user_id": cast.shopper.id, "rating": 1, "comment": "Not me"}
    assert cast.stranger.post(f"/products/{cast.product}/reviews", review).status_code == 403


def test_a_key_is_its_callers_own(cast):
    key = uuid.uuid4().hex
    first = ok(cast.shopper.order(cast.merchant.store, cast.product, cast.variant, key=key), 201)
    second = ok(cast.stranger.order(cast.merchant.store, cast.product, cast.variant, key=key), 201)
    assert first["order_id"] != second["order_id"]
