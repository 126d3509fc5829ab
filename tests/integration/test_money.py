"""What things cost: discounts, gift cards, taxes and shipping, from the merchant's settings to the order's rows."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from shop import ADDRESS, ok, refused

EXPLAINED = ("currency", "subtotal", "discount", "shipping", "tax", "total", "gift_card", "discounts", "taxes",
             "tax_inclusive", "shipping_before_discount", "shipping_tax")  # fmt: skip
LINE = ("line", "variant_id", "quantity", "price", "discount", "tax_rate", "tax", "total")


@pytest.fixture
def merchant(shop):
    return shop.merchant()


def at(merchant, path):
    return f"/stores/{merchant.store}/{path}"


def code_for(merchant, rule, **more):
    body = {"code": "C-" + uuid.uuid4().hex[:10], "rule": rule, **more}
    return ok(merchant.post(at(merchant, "discounts"), body), 201)["code"]


def card_for(merchant, amount, **more):
    return ok(merchant.post(at(merchant, "gift-cards"), {"amount": amount, **more}), 201)


def wanted(lines, **more):
    """The part of a body that a quote and an order share."""
    items = [{"product_id": p, "variant_id": v, "quantity": n} for (p, v), n in lines]
    return {"items": items, "shipping_address": ADDRESS, **more}


def quote(shopper, merchant, lines, **more):
    return ok(shopper.post(at(merchant, "quotes"), wanted(lines, **more)))


def order_body(shopper, merchant, lines, **more):
    body = {"store_id": merchant.store, "payment_method": {"type": "sandbox", "token": "tok_ok"}}
    return {**body, **wanted(lines, **more)}


def place(shopper, merchant, lines, **more):
    return shopper.post("/orders", order_body(shopper, merchant, lines, **more))


def adds_up(order):
    """Every figure of an order follows from its lines."""
    d = {k: Decimal(order[k]) for k in ("subtotal", "discount", "shipping", "tax", "total", "gift_card", "shipping_tax",
                                        "shipping_before_discount")}  # fmt: skip
    lines = order["items"]
    assert d["subtotal"] == sum(Decimal(i["price"]) * i["quantity"] for i in lines)
    assert d["subtotal"] == sum(Decimal(i["total"]) for i in lines)
    assert d["discount"] == sum(Decimal(i["discount"]) for i in lines) == sum(Decimal(g["amount"]) for g in order["discounts"])
    assert d["tax"] == sum(Decimal(i["tax"]) for i in lines) + d["shipping_tax"]
    assert d["tax"] == sum(Decimal(t["amount"]) for t in order["taxes"])
    assert d["shipping"] == d["shipping_before_discount"] - sum(Decimal(g["shipping_amount"]) for g in order["discounts"])
    assert d["total"] == d["subtotal"] - d["discount"] + d["shipping"] + (0 if order["tax_inclusive"] else d["tax"])
    assert 0 <= d["gift_card"] <= d["total"]


def quoted_and_placed(shopper, merchant, lines, **more):
    """Asks for the price, orders, and finds that both are the same. Returns the order."""
    said = quote(shopper, merchant, lines, **more)
    adds_up(said)
    assert said["refused_codes"] == [], said
    order = ok(place(shopper, merchant, lines, expected_total=said["total"], **more), 201)
    adds_up(order)
    assert {k: order[k] for k in EXPLAINED} == {k: said[k] for k in EXPLAINED}
    assert [{k: i[k] for k in LINE} for i in order["items"]] == [{k: i[k] for k in LINE} for i in said["items"]]
    assert order["shipping_info"]["method"] == said["shipping_method"]
    paid = sum(Decimal(p["amount"]) for p in order["payments"] if p["provider"] != "gift_card")
    assert paid == Decimal(said["to_pay"])
    assert ok(shopper.get(f"/orders/{order['order_id']}"))["total"] == said["total"]
    return order


def at_once(count, what):
    """Calls what(0 … count - 1) at the same moment."""
    gate = threading.Barrier(count)

    def one(n):
        gate.wait(30)
        return what(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


# -- quotes ---------------------------------------------------------------------------------------------------------------


def test_a_quote_is_the_order_that_is_then_placed(shop, merchant):
    zones = [{"name": "VAT", "places": ["GB"], "rate": "0.175", "shipping_taxed": True}]
    ok(merchant.patch(at(merchant, "settings"), {"tax_zones": zones}))
    cup, pot = merchant.product(price="3.33", stock=100, title="Cup"), merchant.product(price="24.95", stock=100, title="Pot")
    ten = code_for(merchant, {"kind": "percent", "percent": "0.1", "title": "Ten off"})
    five = code_for(merchant, {"kind": "fixed", "amount": "5.00", "products": [pot[0]]})
    card = card_for(merchant, "7.77")
    shopper = shop.customer()
    lines = [(cup, 7), (pot, 2)]
    plain = quoted_and_placed(shopper, merchant, lines)
    assert plain["discounts"] == [] and plain["taxes"][0]["title"] == "VAT"
    order = quoted_and_placed(shopper, merchant, lines, discount_codes=[ten.lower(), five], gift_cards=[card["code"]])
    assert {g["code"] for g in order["discounts"]} == {ten, five}
    assert order["gift_card"] == "7.77" and Decimal(order["total"]) < Decimal(plain["total"])
    assert order["items"][0]["tax_rate"] == "0.175000"
    stale = place(shopper, merchant, lines, expected_total=order["total"])
    refused(stale, 409, "amount_changed")


def test_a_quote_refuses_what_an_order_would_be_refused_for(shop, merchant):
    product, variant = merchant.product(stock=5)
    other = shop.merchant()
    foreign = other.product(stock=5)
    shopper = shop.guest()
    path = at(merchant, "quotes")
    refused(shopper.post(path, wanted([(foreign, 1)])), 404, "not_found")
    refused(shopper.post(path, wanted([((foreign[0], variant), 1)])), 404, "not_found")
    refused(shopper.post(path, wanted([((product, variant), 1)], shipping_method="Teleport")), 422, "invalid")
    ok(merchant.patch(f"/stores/{merchant.store}", {"shipping_zones": [
        {"name": "FR", "countries": ["FR"], "rates": [{"name": "Post", "price": "1"}]}]}))  # fmt: skip
    refused(shopper.post(path, wanted([((product, variant), 1)])), 422, "no_shipping")
    ok(merchant.delete(at(merchant, f"products/{product}")), 204)
    refused(shopper.post(path, wanted([((product, variant), 1)])), 409, "product_unavailable")
    ok(merchant.patch(f"/stores/{merchant.store}", {"status": "closed"}))
    refused(shopper.post(path, wanted([((product, variant), 1)])), 409, "store_closed")


def test_a_quote_holds_nothing(shop, merchant):
    product = merchant.product(stock=1)
    code = code_for(merchant, {"kind": "percent", "percent": "0.5"}, usage_limit=1)
    card = card_for(merchant, "5")
    shopper = shop.guest()
    for _ in range(5):
        said = quote(shopper, merchant, [(product, 1)], discount_codes=[code], gift_cards=[card["code"]])
        assert said["discounts"][0]["code"] == code and said["gift_cards"][0]["amount"] == "5.00"
        assert said["items"][0]["available"] == 1 and said["items"][0]["enough"]
    assert ok(merchant.get(at(merchant, f"discounts/{code}")))["used"] == 0
    assert merchant.stock_of(product[1])["reserved"] == 0
    short = quote(shopper, merchant, [(product, 3)])["items"][0]
    assert short["available"] == 1 and not short["enough"]


def test_a_quote_without_items_is_of_the_cart(shop, merchant):
    product, variant = merchant.product(price="2.50", stock=10)
    shopper = shop.guest()
    refused(shopper.post(at(merchant, "quotes"), {}), 422, "cart_empty")
    ok(shopper.post(f"/carts/{shopper.id}/items", {"product_id": product, "variant_id": variant, "quantity": 3}), 201)
    said = ok(shopper.post(at(merchant, "quotes"), {}))
    assert said["total"] == "7.50" and said["shipping_methods"] == [], "without a country nothing is known of shipping"
    assert ok(shopper.post(at(merchant, "quotes"), {"shipping_address": {"country": "GB"}}))["total"] == "12.40"


def test_a_quote_says_why_a_code_gives_nothing(shop, merchant):
    cup, pot = merchant.product(price="10", stock=50), merchant.product(price="10", stock=50)
    percent = {"kind": "percent", "percent": "0.1"}
    codes = {
        "inactive": code_for(merchant, percent, active=False),
        "not_started": code_for(merchant, {**percent, "starts_at": "2099-01-01T00:00:00+02:00"}),
        "expired": code_for(merchant, {**percent, "ends_at": "2020-01-01T00:00:00Z"}),
        "used_up": code_for(merchant, percent, usage_limit=0),
        "no_product": code_for(merchant, {**percent, "products": [pot[0]]}),
        "minimum_not_reached": code_for(merchant, {**percent, "minimum_subtotal": "10.01"}),
        "unknown": "NEVER-MADE",
    }
    shopper = shop.customer()
    for reason, code in codes.items():
        said = quote(shopper, merchant, [(cup, 1)], discount_codes=[code])
        assert said["refused_codes"] == [{"code": code, "reason": reason}] and said["discount"] == "0.00"
        error = refused(place(shopper, merchant, [(cup, 1)], discount_codes=[code]), 409, "discount_not_applicable")
        assert error["details"]["field"].startswith("discount_codes")
    alone = code_for(merchant, {"kind": "percent", "percent": "0.3", "combines": False})
    weak = code_for(merchant, percent)
    said = quote(shopper, merchant, [(cup, 1)], discount_codes=[weak, alone])
    assert said["refused_codes"] == [{"code": weak, "reason": "does_not_combine"}] and said["discount"] == "3.00"


# -- codes ----------------------------------------------------------------------------------------------------------------


def test_a_code_for_ten_orders_is_in_ten_orders_however_many_ask_at_once(shop, merchant):
    product = merchant.product(price="10", stock=1000)
    code = code_for(merchant, {"kind": "percent", "percent": "0.5"}, usage_limit=10)
    shoppers = [shop.guest() for _ in range(40)]
    answers = at_once(40, lambda n: place(shoppers[n], merchant, [(product, 1)], discount_codes=[code]))
    placed = [a.json() for a in answers if a.status_code == 201]
    for a in answers:
        if a.status_code != 201:
            refused(a, 409, "discount_not_applicable")
    assert len(placed) == 10 and all(o["discount"] == "5.00" for o in placed)
    assert ok(merchant.get(at(merchant, f"discounts/{code}")))["used"] == 10
    assert merchant.stock_of(product[1])["available"] == 990


def test_a_use_comes_back_when_the_order_is_cancelled_unpaid(shop, merchant):
    product = merchant.product(price="10", stock=10)
    code = code_for(merchant, {"kind": "fixed", "amount": "1"}, usage_limit=1)
    first, second = shop.guest(), shop.guest()
    manual = {"payment_method": {"type": "manual"}, "discount_codes": [code]}
    order = ok(first.post("/orders", {**order_body(first, merchant, [(product, 1)]), **manual}), 201)
    assert order["status"] == "pending"
    refused(place(second, merchant, [(product, 1)], discount_codes=[code]), 409, "discount_not_applicable")
    ok(first.post(f"/orders/{order['order_id']}/cancel"))
    ok(place(second, merchant, [(product, 1)], discount_codes=[code]), 201)
    assert ok(merchant.get(at(merchant, f"discounts/{code}")))["used"] == 1


def test_a_code_that_each_customer_may_use_once(shop, merchant):
    product = merchant.product(price="10", stock=100)
    code = code_for(merchant, {"kind": "percent", "percent": "0.2"}, once_per_customer=True)
    shopper, other = shop.customer(), shop.customer()
    answers = at_once(8, lambda _: place(shopper, merchant, [(product, 1)], discount_codes=[code]))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    said = quote(shopper, merchant, [(product, 1)], discount_codes=[code])
    assert said["refused_codes"] == [{"code": code, "reason": "used_before"}]
    ok(place(other, merchant, [(product, 1)], discount_codes=[code]), 201)
    mail = "once@example.com"  # guests are known by their address
    ok(place(shop.guest(), merchant, [(product, 1)], discount_codes=[code], email=mail), 201)
    refused(place(shop.guest(), merchant, [(product, 1)], discount_codes=[code], email=mail.upper()), 409, "discount_not_applicable")


def test_a_merchant_manages_codes(shop, merchant):
    rule = {"kind": "percent", "percent": "0.25", "title": "Spring", "minimum_quantity": 2, "starts_at": "2024-05-01T14:00:00+02:00"}
    body = {"code": " spring-24 ", "rule": rule, "usage_limit": 5}
    made = ok(merchant.post(at(merchant, "discounts"), body), 201)
    assert made["code"] == "SPRING-24" and made["rule"]["percent"] == "0.250000" and made["rule"]["amount"] is None
    assert made["rule"]["starts_at"] == "2024-05-01T12:00:00.000Z" and made["usage_limit"] == 5
    assert refused(merchant.post(at(merchant, "discounts"), body), 422, "invalid")["details"]["field"] == "code"
    path = at(merchant, "discounts/spring-24")
    assert ok(merchant.get(path)) == made
    changed = ok(merchant.patch(path, {"active": False, "usage_limit": -1, "version": 1}))
    assert not changed["active"] and changed["usage_limit"] is None and changed["rule"] == made["rule"]
    refused(merchant.patch(path, {"active": True, "version": 1}), 409, "version_conflict")
    assert ok(merchant.patch(path, {"active": False}))["version"] == changed["version"]
    for n in range(3):
        code_for(merchant, {"kind": "free_shipping"})
    page = ok(merchant.get(at(merchant, "discounts?limit=3")))
    assert page["has_more"] and page["total"] == 4 and len(page["discounts"]) == 3
    last = ok(merchant.get(at(merchant, f"discounts?limit=3&after={page['discounts'][-1]['discount_id']}")))
    assert [d["code"] for d in last["discounts"]] == ["SPRING-24"]
    refused(merchant.get(at(merchant, "discounts/nothing")), 404, "not_found")
    refused(merchant.get(at(merchant, "discounts/%20")), 404, "not_found")
    for wrong, field in (({"kind": "gift"}, "rule.kind"), ({"kind": "percent"}, "rule.percent"),
                         ({"kind": "percent", "percent": "1.1"}, "rule.percent"), ({"kind": "fixed"}, "rule.amount"),
                         ({"kind": "fixed", "amount": "1.001"}, "rule.amount"), ({**rule, "amount": "1"}, "rule.amount"),
                         ({"kind": "fixed", "amount": "1", "gives": []}, "rule.gives"),
                         ({**rule, "products": ["x"]}, "rule.products[0]"), ({**rule, "ends_at": "yesterday"}, "rule.ends_at"),
                         ({**rule, "ends_at": "2024-05-01T12:00:00Z"}, "rule.ends_at"),
                         ({"kind": "buy_x_get_y", "get_quantity": 1}, "rule.buy_quantity")):  # fmt: skip
        error = refused(merchant.post(at(merchant, "discounts"), {"code": "WRONG", "rule": wrong}), 422, "invalid")
        assert error["details"]["field"] == field, wrong


def test_a_code_that_is_not_there_yet_can_be_asked_for_by_many(shop, merchant):
    code = "LATE-" + uuid.uuid4().hex[:8]
    rule = {"kind": "percent", "percent": "0.1"}

    def ask(n):
        if n == 7:
            return shop_session(merchant).post(at(merchant, "discounts"), {"code": code, "rule": rule})
        return shop_session(merchant).get(at(merchant, f"discounts/{code}"))

    for _ in range(5):
        assert {a.status_code for a in at_once(12, lambda _: ask(0))} == {404}
    answers = at_once(16, ask)
    assert answers[7].status_code == 201, answers[7].text
    assert {a.status_code for a in answers} <= {200, 201, 404}
    assert ok(merchant.get(at(merchant, f"discounts/{code}"))) == answers[7].json()


# -- automatic discounts --------------------------------------------------------------------------------------------------


def test_automatic_discounts_are_given_without_asking(shop, merchant):
    product = merchant.product(price="10", stock=100)
    shopper = shop.guest()
    path = at(merchant, "automatic-discounts")
    made = ok(merchant.post(path, {"rule": {"kind": "percent", "percent": "0.1", "minimum_quantity": 3, "title": "Three"}}), 201)
    assert quote(shopper, merchant, [(product, 2)])["discount"] == "0.00"
    order = quoted_and_placed(shopper, merchant, [(product, 3)])
    assert order["discounts"] == [{"code": None, "title": "Three", "amount": "3.00", "shipping_amount": "0.00"}]
    one = f"{path}/{made['discount_id']}"
    ok(merchant.request("PUT", one, {"rule": {"kind": "fixed", "amount": "4"}, "active": False}))
    assert ok(merchant.get(path))["discounts"][0]["rule"]["kind"] == "fixed"
    assert quote(shopper, merchant, [(product, 3)])["discount"] == "0.00"
    ok(merchant.request("PUT", one, {"rule": {"kind": "fixed", "amount": "4"}}))
    assert quote(shopper, merchant, [(product, 3)])["discount"] == "4.00"
    ok(merchant.delete(one), 204)
    refused(merchant.delete(one), 404, "not_found")
    key = {"Idempotency-Key": "a1"}
    twice = [ok(merchant.post(path, {"rule": {"kind": "free_shipping"}}, headers=key), 201) for _ in range(2)]
    assert twice[0] == twice[1] and ok(merchant.get(path))["discounts"] == [twice[0]], "asked twice it is done once"
    refused(merchant.post(path, {"rule": {"kind": "fixed", "amount": "1"}}, headers=key), 422, "idempotency_key_reused")
    ok(merchant.delete(f"{path}/{twice[0]['discount_id']}"), 204)
    refused(merchant.request("PUT", one, {"rule": {"kind": "fixed", "amount": "4"}}), 404, "not_found")
    assert ok(merchant.get(path))["discounts"] == []


def test_buy_two_get_the_cheapest_free(shop, merchant):
    cup, pot = merchant.product(price="4", stock=100), merchant.product(price="9", stock=100)
    rule = {"kind": "buy_x_get_y", "buy_quantity": 2, "get_quantity": 1}
    code = code_for(merchant, rule)
    shopper = shop.guest()
    assert quote(shopper, merchant, [(cup, 2)], discount_codes=[code])["refused_codes"][0]["reason"] == "minimum_not_reached"
    order = quoted_and_placed(shopper, merchant, [(cup, 1), (pot, 2)], discount_codes=[code])
    assert order["discount"] == "4.00", "the cheapest of three"
    assert quoted_and_placed(shopper, merchant, [(cup, 5), (pot, 1)], discount_codes=[code])["discount"] == "8.00"
    other = code_for(merchant, {**rule, "products": [pot[0]], "gives": [cup[0]], "percent": "0.5"})
    order = quoted_and_placed(shopper, merchant, [(cup, 3), (pot, 4)], discount_codes=[other])
    assert order["discount"] == "4.00", "two cups at half their price"
    assert {i["variant_id"]: i["discount"] for i in order["items"]} == {cup[1]: "4.00", pot[1]: "0.00"}


def test_free_shipping(shop, merchant):
    product = merchant.product(price="10", stock=100)
    code = code_for(merchant, {"kind": "free_shipping", "title": "On us", "minimum_subtotal": "20"})
    shopper = shop.guest()
    assert quote(shopper, merchant, [(product, 1)], discount_codes=[code])["shipping"] == "4.90"
    order = quoted_and_placed(shopper, merchant, [(product, 2)], discount_codes=[code])
    assert order["shipping"] == "0.00" and order["shipping_before_discount"] == "4.90" and order["total"] == "20.00"
    assert order["discounts"] == [{"code": code, "title": "On us", "amount": "0.00", "shipping_amount": "4.90"}]


# -- gift cards -----------------------------------------------------------------------------------------------------------


def balance(shopper, merchant, code):
    return shopper.post(at(merchant, "gift-cards/balance"), {"code": code})


def test_a_gift_card_is_spent_by_many_at_once_and_never_below_nothing(shop, merchant):
    product = merchant.product(price="10", stock=1000)
    ok(merchant.patch(f"/stores/{merchant.store}", {"shipping_zones": []}))
    card = card_for(merchant, "45")
    shoppers = [shop.guest() for _ in range(16)]
    answers = at_once(16, lambda n: place(shoppers[n], merchant, [(product, 1)], gift_cards=[card["code"]]))
    placed = [a.json() for a in answers if a.status_code == 201]
    for a in answers:
        if a.status_code != 201:
            refused(a, 409, "gift_card_not_applicable")
    assert sorted(o["gift_card"] for o in placed) == ["10.00"] * 4 + ["5.00"]
    assert ok(balance(shoppers[0], merchant, card["code"]))["balance"] == "0.00"
    path = at(merchant, f"gift-cards/{card['gift_card_id']}")
    assert ok(merchant.get(path))["balance"] == "0.00"
    back = next(n for n, a in enumerate(answers) if a.status_code == 201 and a.json()["gift_card"] == "10.00")
    order = answers[back].json()["order_id"]
    ok(shoppers[back].post(f"/orders/{order}/cancel"))
    assert ok(balance(shoppers[0], merchant, card["code"]))["balance"] == "10.00"
    assert ok(merchant.get(path))["balance"] == "10.00"


def test_a_gift_card_pays_a_part_and_gets_it_back(shop, merchant):
    product = merchant.product(price="10", stock=100)
    small, large = card_for(merchant, "3"), card_for(merchant, "100")
    shopper = shop.customer()
    order = quoted_and_placed(shopper, merchant, [(product, 1)], gift_cards=[small["code"]])
    assert order["gift_card"] == "3.00" and order["total"] == "14.90"
    assert {p["provider"]: p["amount"] for p in order["payments"]} == {"gift_card": "3.00", "sandbox": "11.90"}
    assert {p["gift_card_id"] for p in order["payments"]} == {small["gift_card_id"], None}
    ok(shopper.post(f"/orders/{order['order_id']}/cancel"))
    assert ok(balance(shopper, merchant, small["code"]))["balance"] == "3.00"
    whole = quoted_and_placed(shopper, merchant, [(product, 1)], gift_cards=[small["code"].lower().replace("-", " "), large["code"]])
    assert whole["gift_card"] == whole["total"] == "14.90" and whole["payment_status"] == "completed"
    assert ok(balance(shopper, merchant, large["code"]))["balance"] == "88.10"
    said = quote(shopper, merchant, [(product, 1)], gift_cards=[small["code"], large["code"], "nonsense", large["code"]])
    assert [(c["amount"], c["reason"]) for c in said["gift_cards"]] == [("0.00", "nothing_left"), ("14.90", None), ("0.00", "not_valid")]
    assert said["to_pay"] == "0.00"


def test_the_balance_tells_nothing_of_codes_that_cannot_be_spent(shop, merchant):
    off, elsewhere = card_for(merchant, "5"), card_for(shop.merchant(), "5")
    ok(merchant.patch(at(merchant, f"gift-cards/{off['gift_card_id']}"), {"active": False}))
    over = card_for(merchant, "5")
    ok(merchant.patch(at(merchant, f"gift-cards/{over['gift_card_id']}"), {"expires_at": "2020-01-01T00:00:00Z"}))
    shopper = shop.guest()
    answers = [balance(shopper, merchant, code) for code in
               (off["code"], over["code"], elsewhere["code"], "0000-0000-0000-0000", "nonsense")]  # fmt: skip
    assert len({(a.status_code, a.text) for a in answers}) == 1
    refused(answers[0], 409, "gift_card_not_applicable")
    ok(merchant.patch(at(merchant, f"gift-cards/{over['gift_card_id']}"), {"expires_at": "never"}))
    assert ok(balance(shopper, merchant, over["code"])) == {"balance": "5.00", "currency": "EUR", "expires_at": None}


def test_a_gift_cards_code_is_shown_once(shop, merchant):
    key = {"Idempotency-Key": "one card"}
    body = {"amount": "25", "note": "for Ada", "expires_at": "2099-12-31T23:59:59Z"}
    answers = at_once(6, lambda _: shop_session(merchant).post(at(merchant, "gift-cards"), body, headers=key))
    cards = [ok(a, 201) for a in answers]
    assert len({c["gift_card_id"] for c in cards}) == 1, "one key makes one card"
    codes = [c["code"] for c in cards if c["code"]]
    assert len(codes) == 1 and len(codes[0]) == 19 and codes[0][-4:] == cards[0]["last_characters"]
    again = merchant.post(at(merchant, "gift-cards"), body, headers=key)
    assert ok(again, 201)["code"] is None and again.headers["Idempotent-Replayed"] == "true"
    refused(merchant.post(at(merchant, "gift-cards"), {"amount": "26"}, headers=key), 422, "idempotency_key_reused")
    page = ok(merchant.get(at(merchant, "gift-cards")))
    assert page["total"] == 1 and page["gift_cards"][0]["code"] is None and page["gift_cards"][0]["note"] == "for Ada"
    assert ok(balance(merchant, merchant, codes[0]))["balance"] == "25.00"
    path = at(merchant, f"gift-cards/{cards[0]['gift_card_id']}")
    changed = ok(merchant.patch(path, {"note": "for Grace"}))
    assert changed["note"] == "for Grace" and changed["version"] == 2 and ok(merchant.get(path)) == changed
    refused(merchant.patch(path, {"note": "", "version": 1}), 409, "version_conflict")
    for wrong, field in (({"amount": "0"}, "amount"), ({"amount": "1", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at")):
        assert refused(merchant.post(at(merchant, "gift-cards"), wrong), 422, "invalid")["details"]["field"] == field


def shop_session(person):
    """The same person at another machine: a session of requests is no thread's friend."""
    return type(person)(person.shop, {"user_id": person.id, "token": person.token})


