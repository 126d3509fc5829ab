"""souk's client of PayPal against the sandbox of PayPal: whatever breaks, money moves once and the ledger agrees."""

import json
import time

import pytest
import requests

from probe import Probe, ulid
from providers import Providers, providers, receiver  # noqa: F401 (fixtures)

CLIENT = "client-of-the-tests"
SECRET = "secret-of-the-tests"
WEBHOOK = "WH-OF-THE-TESTS"


class Shop:
    """A store with a PayPal account, and the clients that serve it."""

    def __init__(self, running, **probe):
        self.running = running
        self.store = ulid()
        self.account = {"public_key": CLIENT, "secrets": {"client_secret": SECRET, "webhook_id": WEBHOOK}}
        self.probe = Probe(paypal=f"{running.url}/paypal", **probe)

    def charge(self, **changes):
        return {"attempt_id": ulid(), "order_id": ulid(), "store_id": self.store, "amount": 1999, "currency": "EUR",
                "method_token": "", "created_at": time.time(), "return_url": "https://shop.test/orders/1", "store_name": "Tea & Co",
                **changes}

    def command(self, verb, charge, account=None, **more):
        return {"client": "paypal", "verb": verb, "charge": charge, "account": account or self.account, **more}

    def ask(self, verb, charge, account=None, **more):
        return self.probe.ask(self.command(verb, charge, account, **more))

    def money(self, charge):
        """What the ledger says moved for the order: (taken, given back)."""
        mine = [e for e in self.running.ledger() if e["order_reference"] == charge["order_id"]]
        return tuple(sum(e["amount"] for e in mine if e["type"] == kind) for kind in ("captured", "refunded"))

    def act(self, reference, action, account=CLIENT):
        self.running.admin("paypal/act", account=account, id=reference, action=action)

    def order(self, reference):
        token = requests.post(f"{self.running.url}/paypal/v1/oauth2/token", auth=(CLIENT, SECRET), timeout=10,
                              data={"grant_type": "client_credentials"}).json()["access_token"]
        return requests.get(f"{self.running.url}/paypal/v2/checkout/orders/{reference}", timeout=10,
                            headers={"Authorization": f"Bearer {token}"}).json()

    def settle(self, verb, charge, account=None, tries=30):
        """Asks as an order does: again until it is known."""
        for _ in range(tries):
            answer = self.ask(verb, charge, account)
            if answer["status"] not in ("unknown", "not_now"):
                return answer
        raise AssertionError(f"{verb} is still open: {answer}")

    def approved(self, action="approve", account=None, **changes):
        charge = self.charge(**changes)
        charge["reference"] = self.ask("authorize", charge, account)["reference"]
        self.act(charge["reference"], action)
        return charge

    def paid(self, **changes):
        charge = self.approved(**changes)
        assert self.ask("query", charge)["status"] == "succeeded"
        return charge


@pytest.fixture
def make_shop(providers):  # noqa: F811
    made = []

    def make(running=providers, **probe):
        made.append(Shop(running, **probe))
        return made[-1]

    yield make
    for shop in made:
        said = shop.probe.close()
        assert SECRET not in said and "A21AA" not in said


@pytest.fixture
def shop(make_shop):
    return make_shop()


# -- paying ----------------------------------------------------------------------


def test_an_approved_order_is_captured_by_whoever_asks(shop):
    charge = shop.charge()
    waits = shop.ask("authorize", charge)
    assert waits["status"] == "requires_action" and "/pages/approve/" in waits["action_url"]
    assert shop.ask("authorize", charge)["reference"] == waits["reference"]  # under its request id
    assert shop.ask("query", charge)["status"] == "not_found"  # nobody was sent there yet
    charge["reference"] = waits["reference"]
    for verb in ("query", "authorize"):
        assert shop.ask(verb, charge)["action_url"] == waits["action_url"]
    assert shop.money(charge) == (0, 0)
    shop.act(charge["reference"], "approve")
    for _ in range(3):
        paid = shop.ask("query", charge)
        assert (paid["status"], paid["captured"], paid["refunded"]) == ("succeeded", 1999, 0)
    assert shop.money(charge) == (1999, 0)
    (unit,) = shop.order(charge["reference"])["purchase_units"]
    assert (unit["custom_id"], unit["invoice_id"], unit["reference_id"]) == (charge["order_id"], charge["order_id"], charge["attempt_id"])


