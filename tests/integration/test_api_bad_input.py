"""Bad input on every route is refused clearly: a 4xx with the one error body, never a 5xx, never half a change."""

import json
import re
import socket
import uuid

import pytest
import requests

from api_schema import Schema
from shop import ok, refused


@pytest.fixture(scope="module")
def schema(shop):
    return Schema(shop.url)


@pytest.fixture(scope="module")
def world(shop):
    class World:
        merchant = shop.merchant()
        shopper = shop.customer()

    w = World()
    w.product, w.variant = w.merchant.product(stock=1000)
    w.order = ok(w.shopper.order(w.merchant.store, w.product, w.variant), 201)["order_id"]
    ok(w.shopper.post(f"/carts/{w.shopper.id}/items", {"product_id": w.product, "variant_id": w.variant}), 201)
    rule = {"kind": "percent", "percent": "0.1"}
    w.code = ok(w.merchant.post(f"/stores/{w.merchant.store}/discounts", {"code": "TEN", "rule": rule}), 201)["code"]
    w.discount = ok(w.merchant.post(f"/stores/{w.merchant.store}/automatic-discounts", {"rule": rule, "active": False}), 201)["discount_id"]
    w.card = ok(w.merchant.post(f"/stores/{w.merchant.store}/gift-cards", {"amount": "5"}), 201)["gift_card_id"]
    hook = {"address": "https://[3000::1]/hooks", "topics": ["shop/update"]}
    w.webhook = ok(w.merchant.post(f"/stores/{w.merchant.store}/webhooks", hook), 201)["webhook_id"]
    w.review = ok(w.shopper.post(f"/products/{w.product}/reviews", {"rating": 4, "comment": "Good"}), 201)["review_id"]
    return w