# -- taxes, shipping, currencies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inclusive", [False, True])
def test_taxes_are_those_of_the_place(shop, merchant, inclusive):
    ok(merchant.patch(f"/stores/{merchant.store}", {"tax_rate": "0.05", "tax_inclusive": inclusive}))
    zones = [{"name": "VAT", "places": ["GB", "FR"], "rate": "0.2", "shipping_taxed": True},
             {"name": "Sales tax", "places": ["US-CA"], "rate": "0.0725"}, {"name": "None", "places": ["US"], "rate": 0}]  # fmt: skip
    ok(merchant.patch(at(merchant, "settings"), {"tax_zones": zones}))
    product, free = merchant.product(price="12", stock=100), merchant.product(price="8", stock=100, variants=[
        {"sku": uuid.uuid4().hex, "price": "8", "stock": 100, "taxable": False}])  # fmt: skip
    shopper = shop.guest()
    for country, region, title, tax in (
        ("GB", "", "VAT", "2.82" if inclusive else "3.38"),
        ("US", "ca", "Sales tax", "0.81" if inclusive else "0.87"),
        ("US", "NY", None, "0.00"),
        ("JP", "", "Tax", "0.57" if inclusive else "0.60"),
    ):
        address = {**ADDRESS, "country": country, "region": region}
        order = quoted_and_placed(shopper, merchant, [(product, 1), (free, 1)], shipping_address=address)
        assert order["tax"] == tax, (country, region)
        assert [t["title"] for t in order["taxes"]] == ([title] if title else [])
        assert order["tax_inclusive"] == inclusive
        assert order["total"] == ("24.90" if inclusive else str(Decimal("24.90") + Decimal(tax)))