def test_a_declined_instrument_sends_the_shopper_back(shop):
    charge = shop.approved("approve_declined")
    answer = shop.ask("query", charge)
    assert (answer["status"], answer["code"]) == ("requires_action", "INSTRUMENT_DECLINED") and answer["action_url"]
    shop.act(charge["reference"], "approve")
    assert shop.ask("query", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


@pytest.mark.parametrize("end, state, money", [("complete", "succeeded", 1999), ("deny", "declined", 0)])
def test_a_slow_account_is_processing_until_it_ends(shop, end, state, money):
    charge = shop.approved("approve_pending")
    assert shop.ask("query", charge)["status"] == "processing"
    assert shop.ask("cancel", charge)["status"] == "processing"
    capture = shop.order(charge["reference"])["purchase_units"][0]["payments"]["captures"][0]["id"]
    shop.act(capture, end)
    assert shop.ask("query", charge)["status"] == state
    assert shop.money(charge) == (money, 0)


def test_an_order_is_paid_once_whatever_its_attempts(shop):
    first = shop.paid()
    second = shop.approved(order_id=first["order_id"])
    answer = shop.ask("query", second)
    assert (answer["status"], answer["code"]) == ("rejected", "DUPLICATE_INVOICE_ID")
    assert shop.money(first) == (1999, 0)


@pytest.mark.parametrize("amount, currency, value", [(5, "EUR", "0.05"), (1999, "JPY", "1999"), (500000, "HUF", "5000"),
                                                     (12300, "TWD", "123")])
def test_amounts_are_written_as_paypal_writes_them(shop, amount, currency, value):
    charge = shop.approved(amount=amount, currency=currency)
    assert shop.order(charge["reference"])["purchase_units"][0]["amount"] == {"currency_code": currency, "value": value}
    assert shop.ask("query", charge)["captured"] == amount


@pytest.mark.parametrize("changes, code", [({"amount": 500050, "currency": "HUF"}, "amount_unsupported"),
                                           ({"currency": "KWD", "amount": 1000}, "CURRENCY_NOT_SUPPORTED"),
                                           ({"return_url": ""}, "no_return_url"),
                                           ({"method_token": "4242 4242 4242 4242"}, "card_number")])
def test_what_paypal_cannot_take_is_rejected(shop, changes, code):
    answer = shop.ask("authorize", shop.charge(**changes))
    assert (answer["status"], answer["code"]) == ("rejected", code)


# -- what breaks -----------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"drop_after_next": 1}, {"partial_next": 1}, {"drop_before_next": 2}, {"fail_next": 1},
                                   {"fail_before_next": 2}, {"limit_next": 1}, {"conflict_next": 2}, {"drop_after_next": 8}])