def valid_bodies(w):
    """For each operation with a JSON body, one that the shop would take."""
    mail = f"{uuid.uuid4().hex}@example.com"
    zone = {"name": "Z", "countries": ["DE"], "rates": [{"name": "R", "price": "1.00", "free_from": "9.00", "grams_from": 0, "grams_to": 5}]}
    rule = {"kind": "buy_x_get_y", "title": "t", "percent": "0.5", "products": [w.product], "gives": [w.product], "buy_quantity": 1,
            "get_quantity": 1, "minimum_subtotal": "1.00", "minimum_quantity": 1, "combines": True,
            "starts_at": "2024-05-01T12:00:00Z", "ends_at": "2099-05-01T12:00:00Z"}  # fmt: skip
    return {
        "signUp": {"email": mail, "password": "long enough", "name": "N"},
        "logIn": {"email": w.shopper.email, "password": "correct horse battery"},
        "openStore": {"store_name": "S", "slug": "s-" + uuid.uuid4().hex[:20], "currency": "EUR", "tax_rate": "0.1",
                      "tax_inclusive": True, "shipping_zones": [zone], "logo_url": "https://x.example/l", "description": "d"},
        "changeStore": {"store_name": "S", "tax_rate": "0.1", "tax_inclusive": False, "shipping_zones": [zone],
                        "logo_url": "https://x.example/l", "description": "d", "status": "open"},
        "makeApiToken": {"label": "l", "expires_in_days": 5},
        "createProduct": {"name": "P", "description": "d", "price": "1.00", "compare_at_price": "2.00", "category": "c",
                          "vendor": "v", "type": "t", "tags": ["t"], "handle": "h-" + uuid.uuid4().hex, "status": "draft",
                          "options": ["Size"], "images": [{"url": "https://x.example/i", "alt": "a"}], "seo_title": "s",
                          "seo_description": "s", "stock": 1,
                          "variants": [{"sku": uuid.uuid4().hex, "price": "1.00", "compare_at_price": "2.00",
                                        "attributes": {"a": "b"}, "options": {"Size": "M"}, "stock": 1, "barcode": "b",
                                        "weight_grams": 1, "requires_shipping": True, "taxable": True,
                                        "image_url": "https://x.example/i", "backorder": False, "low_stock_threshold": 1}]},
        "changeProduct": {"name": "Teapot", "description": "d", "category": "c", "vendor": "v", "type": "t", "tags": ["t"],
                          "handle": "h-" + uuid.uuid4().hex, "status": "active", "seo_title": "s", "seo_description": "s",
                          "images": [{"url": "https://x.example/i", "alt": "a"}]},
        "setStock": {"variant_id": w.variant, "quantity": 1000, "reason": "counted", "note": "n"},
        "setStockPolicy": {"variant_id": w.variant, "backorder": False, "low_stock_threshold": 1},
        "addToCart": {"product_id": w.product, "variant_id": w.variant, "quantity": 1},
        "changeCartLine": {"quantity": 2},
        "mergeCarts": {"guest_token": w.shopper.shop.guest().token},
        "placeOrder": {**w.shopper.order_body(w.merchant.store, w.product, w.variant), "email": "a@example.com",
                       "shipping_method": "Standard", "discount_codes": ["NONE"], "gift_cards": ["0000-0000-0000-0000"],
                       "language": "en"},
        "cancelOrder": {"reason": "r"},
        "markShipped": {"carrier": "c", "tracking_number": "t", "tracking_url": "https://x.example/t",
                        "lines": [{"line": 1, "quantity": 1}]},
        "capturePayment": {"amount": "1.00"},
        "refundOrder": {"lines": [{"line": 1, "quantity": 1, "restock": False}], "amount": "1.00", "shipping": False,
                        "reason": "r", "note": "n"},
        "requestReturn": {"lines": [{"line": 1, "quantity": 1, "reason": "r"}], "exchange": False, "note": "n"},
        "approveReturn": {"note": "n"}, "declineReturn": {"note": "n"}, "cancelReturn": {"note": "n"},
        "closeReturn": {"note": "n", "exchange_order_id": w.order},
        "receiveReturn": {"lines": [{"line": 1, "received": 1, "restocked": 1}], "refund": True, "amount": "1.00"},
        "exchangeGoods": {"items": [{"product_id": w.product, "variant_id": w.variant, "quantity": 1}], "shipping_method": "Standard",
                          "amount": "1.00"},
        "makeWebhook": {"address": "https://[3000::2]/", "topics": ["shop/update"]},
        "changeWebhook": {"address": "https://[3000::2]/", "topics": ["shop/update"], "active": True},
        "postReview": {"user_id": w.shopper.id, "rating": 5, "comment": "c"},
        "createDiscount": {"code": "C-" + uuid.uuid4().hex[:9], "active": True, "once_per_customer": False, "usage_limit": 5, "rule": rule},
        "changeDiscount": {"active": True, "once_per_customer": False, "usage_limit": 5, "rule": rule},
        "createAutomaticDiscount": {"active": False, "rule": rule},
        "replaceAutomaticDiscount": {"active": False, "rule": rule},
        "createGiftCard": {"amount": "5.00", "expires_at": "2099-05-01T12:00:00Z", "note": "n"},
        "changeGiftCard": {"active": True, "expires_at": "2099-05-01T12:00:00Z", "note": "n"},
        "readGiftCardBalance": {"code": "0000-0000-0000-0000"},
        "quoteOrder": {"items": [{"product_id": w.product, "variant_id": w.variant, "quantity": 1}],
                       "shipping_address": {"name": "n", "line1": "l", "line2": "l", "city": "c", "region": "r", "postal_code": "p",
                                            "country": "GB", "phone": "1"},
                       "shipping_method": "Standard", "discount_codes": ["NONE"], "gift_cards": ["0000-0000-0000-0000"],
                       "email": "a@example.com"},
        "changeSettings": {"language": "en", "tax_zones": [{"name": "VAT", "places": ["DE"], "rate": "0.19", "shipping_taxed": True}],
                           "shipping_taxed": False, "manual_payments": True,
                           "mail": {"sender_name": "S", "reply_to": "a@example.com", "merchant_email": "b@example.com",
                                    "switched_off": ["order_paid"]}},
        "putPaymentAccount": {"publishable_key": "pk", "secret_key": "sk_test_x", "webhook_secrets": ["whsec_x"],
                              "manual_capture": True, "active": True},
        "putCarrierAccount": {"api_key": "k", "api_secret": "s", "active": True},
        "putMailTemplate": {"subject": "s", "html": "<p>h</p>", "text": "t"},
        "previewMailTemplate": {"subject": "s", "html": "<p>h</p>", "text": "t"},
        "liftSuppression": {"email": "a@example.com"},
        "askPasswordReset": {"email": "nobody@example.com", "language": "en"},
        "resetPassword": {"password": "long enough"},
    }  # fmt: skip