def test_shipping_is_by_weight_and_free_from_a_sum(shop, merchant):
    rates = [{"name": "Letter", "price": "1.10", "grams_to": 500},
             {"name": "Parcel", "price": "5.90", "grams_from": 501, "grams_to": 10_000, "free_from": "50"},
             {"name": "Express", "price": "12.00"}]  # fmt: skip
    zones = [{"name": "All", "countries": ["*"], "rates": rates}]
    seen = ok(merchant.patch(f"/stores/{merchant.store}", {"shipping_zones": zones}))["shipping_zones"][0]["rates"]
    assert [(r["grams_from"], r["grams_to"]) for r in seen] == [(0, 500), (501, 10_000), (0, None)]
    wrong = [{"name": "W", "price": "1", "grams_from": 5, "grams_to": 4}]
    body = {"shipping_zones": [{"name": "All", "countries": ["*"], "rates": wrong}]}
    error = refused(merchant.patch(f"/stores/{merchant.store}", body), 422, "invalid")
    assert error["details"]["field"] == "shipping_zones[0].rates[0].grams_to"
    product = merchant.product(price="10", stock=100, variants=[
        {"sku": uuid.uuid4().hex, "price": "10", "stock": 100, "weight_grams": 250}])  # fmt: skip
    shopper = shop.guest()
    assert quoted_and_placed(shopper, merchant, [(product, 2)])["shipping"] == "1.10"
    assert quoted_and_placed(shopper, merchant, [(product, 3)])["shipping"] == "5.90"
    assert quoted_and_placed(shopper, merchant, [(product, 5)])["shipping"] == "0.00"
    assert quoted_and_placed(shopper, merchant, [(product, 1)], shipping_method="Express")["shipping"] == "12.00"
    said = quote(shopper, merchant, [(product, 5)])
    assert said["shipping_methods"] == [{"name": "Parcel", "price": "0.00"}, {"name": "Express", "price": "12.00"}]
    refused(shopper.post(at(merchant, "quotes"), wanted([(product, 5)], shipping_method="Letter")), 422, "invalid")