@pytest.mark.parametrize("path", ["orders", "capture"])
def test_a_fault_costs_a_retry_and_no_money(shop, providers, fault, path):  # noqa: F811
    charge = shop.charge()
    if path == "orders":
        providers.faults("paypal", **fault)
    charge["reference"] = shop.settle("authorize", charge)["reference"]
    shop.act(charge["reference"], "approve")
    if path == "capture":
        providers.faults("paypal", path="capture", **fault)
    assert shop.settle("query", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_money_that_was_taken_unheard_is_found(shop, providers):  # noqa: F811
    charge = shop.approved()
    providers.faults("paypal", path="capture", drop_after_next=50)
    assert shop.ask("query", charge)["status"] == "unknown"
    providers.faults("paypal", drop_after_next=0)
    assert shop.money(charge) == (1999, 0)
    assert shop.ask("query", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_a_time_limit_holds(make_shop, providers):  # noqa: F811
    shop = make_shop(time_limit_ms=500)
    charge = shop.approved()
    providers.faults("paypal", latency_ms=1500)
    began = time.monotonic()
    assert shop.ask("query", charge)["status"] == "unknown"
    assert time.monotonic() - began < 1
    providers.faults("paypal", latency_ms=0)
    assert shop.settle("query", charge, tries=60)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_many_at_once_are_each_captured_once(shop, providers):  # noqa: F811
    charges = [shop.approved() for _ in range(10)]
    providers.faults("paypal", path="capture", drop_after_next=5, fail_next=3)
    shop.probe.together([shop.command("query", charge) for charge in charges * 2])
    for charge in charges:
        assert shop.settle("query", charge)["status"] == "succeeded"
        assert shop.money(charge) == (1999, 0)


def test_too_many_calls_are_not_now(make_shop):
    shop = make_shop(tuning={"calls_per_second": 0.1, "burst": 3})
    charges = [shop.charge() for _ in range(3)]  # the first call is for a token
    assert [shop.ask("authorize", charge)["status"] for charge in charges] == ["requires_action"] * 2 + ["not_now"]


def test_credentials_are_checked(shop, providers):  # noqa: F811
    bad = {"public_key": CLIENT, "secrets": {"client_secret": "bad"}}
    assert shop.ask("check_account", shop.charge()) == ""
    assert shop.ask("check_account", shop.charge(), bad) == "bad_credentials"
    answer = shop.ask("authorize", shop.charge(), bad)
    assert (answer["status"], answer["code"]) == ("rejected", "bad_credentials")
    waits = shop.approved()
    answer = shop.ask("query", waits, bad)  # a good token of the same client is not used
    assert (answer["status"], answer["code"]) == ("unknown", "bad_credentials")
    assert shop.ask("query", waits, {"public_key": CLIENT})["status"] == "not_now"
    providers.faults("paypal", refuse=True)
    assert shop.ask("check_account", shop.charge()) == "unreachable"


def test_a_token_that_is_taken_back_is_replaced(tmp_path):
    running = Providers(str(tmp_path / "short"), "--paypal-token-s", "62")
    shop = Shop(running)
    try:
        waits = shop.charge()
        waits["reference"] = shop.ask("authorize", waits)["reference"]
        time.sleep(2.1)  # the token is kept for two seconds: until a minute before it ends
        assert shop.ask("query", waits)["status"] == "requires_action"
        running.stop()
        rows = (tmp_path / "short").read_text().splitlines(keepends=True)
        kept = [row for row in rows if "A21AA" not in row]
        assert len(kept) == len(rows) - 2  # both tokens
        (tmp_path / "short").write_text("".join(kept))
        running.start()
        assert shop.ask("query", waits)["status"] == "requires_action"
    finally:
        shop.probe.close()
        running.stop()


# -- cancelling and capturing ------------------------------------------------------


def test_a_cancelled_order_is_never_captured(shop):
    assert shop.ask("cancel", shop.charge())["status"] == "cancelled"
    waits = shop.charge()
    waits["reference"] = shop.ask("authorize", waits)["reference"]
    assert shop.ask("cancel", waits)["status"] == "cancelled"
    shop.act(waits["reference"], "approve")  # the shopper was still on the page
    assert shop.ask("query", waits)["status"] == "cancelled"
    approved = shop.approved()
    assert shop.ask("cancel", approved)["status"] == "cancelled"
    assert shop.ask("query", approved)["status"] == "cancelled"
    paid = shop.paid()
    assert shop.ask("cancel", paid)["status"] == "succeeded"
    assert [shop.money(c) for c in (waits, approved, paid)] == [(0, 0), (0, 0), (1999, 0)]
    again = shop.paid(order_id=waits["order_id"])  # another attempt for the same order
    assert shop.money(again) == (1999, 0)


def test_a_promise_is_captured_in_part_or_let_go(shop, providers):  # noqa: F811
    manual = {**shop.account, "manual_capture": True}
    charge = shop.approved(account=manual)
    assert shop.ask("query", charge, manual)["status"] == "authorized"
    assert shop.ask("query", charge)["status"] == "authorized"  # whatever the setting is by now
    assert shop.money(charge) == (0, 0)
    assert shop.ask("capture", {**charge, "captures": 2100}, manual)["status"] == "rejected"
    providers.faults("paypal", path="capture", drop_after_next=1)
    taken = shop.settle("capture", {**charge, "captures": 1500}, manual)
    assert (taken["status"], taken["captured"]) == ("succeeded", 1500)
    assert shop.ask("capture", {**charge, "captures": 1500}, manual)["status"] == "succeeded"
    assert shop.money(charge) == (1500, 0)
    let_go = shop.approved(account=manual)
    shop.ask("query", let_go, manual)
    providers.faults("paypal", path="void", drop_after_next=1)
    assert shop.settle("cancel", let_go, manual)["status"] == "cancelled"
    assert shop.ask("query", let_go, manual)["status"] == "cancelled"
    assert shop.money(let_go) == (0, 0)


# -- refunds ---------------------------------------------------------------------


def refund_of(charge, amount):
    return {**charge, "refund_id": ulid(), "refunds": amount, "refund_created_at": time.time()}


@pytest.mark.parametrize("fault", [{}, {"drop_after_next": 1}, {"drop_after_next": 8}, {"fail_next": 1}, {"fail_before_next": 1}])
def test_a_refund_is_given_once(shop, providers, fault):  # noqa: F811
    charge = shop.paid()
    wanted = refund_of(charge, 500)
    providers.faults("paypal", path="refund", **fault)
    done = shop.settle("refund", wanted)
    providers.faults("paypal", drop_after_next=0)
    assert done["status"] == "refunded" and done["refund_reference"]
    for again in (wanted, {**wanted, "refund_reference": done["refund_reference"]}):
        assert shop.ask("query_refund", again)["refund_reference"] == done["refund_reference"]
        assert shop.ask("refund", again)["status"] == "refunded"
    assert shop.money(charge) == (1999, 500)
    now = shop.ask("query", charge)
    assert (now["status"], now["captured"], now["refunded"]) == ("succeeded", 1999, 500)
    more = shop.ask("refund", refund_of(charge, 1500))
    assert (more["status"], more["code"]) == ("rejected", "REFUND_AMOUNT_EXCEEDED")
    assert shop.ask("refund", refund_of(charge, 1499))["status"] == "refunded"
    assert shop.ask("query", charge)["status"] == "refunded"
    assert shop.money(charge) == (1999, 1999)


def test_nothing_is_refunded_of_what_was_not_paid(shop):
    charge = shop.charge()
    charge["reference"] = shop.ask("authorize", charge)["reference"]
    assert shop.ask("refund", refund_of(charge, 500))["code"] == "nothing_to_refund"


# -- webhooks --------------------------------------------------------------------


def read(shop, headers, body, account=None):
    call = {"headers": {name.lower(): value for name, value in headers.items()}, "body": body if isinstance(body, str) else body.decode()}
    return shop.ask("read_event", shop.charge(), account, now=time.time(), **call)


def test_webhooks_of_the_provider_are_read(shop, providers, receiver):  # noqa: F811
    providers.admin("accounts", provider="paypal", account=CLIENT, webhooks=[{"url": receiver.url, "webhook_id": WEBHOOK}])
    charge = shop.paid()
    shop.ask("refund", refund_of(charge, 500))
    received = receiver.wait(4)
    types = set()
    for headers, body, _, _ in received:
        event = read(shop, headers, body)
        assert (event["what"], event["order_id"]) == ("genuine", charge["order_id"])
        assert event["attempt_id"] == (charge["attempt_id"] if "ORDER" in event["type"] else "")
        types.add(event["type"])
    assert types == {"CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED"}
    headers, body = next((headers, body) for headers, body, _, _ in received if b"purchase_units" in body)  # they come in any order
    other = json.loads(body)
    other["resource"]["purchase_units"][0]["custom_id"] = ulid()
    assert read(shop, headers, json.dumps(other))["what"] == "forged"
    for bad in ("", "[]", '{}, "webhook_id": "x"', "{} {}"):
        assert read(shop, headers, bad)["what"] == "forged"
    assert read(shop, {}, body)["what"] == "forged"
    assert read(shop, headers, body, {"public_key": CLIENT, "secrets": {"client_secret": SECRET}})["what"] == "forged"
    assert read(shop, headers, body, {**shop.account, "secrets": {"client_secret": SECRET, "webhook_id": "WH-X"}})["what"] == "forged"
    providers.faults("paypal", refuse=True)
    assert read(shop, headers, body)["what"] == "unknown"


def test_forged_deliveries_are_seen_and_duplicates_have_one_id(shop, providers, receiver):  # noqa: F811
    providers.admin("accounts", provider="paypal", account=CLIENT,
                    webhooks=[{"url": receiver.url, "webhook_id": WEBHOOK, "events": ["PAYMENT.CAPTURE.COMPLETED"]}])
    receiver.answers = [400]
    providers.faults("paypal", webhook_forge_next=1)
    shop.paid()
    receiver.wait(2)
    providers.faults("paypal", webhook_duplicate_next=1)
    shop.paid()
    events = [read(shop, headers, body) for headers, body, _, _ in receiver.wait(4)]
    assert [e["what"] for e in events] == ["forged", "genuine", "genuine", "genuine"]
    assert events[2]["id"] == events[3]["id"]


def test_forged_webhooks_use_up_no_calls_of_payments(make_shop, providers, receiver):  # noqa: F811
    shop = make_shop(tuning={"calls_per_second": 0.1, "burst": 8})
    providers.admin("accounts", provider="paypal", account=CLIENT, webhooks=[{"url": receiver.url, "webhook_id": WEBHOOK}])
    charge = shop.charge()
    charge["reference"] = shop.ask("authorize", charge)["reference"]
    shop.act(charge["reference"], "approve")
    headers, body, _, _ = receiver.wait(1)[0]
    kinds = [read(shop, {**headers, "PAYPAL-TRANSMISSION-ID": str(i)}, body)["what"] for i in range(12)]
    assert kinds[0] == "forged" and kinds[-1] == "unknown"
    assert shop.ask("query", charge)["status"] == "succeeded"


# -- the books -------------------------------------------------------------------


def test_the_books_agree_with_the_ledger(shop, providers):  # noqa: F811
    began = int(time.time()) - 1
    charges = [shop.paid() for _ in range(5)]
    for charge in charges[:2]:
        shop.ask("refund", refund_of(charge, 500))
    books = shop.ask("entries", shop.charge(), **{"from": began - 40 * 86400, "to": time.time() + 86400})
    assert books["complete"]
    ours = sorted((e["refund"], e["refund_reference"], e["reference"], e["amount"], e["order_id"], e["currency"]) for e in books["entries"])
    theirs = sorted((e["type"] == "refunded", e["id"] if e["type"] == "refunded" else "", "", e["amount"], e["order_reference"], e["currency"])
                    for e in providers.ledger())
    assert ours == theirs and len(ours) == 7
    assert shop.ask("entries", shop.charge(), **{"from": began - 100, "to": began - 50}) == {"complete": True, "entries": []}
    providers.faults("paypal", path="reporting", fail_before_next=3)
    assert not shop.ask("entries", shop.charge(), **{"from": began, "to": time.time() + 2})["complete"]