# What {token_id} is behind these.
NAMED = {"payment-accounts": "stripe", "carrier-accounts": "shipstation", "mail-templates": "order_confirmed.en"}


def filled(w, template):
    known = {
        "store_id": w.merchant.store, "product_id": w.product, "variant_id": w.variant, "order_id": w.order,
        "user_id": w.shopper.id, "review_id": w.review, "fulfilment_id": w.order, "return_id": w.order,
        "code": w.code, "discount_id": w.discount, "card_id": w.card,
        "webhook_id": w.webhook, "delivery_id": w.order,
    }  # fmt: skip
    known["token_id"] = NAMED.get(template.split("/{token_id}")[0].split("/")[-1], "x")
    return re.sub(r"\{([a-z_]+)\}", lambda m: known[m.group(1)], template)


def token_for(w, access):
    return w.merchant.token if access in ("merchant", "merchant_login", "order_merchant") else w.shopper.token


def json_operations(w, schema):
    bodies = valid_bodies(w)
    for (method, template), (_, operation) in schema.operations.items():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            yield method, filled(w, template), token_for(w, operation.get("x-souk-access")), operation["operationId"], bodies.get(
                operation["operationId"], {}
            )


def send(w, schema, method, path, token, data, **headers):
    answer = requests.request(
        method,
        w.shopper.shop.url + path,
        data=data,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers},
        timeout=20,
    )
    schema.check(answer)
    return answer


def test_what_is_no_json_is_refused_everywhere(world, schema):
    broken = [b"{", b"[]", b"nonsense", b'{"a":1}}', b'{"name":"\xff\xfe"}', b'{"name":"\\ud800"}', b"\x00", b'"text"', b"3",
              b"{" + b'"a":[' * 5000, b'{"a":1e999}', b"null"]  # fmt: skip
    count = 0
    for method, path, token, operation, _ in json_operations(world, schema):
        for data in broken:
            answer = send(world, schema, method, path, token, data)
            assert answer.status_code == 400, f"{operation} {data[:40]}: {answer.status_code} {answer.text[:300]}"
            assert answer.json()["error"]["code"] == "bad_json"
            count += 1
    assert count > 200


def test_unknown_fields_are_refused_everywhere(world, schema):
    for method, path, token, operation, body in json_operations(world, schema):
        for field, value in (("is_admin", True), ("role", "owner"), ("price_override", "0.01"), ("", 1), ("total", "0.01")):
            answer = send(world, schema, method, path, token, json.dumps({**body, field: value}))
            error = refused(answer, 422, "invalid")
            assert error["details"].get("field", "") == field, operation


def mutations(body, path=()):
    """Each field of a body, at every depth, with a value of a type it cannot have."""
    for key, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield path + (key,), value
        if isinstance(value, (dict, list)):
            yield from mutations(value, path + (key,))


def replaced(body, path, value):
    copy = json.loads(json.dumps(body))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return copy


def wrong_values(value):
    if isinstance(value, bool):
        return ["true", 1, [], {}]
    if isinstance(value, int):
        return ["1", 1.5, True, [], {}, -(2**70), 2**70, -999999999999]
    if isinstance(value, str):
        return [True, [], {}, "x" * 200_000, "a\x00b", "a\x01b"]
    if isinstance(value, list):
        return ["x", 1, {}, [[]], [1], list(range(2000))]
    return ["x", 1, [], True]


LOOSE = {"attributes", "options"}  # maps of the merchant's own names, whose values may be numbers or booleans


def test_wrong_types_are_refused_by_name_on_every_field(world, schema):
    count = 0
    for method, path, token, operation, body in json_operations(world, schema):
        for field, value in mutations(body):
            inside_map = any(isinstance(k, str) and k in LOOSE for k in field[:-1])
            for wrong in wrong_values(value):
                if inside_map and wrong is True:
                    continue
                answer = send(world, schema, method, path, token, json.dumps(replaced(body, field, wrong)))
                where = f"{operation} {'.'.join(map(str, field))} = {str(wrong)[:40]!r}"
                assert 400 <= answer.status_code < 500, f"{where}: {answer.status_code} {answer.text[:300]}"
                error = answer.json()["error"]
                assert error["message"], where
                if answer.status_code == 422 and error["code"] == "invalid":
                    assert str(field[0]) in error["details"].get("field", ""), f"{where}: {error}"
                count += 1
    assert count > 500