@pytest.mark.parametrize(("currency", "price", "off", "card", "rate", "total"), [
    ("JPY", "1980", "333", "500", "0.1", "3990"),  # 2 * 1980 - 333 = 3627, and a tenth of it: 363 (half up)
    ("KWD", "1.255", "0.333", "0.500", "0.05", "2.286"),  # 2.510 - 0.333 = 2.177, and 0.10885
])  # fmt: skip
def test_other_currencies_have_other_decimals(shop, currency, price, off, card, rate, total):
    merchant = shop.merchant(currency=currency, tax_rate=rate, zones=[])
    product = merchant.product(price=price, stock=100)
    code = code_for(merchant, {"kind": "fixed", "amount": off})
    gift = card_for(merchant, card)
    order = quoted_and_placed(shop.customer(), merchant, [(product, 2)], discount_codes=[code], gift_cards=[gift["code"]])
    assert order["total"] == total and order["discount"] == off and order["gift_card"] == card
    finer = off + ("1" if "." in off else ".1")
    body = {"code": "FINER", "rule": {"kind": "fixed", "amount": finer}}
    refused(merchant.post(at(merchant, "discounts"), body), 422, "invalid")


# -- settings -------------------------------------------------------------------------------------------------------------


def test_settings_are_the_merchants(shop, merchant):
    path = at(merchant, "settings")
    before = ok(merchant.get(path))
    assert before["language"] == "en" and before["manual_payments"] and before["tax_zones"] == []
    mail = {"sender_name": "Tea & more", "reply_to": "tea@example.org", "merchant_email": "me@example.org", "switched_off": ["order_paid"]}
    after = ok(merchant.patch(path, {"language": "de", "mail": mail, "manual_payments": False, "version": before["version"]}))
    assert after["mail"] == mail and after["version"] == before["version"] + 1
    assert ok(merchant.patch(path, {"mail": {"reply_to": ""}}))["mail"] == {**mail, "reply_to": None}
    refused(merchant.patch(path, {"language": "fr", "version": before["version"]}), 409, "version_conflict")
    refused(merchant.patch(path, {"mail": {"reply_to": "x@y"}, "version": before["version"]}), 409, "version_conflict")
    for wrong, field in (({"language": "DE"}, "language"), ({"mail": {"reply_to": "nobody"}}, "mail.reply_to"),
                         ({"tax_zones": [{"name": "A", "places": ["XX"], "rate": 0}]}, "tax_zones[0].places[0]"),
                         ({"tax_zones": [{"name": "A", "places": ["DE"]}]}, "tax_zones[0].rate"),
                         ({"payments": []}, "payments")):  # fmt: skip
        assert refused(merchant.patch(path, wrong), 422, "invalid")["details"]["field"] == field
    product = merchant.product(stock=5)
    shopper = shop.customer()
    body = {**order_body(shopper, merchant, [(product, 1)]), "payment_method": {"type": "manual"}}
    assert refused(shopper.post("/orders", body), 422, "invalid")["details"]["field"] == "payment_method.type"
    refused(shopper.get(path), 403, "forbidden")
    for n, answer in enumerate(at_once(8, lambda n: shop_session(merchant).patch(path, {"mail": {"sender_name": f"S{n}"}}))):
        ok(answer)
    assert ok(merchant.get(path))["mail"]["merchant_email"] == "me@example.org"


def test_what_was_set_is_there_after_a_restart(own_shop):
    shop = own_shop()
    merchant = shop.merchant(currency="KWD")
    product = merchant.product(price="1.250", stock=100)
    rule = {"kind": "buy_x_get_y", "title": "Tea & cake", "percent": "0.5", "products": [product[0]], "gives": [product[0]],
            "buy_quantity": 3, "get_quantity": 2, "minimum_subtotal": "0.001", "minimum_quantity": 4, "combines": False,
            "starts_at": "2024-05-01T12:00:00.123Z", "ends_at": "2099-05-01T12:00:00Z"}  # fmt: skip
    ok(merchant.post(at(merchant, "automatic-discounts"), {"rule": rule}), 201)
    code = code_for(merchant, {"kind": "fixed", "amount": "0.125"}, usage_limit=2, once_per_customer=True)
    card = card_for(merchant, "9.999", note="two\nlines", expires_at="2099-05-01T12:00:00Z")
    ok(merchant.patch(at(merchant, "settings"), {
        "language": "ar", "manual_payments": False, "shipping_taxed": True,
        "tax_zones": [{"name": "VAT", "places": ["KW", "US-CA", "*"], "rate": "0.123456", "shipping_taxed": True}],
        "mail": {"sender_name": "S", "reply_to": "a@example.com", "merchant_email": "b@example.com", "switched_off": ["x"]}}))  # fmt: skip
    rates = [{"name": "R", "price": "0.500", "free_from": "9.000", "grams_from": 1, "grams_to": 2}, {"name": "All", "price": "1.000"}]
    ok(merchant.patch(f"/stores/{merchant.store}", {"shipping_zones": [{"name": "Z", "countries": ["*"], "rates": rates}]}))
    shopper = shop.customer()
    order = quoted_and_placed(shopper, merchant, [(product, 3)], discount_codes=[code], gift_cards=[card["code"]])
    paths = [f"/stores/{merchant.store}", f"/orders/{order['order_id']}", at(merchant, f"discounts/{code}"),
             at(merchant, f"gift-cards/{card['gift_card_id']}")]  # fmt: skip
    paths += [at(merchant, x) for x in ("settings", "discounts", "gift-cards", "automatic-discounts")]
    before = [ok(merchant.get(path)) for path in paths]
    assert before[2]["used"] == 1 and before[3]["balance"] != "9.999"
    shop.down()
    shop.up()
    assert [ok(merchant.get(path)) for path in paths] == before
    said = quote(shopper, merchant, [(product, 5)], discount_codes=[code], gift_cards=[card["code"]])
    assert said["refused_codes"] == [{"code": code, "reason": "used_before"}]
    assert said["discounts"][0]["title"] == "Tea & cake" and said["discount"] == "1.250"
    shop.doctor()


def test_the_shop_is_whole_after_all_this(shop):
    shop.doctor()