def test_missing_fields_are_refused(world, schema):
    for method, path, token, operation, _ in json_operations(world, schema):
        required = None
        for (m, template), (_, described) in schema.operations.items():
            if described["operationId"] == operation:
                content = described["requestBody"]["content"]["application/json"]["schema"]
                node = schema.document["components"]["schemas"][content["$ref"].split("/")[-1]] if "$ref" in content else content
                required = node.get("required", [])
        body = valid_bodies(world).get(operation, {})
        for field in required:
            for shorter in ({k: v for k, v in body.items() if k != field}, {**body, field: None}):
                error = refused(send(world, schema, method, path, token, json.dumps(shorter)), 422, "invalid")
                assert error["details"]["field"].startswith(field), (operation, error)


def test_bodies_have_a_limit(world, schema):
    huge = json.dumps({"name": "x" * (2 << 20)})
    for method, path, token, operation, _ in json_operations(world, schema):
        assert send(world, schema, method, path, token, huge).status_code == 413, operation


def test_other_media_types_are_refused(world, schema):
    for method, path, token, operation, _ in json_operations(world, schema):
        answer = requests.request(
            method, world.shopper.shop.url + path, files={"a": b"b"}, headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        assert answer.status_code == 415, f"{operation}: {answer.status_code} {answer.text[:200]}"
        schema.check(answer)


CARDS = ["4242424242424242", "4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005", "tok_4012888888881881"]


def test_card_numbers_are_refused_and_never_written_down(world, schema):
    shopper = world.shopper
    url = f"/orders/{world.order}/payment"
    for card in CARDS:
        body = shopper.order_body(world.merchant.store, world.product, world.variant)
        for spoiled in (
            {**body, "payment_method": {"type": "sandbox", "token": card}},
            {**body, "payment_method": {"type": "card", "number": card}},
            {**body, "shipping_method": f"my card {card}"},
            {**body, "card": {"digits": [card]}},
        ):
            answer = shopper.post("/orders", spoiled)
            error = refused(answer, 422, "card_number_refused")
            assert card not in json.dumps(error)
        refused(shopper.post(url, {"number": card}), 422, "card_number_refused")
        for path in (f"/orders/{world.order}/returns", f"/stores/{world.merchant.store}/quotes"):
            refused(shopper.post(path, {"note": f"pay back to {card}"}), 422, "card_number_refused")
        requests.get(shopper.shop.url + "/stores", params={"slug": card}, timeout=10)
    refused(shopper.post(url, {"number": 4242424242424242}), 422, "card_number_refused")
    for log in (shopper.shop.var / "log").glob("soukd*"):
        text = log.read_text(errors="replace")
        for card in CARDS:
            assert card not in text, f"{log} holds a card number"
            assert card.replace(" ", "+") not in text
            assert requests.utils.quote(card) not in text


def test_tokens_and_passwords_are_never_written_down(world):
    shop = world.shopper.shop
    requests.get(shop.url + "/nothing", headers={"Authorization": "Bearer " + world.shopper.token}, timeout=10)
    for log in (shop.var / "log").glob("*.log"):
        text = log.read_text(errors="replace")
        for secret in (world.shopper.token, world.merchant.token, "correct horse battery"):
            assert secret not in text, log


@pytest.mark.parametrize("query", ["limit=0", "limit=251", "limit=x", "limit=1e1", "page=0", "page=-1", "page=99999999999999999999",
                                   "page=26000&limit=1", "after=x", "after=", "page=1&after=01J9Z3K5Q8W2M7R4T6Y8B1C3D5",
                                   "limit=20%00", "limit=%zz", "q=%ff%fe", "q=" + "x" * 300])  # fmt: skip
def test_list_parameters_are_checked(world, schema, query):
    lists = [f"/stores/{world.merchant.store}/products"]
    if not query.startswith("q="):
        lists += [f"/stores/{world.merchant.store}/orders", f"/stores/{world.merchant.store}/inventory",
                  f"/stores/{world.merchant.store}/discounts", f"/stores/{world.merchant.store}/gift-cards",
                  f"/products/{world.product}/reviews"]  # fmt: skip
    for path in lists:
        answer = world.merchant.session.get(world.merchant.shop.url + path + "?" + query, timeout=10)
        assert answer.status_code in (400, 422), f"{path}?{query}: {answer.status_code} {answer.text[:200]}"
        schema.check(answer)


def test_choices_are_checked(world):
    merchant, store = world.merchant, f"/stores/{world.merchant.store}"
    refused(merchant.get(f"{store}/orders?status=lost"), 422, "invalid")
    refused(merchant.get(f"{store}/products?status=draft"), 422, "invalid")
    refused(merchant.get(f"/products/{world.product}/reviews?sort=worst"), 422, "invalid")
    refused(merchant.get(f"{store}/products.csv?format=xml"), 422, "invalid")
    refused(merchant.get("/stores"), 422, "invalid")
    refused(merchant.get("/stores?slug=%2e%2e"), 404, "not_found")


@pytest.mark.parametrize("key", ["", "x" * 256, "k\u00e9y", "tab\there"])
def test_a_key_is_up_to_255_printable_characters(world, key):
    answer = world.shopper.session.post(
        world.shopper.shop.url + "/orders",
        data=json.dumps(world.shopper.order_body(world.merchant.store, world.product, world.variant)),
        headers={"Idempotency-Key": key.encode("utf-8")},
        timeout=10,
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["error"]["code"] in ("invalid", "bad_request")


def test_business_nonsense_is_refused(world, schema):
    merchant, shopper = world.merchant, world.shopper
    store = f"/stores/{merchant.store}"
    order = shopper.order_body(merchant.store, world.product, world.variant)
    for field, value in (("items", []), ("items", [{**order["items"][0], "quantity": 0}]),
                         ("items", [{**order["items"][0], "quantity": -1}]),
                         ("items", order["items"] * 101), ("payment_method", {"type": "gold"}),
                         ("payment_method", {"type": "sandbox", "token": "tok_nonsense"}),
                         ("shipping_address", {**order["shipping_address"], "country": "ZZ"}),
                         ("shipping_address", {**order["shipping_address"], "country": "germany"}),
                         ("expected_total", "0.01"), ("shipping_method", "Teleport"), ("email", "nobody")):  # fmt: skip
        answer = shopper.post("/orders", {**order, field: value})
        assert 400 <= answer.status_code < 500, f"{field}={value}: {answer.status_code} {answer.text[:300]}"
    refused(merchant.post(f"{store}/products", {"name": "No price"}), 422, "invalid")
    refused(merchant.post(f"{store}/products", {"name": "P", "price": "-1"}), 422, "invalid")
    refused(merchant.post(f"{store}/products", {"name": "P", "price": "1.001"}), 422, "invalid")
    refused(merchant.post(f"{store}/products", {"name": "P", "price": 1, "variants": [{}, {}]}), 422, "invalid")
    inventory = f"{store}/products/{world.product}/inventory"
    refused(merchant.post(inventory, {"variant_id": world.variant}), 422, "invalid")
    refused(merchant.post(inventory, {"variant_id": world.variant, "quantity": 1, "adjustment": 1}), 422, "invalid")
    refused(merchant.post(inventory, {"variant_id": world.variant, "adjustment": -100000}), 409, "below_reserved")
    refused(shopper.post("/stores", {"store_name": "S", "slug": "Not A Slug", "currency": "EUR"}), 422, "invalid")
    refused(shopper.post("/stores", {"store_name": "S", "slug": "fine-slug", "currency": "XXX"}), 422, "invalid")


def raw(shop, text, seconds=5):
    with socket.create_connection(("127.0.0.1", shop.port), timeout=seconds) as s:
        s.sendall(text)
        answer = b""
        try:
            while piece := s.recv(65536):
                answer += piece
        except TimeoutError:
            pass
        return answer


def test_malformed_http_is_refused_at_the_edge(shop):
    for text in (b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                 b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40000 + b"\r\n\r\n"):  # fmt: skip
        answer = raw(shop, text)
        assert re.match(rb"HTTP/1\.[01] 4\d\d ", answer), (text[:60], answer[:200])


def test_unknown_addresses_and_methods(shop, schema):
    assert refused(requests.get(shop.url + "/admin.php", timeout=10), 404, "not_found")
    answer = requests.put(shop.url + "/users", json={}, timeout=10)
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    assert requests.delete(shop.url + "/healthz", timeout=10).headers["Allow"] == "GET, HEAD"


def test_the_shop_is_whole_after_all_this(shop):
    shop.doctor()
