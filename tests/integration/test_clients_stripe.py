"""souk's client of Stripe against the sandbox of Stripe: whatever breaks, money moves once and the ledger agrees."""

import hashlib
import hmac
import json
import time

import pytest
import requests

from probe import Probe, ulid
from providers import providers, receiver  # noqa: F401 (fixtures)

KEY = "sk_test_shop_of_the_tests"
SECRETS = ["whsec_old", "whsec_new"]
HOUR = 3600


class Shop:
    """A store with a Stripe account, and the clients that serve it."""

    def __init__(self, running, **probe):
        self.running = running
        self.store = ulid()
        self.account = {"secrets": {"secret_key": KEY, "webhook_secrets": SECRETS}}
        self.probe = Probe(stripe=f"{running.url}/stripe", **probe)

    def charge(self, token="pm_card_visa", **changes):
        return {"attempt_id": ulid(), "order_id": ulid(), "store_id": self.store, "amount": 1999, "currency": "EUR",
                "method_token": token, "created_at": time.time(), "return_url": "https://shop.test/orders/1",
                "email": "ann@example.com", "store_name": "Tea & Co", "order_number": 1001,
                "address": {"name": "Ann", "line1": "1 Main St", "city": "Ulm", "postal_code": "89073", "country": "DE"}, **changes}

    def command(self, verb, charge, account=None, **more):
        return {"client": "stripe", "verb": verb, "charge": charge, "account": account or self.account, **more}

    def ask(self, verb, charge, account=None, **more):
        return self.probe.ask(self.command(verb, charge, account, **more))

    def money(self, charge):
        """What the ledger says moved for the order: (taken, given back)."""
        mine = [e for e in self.running.ledger() if e["order_reference"] == charge["order_id"]]
        return tuple(sum(e["amount"] for e in mine if e["type"] == kind) for kind in ("captured", "refunded"))

    def get(self, path, **params):
        answer = requests.get(f"{self.running.url}/stripe/v1/{path}", params=params, timeout=10,
                              headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def intents(self):
        return self.get("payment_intents", limit=100)["data"]

    def act(self, reference, action):
        self.running.admin("stripe/act", account=KEY, id=reference, action=action)

    def settle(self, verb, charge, account=None, tries=20):
        """Asks as an order does: again until it is known."""
        for _ in range(tries):
            answer = self.ask(verb, charge, account)
            if answer["status"] not in ("unknown", "not_now"):
                return answer
        raise AssertionError(f"{verb} is still open: {answer}")


@pytest.fixture
def make_shop(providers):  # noqa: F811
    made = []

    def make(**probe):
        made.append(Shop(providers, **probe))
        return made[-1]

    yield make
    for shop in made:
        said = shop.probe.close()
        assert KEY not in said and "whsec" not in said


@pytest.fixture
def shop(make_shop):
    return make_shop()


# -- paying ----------------------------------------------------------------------


def test_a_card_pays_once_however_often_it_is_asked_for(shop):
    charge = shop.charge()
    first = shop.ask("authorize", charge)
    assert first["status"] == "succeeded" and first["reference"].startswith("pi_")
    assert (first["captured"], first["refunded"]) == (1999, -1) or (first["captured"], first["refunded"]) == (1999, 0)
    for verb in ("authorize", "query", "authorize"):
        again = shop.ask(verb, charge)
        assert (again["status"], again["reference"]) == ("succeeded", first["reference"])
    assert shop.ask("query", {**charge, "reference": first["reference"]})["captured"] == 1999
    assert shop.money(charge) == (1999, 0)
    (intent,) = shop.intents()
    assert intent["metadata"] == {"order_id": charge["order_id"], "attempt_id": charge["attempt_id"], "store_id": shop.store}
    assert intent["shipping"]["address"]["city"] == "Ulm"


@pytest.mark.parametrize("token, code", [("pm_card_chargeDeclined", "card_declined"),
                                         ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
                                         ("pm_card_chargeDeclinedExpiredCard", "expired_card")])
def test_a_declined_card_is_declined_for_good(shop, token, code):
    charge = shop.charge(token)
    for verb in ("authorize", "query", "authorize"):
        answer = shop.ask(verb, charge)
        assert (answer["status"], answer["code"]) == ("declined", code)
    assert shop.ask("cancel", charge)["status"] == "cancelled"
    assert shop.money(charge) == (0, 0)


def test_a_bank_that_asks_is_gone_to_and_comes_back(shop):
    charge = shop.charge("pm_card_threeDSecure2Required")
    waits = shop.ask("authorize", charge)
    assert waits["status"] == "requires_action" and "/pages/authenticate/" in waits["action_url"]
    charge["reference"] = waits["reference"]
    assert shop.ask("query", charge)["action_url"] == waits["action_url"]
    shop.act(waits["reference"], "approve")
    assert shop.ask("query", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)

    refused = shop.charge("pm_card_threeDSecure2Required")
    refused["reference"] = shop.ask("authorize", refused)["reference"]
    shop.act(refused["reference"], "decline")
    answer = shop.ask("query", refused)
    assert (answer["status"], answer["code"]) == ("declined", "payment_intent_authentication_failure")


def test_a_slow_bank_is_processing_until_it_says(shop):
    charge = shop.charge("pm_card_processing")
    charge["reference"] = shop.ask("authorize", charge)["reference"]
    assert shop.ask("query", charge)["status"] == "processing"
    assert shop.ask("cancel", charge)["status"] == "processing"  # too late to be sure
    shop.act(charge["reference"], "approve")
    assert shop.ask("cancel", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


@pytest.mark.parametrize("token, code", [("pm_nobody", "resource_missing"), ("4242424242424242", "card_number"),
                                         ("4242 4242-4242 4242", "card_number")])
def test_a_bad_token_is_rejected_and_a_card_number_goes_nowhere(shop, token, code):
    charge = shop.charge(token)
    answer = shop.ask("authorize", charge)
    assert (answer["status"], answer["code"]) == ("rejected", code)
    if code == "card_number":
        assert shop.intents() == []


def test_a_card_number_in_another_field_is_left_out(shop):
    charge = shop.charge()
    charge["address"] = {"name": "Ann", "line1": "1 Main St", "line2": "4242 4242 4242 4242", "country": "DE", "phone": "+49 731 1"}
    assert shop.ask("authorize", charge)["status"] == "succeeded"
    assert "4242 4242" not in json.dumps(shop.intents()[0]["shipping"])


@pytest.mark.parametrize("amount, currency, charged", [(1999, "JPY", 1999), (5000, "UGX", 500000), (500000, "MGA", 5000),
                                                       (12340, "KWD", 12340)])
def test_amounts_are_counted_as_stripe_counts(shop, amount, currency, charged):
    charge = shop.charge(amount=amount, currency=currency)
    answer = shop.ask("authorize", charge)
    assert (answer["status"], answer["captured"]) == ("succeeded", amount)
    assert shop.intents()[0]["amount"] == charged


@pytest.mark.parametrize("amount, currency", [(12345, "KWD"), (500050, "MGA")])
def test_amounts_that_stripe_cannot_take_are_rejected(shop, amount, currency):
    answer = shop.ask("authorize", shop.charge(amount=amount, currency=currency))
    assert (answer["status"], answer["code"]) == ("rejected", "amount_unsupported")


# -- what breaks -----------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"drop_after_next": 1}, {"partial_next": 1}, {"drop_before_next": 2}, {"fail_next": 1},
                                   {"fail_before_next": 2}, {"limit_next": 1}, {"conflict_next": 2}, {"fail_next": 7}])
@pytest.mark.parametrize("path", ["confirm", "v1/payment_intents"])
def test_a_fault_costs_a_retry_and_no_money(shop, providers, fault, path):  # noqa: F811
    charge = shop.charge()
    providers.faults("stripe", path=path, **fault)
    answer = shop.settle("authorize", charge)
    assert answer["status"] == "succeeded", answer
    assert shop.money(charge) == (1999, 0)
    assert shop.ask("query", charge)["reference"] == answer["reference"]


def test_lost_answers_beyond_all_retries_leave_it_unknown_and_then_known(shop, providers):  # noqa: F811
    charge = shop.charge()
    providers.faults("stripe", path="confirm", drop_after_next=50)
    assert shop.ask("authorize", charge)["status"] == "unknown"
    providers.faults("stripe", drop_after_next=0)
    assert shop.money(charge) == (1999, 0)  # it was taken, and nobody heard
    answer = shop.ask("query", charge)
    assert (answer["status"], answer["captured"]) == ("succeeded", 1999)
    assert shop.money(charge) == (1999, 0)


def test_what_was_never_executed_is_asked_for_again(shop, providers):  # noqa: F811
    charge = shop.charge()
    providers.faults("stripe", path="confirm", drop_before_next=50)
    assert shop.ask("authorize", charge)["status"] == "unknown"
    providers.faults("stripe", drop_before_next=0)
    assert shop.ask("query", charge)["status"] == "not_found"
    assert shop.ask("authorize", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_too_many_calls_are_not_now_and_retry_after_is_kept(shop, providers):  # noqa: F811
    charge = shop.charge()
    providers.faults("stripe", limit_next=3)
    began = time.monotonic()
    assert shop.ask("authorize", charge)["status"] == "not_now"
    assert time.monotonic() - began > 1.9  # two retries, each after the second that Retry-After asks for
    assert shop.ask("authorize", charge)["status"] == "succeeded"


def test_a_time_limit_holds_and_the_money_is_found(make_shop, providers):  # noqa: F811
    shop = make_shop(time_limit_ms=400)
    charge = shop.charge()
    providers.faults("stripe", latency_ms=1500)
    began = time.monotonic()
    assert shop.ask("authorize", charge)["status"] == "unknown"
    assert time.monotonic() - began < 1
    providers.faults("stripe", latency_ms=0)
    answer = shop.settle("authorize", charge, tries=50)
    assert answer["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_an_account_has_a_bucket_and_another_one_is_not_held_up(make_shop):
    shop = make_shop(tuning={"calls_per_second": 0.1, "burst": 4})
    charges = [shop.charge() for _ in range(4)]
    states = [shop.ask("authorize", charge)["status"] for charge in charges]
    assert states == ["succeeded", "succeeded", "not_now", "not_now"]
    other = {"secrets": {"secret_key": "sk_test_other"}}
    assert shop.ask("authorize", shop.charge(), other)["status"] == "succeeded"
    assert [shop.money(charge) for charge in charges] == [(1999, 0)] * 2 + [(0, 0)] * 2


def test_the_breaker_opens_and_closes_again(make_shop, providers):  # noqa: F811
    shop = make_shop(tuning={"breaker_failures": 3, "breaker_pause_ms": 300})
    providers.faults("stripe", refuse=True)
    assert shop.ask("authorize", shop.charge())["status"] == "unknown"
    providers.faults("stripe", refuse=False)
    charge = shop.charge()
    assert shop.ask("authorize", charge)["status"] == "not_now"
    time.sleep(0.4)
    assert shop.ask("authorize", charge)["status"] == "succeeded"
    assert shop.ask("authorize", shop.charge())["status"] == "succeeded"


def test_refusals_do_not_open_the_breaker(make_shop):
    shop = make_shop(tuning={"breaker_failures": 2})
    for _ in range(4):
        assert shop.ask("authorize", shop.charge("pm_nobody"))["status"] == "rejected"
    assert shop.ask("authorize", shop.charge())["status"] == "succeeded"


def test_bad_credentials_leave_it_open(shop):
    bad = {"secrets": {"secret_key": "sk_test_bad"}}
    answer = shop.ask("authorize", shop.charge(), bad)
    assert (answer["status"], answer["code"]) == ("unknown", "bad_credentials")
    assert shop.ask("check_account", shop.charge(), bad) == "bad_credentials"
    assert shop.ask("check_account", shop.charge()) == ""
    assert shop.ask("authorize", shop.charge(), {"manual_capture": False})["status"] == "not_now"  # there is none


def test_a_provider_that_is_away_is_unreachable(shop, providers):  # noqa: F811
    providers.faults("stripe", refuse=True)
    assert shop.ask("check_account", shop.charge()) == "unreachable"


def test_many_at_once_are_each_paid_once(shop, providers):  # noqa: F811
    charges = [shop.charge() for _ in range(12)]
    providers.faults("stripe", drop_after_next=6, fail_next=4)
    shop.probe.together([shop.command("authorize", charge) for charge in charges * 2])
    for charge in charges:
        assert shop.settle("authorize", charge)["status"] == "succeeded"
        assert shop.money(charge) == (1999, 0)


# -- old attempts ------------------------------------------------------------------


def test_an_old_attempt_is_looked_up_and_never_made_again(make_shop, providers):  # noqa: F811
    shop = make_shop()
    charge = shop.charge()
    assert shop.ask("authorize", charge)["status"] == "succeeded"
    old = {**charge, "created_at": time.time() - 23.5 * HOUR}
    assert shop.ask("authorize", old)["status"] == "succeeded"  # found by going through the list
    time.sleep(0.5)  # until search knows
    assert shop.ask("query", {**charge, "created_at": time.time() - 40 * HOUR})["status"] == "succeeded"
    never = shop.charge(created_at=time.time() - 40 * HOUR)
    assert shop.ask("query", never)["status"] == "not_found"
    assert shop.ask("cancel", never)["status"] == "not_found"
    answer = shop.ask("authorize", never)
    assert (answer["status"], answer["code"]) == ("rejected", "attempt_too_old")
    assert len(shop.intents()) == 1 and shop.money(never) == (0, 0)


def test_a_changed_setting_finds_what_was_made_before(shop):
    charge = shop.charge()
    paid = shop.ask("authorize", charge)
    changed = {**charge, "return_url": ""}
    assert shop.ask("authorize", changed)["reference"] == paid["reference"]
    assert shop.money(charge) == (1999, 0)


def test_a_mended_address_does_not_stop_a_payment(shop, providers):  # noqa: F811
    charge = shop.charge()
    providers.faults("stripe", path="confirm", drop_before_next=50)
    assert shop.ask("authorize", charge)["status"] == "unknown"
    providers.faults("stripe", drop_before_next=0, fail_next=50)
    charge["address"]["line1"] = "2 Main St"
    assert shop.settle("authorize", charge)["status"] == "succeeded"  # it was executed, and the failure is what is kept
    providers.faults("stripe", fail_next=0)
    charge["address"]["line1"] = "3 Main St"
    assert shop.ask("authorize", charge)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_another_attempts_payment_is_not_ours(shop):
    paid = shop.ask("authorize", shop.charge())
    answer = shop.ask("query", shop.charge(reference=paid["reference"]))
    assert (answer["status"], answer["code"]) == ("unknown", "foreign_payment")


# -- cancelling ------------------------------------------------------------------


def test_cancelling_shuts_the_door(shop):
    charge = shop.charge()
    assert shop.ask("cancel", charge)["status"] == "cancelled"  # what was never heard of, too
    assert shop.ask("authorize", charge)["status"] == "cancelled"
    assert shop.ask("query", charge)["status"] == "cancelled"
    paid = shop.charge()
    shop.ask("authorize", paid)
    assert shop.ask("cancel", paid)["status"] == "succeeded"
    waits = shop.charge("pm_card_threeDSecure2Required")
    waits["reference"] = shop.ask("authorize", waits)["reference"]
    assert shop.ask("cancel", waits)["status"] == "cancelled"
    assert [shop.money(c) for c in (charge, paid, waits)] == [(0, 0), (1999, 0), (0, 0)]


@pytest.mark.parametrize("fault", [{"fail_next": 1}, {"fail_next": 7}, {"drop_after_next": 9}, {"fail_before_next": 9}])
@pytest.mark.parametrize("token, path", [("pm_card_threeDSecure2Required", "cancel"), ("hosted", "expire")])
def test_a_cancel_is_heard_in_the_end(shop, providers, token, path, fault):  # noqa: F811
    charge = shop.charge(token)
    charge["reference"] = shop.ask("authorize", charge)["reference"]
    providers.faults("stripe", path=path, **fault)
    assert shop.settle("cancel", charge)["status"] == "cancelled"
    assert shop.ask("query", charge)["status"] == "cancelled"


def test_a_cancel_and_a_charge_at_once_agree(shop):
    for _ in range(5):
        charge = shop.charge()
        shop.probe.together([shop.command(verb, charge) for verb in ("authorize", "cancel")])
        end = shop.settle("cancel", charge)["status"]
        assert (end, shop.money(charge)) in [("cancelled", (0, 0)), ("succeeded", (1999, 0))]


# -- capturing -------------------------------------------------------------------


def test_a_promise_is_captured_in_part_or_let_go(shop, providers):  # noqa: F811
    manual = {**shop.account, "manual_capture": True}
    charge = shop.charge()
    promised = shop.ask("authorize", charge, manual)
    assert promised["status"] == "authorized" and shop.money(charge) == (0, 0)
    charge["reference"] = promised["reference"]
    assert shop.ask("capture", {**charge, "captures": 2500}, manual)["status"] == "rejected"
    providers.faults("stripe", path="capture", drop_after_next=1, fail_next=3)
    taken = shop.settle("capture", {**charge, "captures": 1500}, manual)
    assert (taken["status"], taken["captured"]) == ("succeeded", 1500)
    assert shop.ask("query", charge, manual)["refunded"] == 0  # what was let go was never taken
    assert shop.money(charge) == (1500, 0)
    let_go = shop.charge()
    let_go["reference"] = shop.ask("authorize", let_go, manual)["reference"]
    assert shop.ask("cancel", let_go, manual)["status"] == "cancelled"
    assert shop.ask("capture", {**let_go, "captures": 1999}, manual)["status"] == "cancelled"
    assert shop.money(let_go) == (0, 0)


# -- refunds ---------------------------------------------------------------------


def paid_charge(shop, token="pm_card_visa"):
    charge = shop.charge(token)
    charge["reference"] = shop.ask("authorize", charge)["reference"]
    return charge


def refund_of(charge, amount, **more):
    return {**charge, "refund_id": ulid(), "refunds": amount, "refund_created_at": time.time(), **more}


@pytest.mark.parametrize("fault", [{}, {"drop_after_next": 1}, {"drop_after_next": 3}, {"fail_next": 1}, {"fail_before_next": 1},
                                   {"drop_before_next": 3}, {"fail_next": 6}])
def test_a_refund_is_given_once(shop, providers, fault):  # noqa: F811
    charge = paid_charge(shop)
    wanted = refund_of(charge, 500)
    providers.faults("stripe", path="refunds", **fault)
    done = shop.settle("refund", wanted)
    assert done["status"] == "refunded" and done["refund_reference"].startswith("re_")
    old = {**wanted, "refund_created_at": time.time() - 30 * HOUR}
    for again in (wanted, old, {**wanted, "refund_reference": done["refund_reference"]}):
        assert shop.ask("query_refund", again)["refund_reference"] == done["refund_reference"]
        assert shop.ask("refund", again)["status"] == "refunded"
    assert shop.money(charge) == (1999, 500)
    now = shop.ask("query", charge)
    assert (now["status"], now["captured"], now["refunded"]) == ("succeeded", 1999, 500)
    assert shop.ask("refund", refund_of(charge, 1499))["status"] == "refunded"
    assert shop.ask("query", charge)["status"] == "refunded"
    more = shop.ask("refund", refund_of(charge, 1))
    assert (more["status"], more["code"]) == ("rejected", "charge_already_refunded")
    assert shop.money(charge) == (1999, 1999)


@pytest.mark.parametrize("end, state", [("succeed", "refunded"), ("fail", "rejected")])
def test_a_slow_refund_is_processing_and_then_ends(shop, end, state):
    charge = paid_charge(shop, "pm_card_pendingRefund")
    wanted = refund_of(charge, 700)
    slow = shop.ask("refund", wanted)
    assert slow["status"] == "processing"
    wanted["refund_reference"] = slow["refund_reference"]
    assert shop.ask("query_refund", wanted)["status"] == "processing"
    shop.act(slow["refund_reference"], end)
    assert shop.ask("query_refund", wanted)["status"] == state
    assert shop.money(charge) == (1999, 700 if end == "succeed" else 0)


# -- the hosted page ---------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "hosted"])
def test_a_hosted_page_is_paid(shop, token):
    charge = shop.charge(token)
    page = shop.ask("authorize", charge)
    assert page["status"] == "requires_action" and page["reference"].startswith("cs_") and "/pages/checkout/" in page["action_url"]
    assert shop.ask("authorize", charge)["reference"] == page["reference"]
    charge["reference"] = page["reference"]
    shop.act(page["reference"], "decline")  # the shopper tries another card
    assert shop.ask("query", charge)["status"] == "requires_action"
    shop.act(page["reference"], "pay")
    paid = shop.ask("query", charge)
    assert paid["status"] == "succeeded" and paid["reference"].startswith("pi_")
    assert shop.money(charge) == (1999, 0)
    assert shop.ask("refund", refund_of(charge, 1999))["status"] == "refunded"
    assert shop.money(charge) == (1999, 1999)


def test_a_hosted_page_is_cancelled_unless_it_was_paid(shop):
    charge = shop.charge("hosted")
    charge["reference"] = shop.ask("authorize", charge)["reference"]
    assert shop.ask("cancel", charge)["status"] == "cancelled"
    assert shop.ask("query", charge)["status"] == "cancelled"
    late = shop.charge("hosted")
    late["reference"] = shop.ask("authorize", late)["reference"]
    shop.act(late["reference"], "pay")
    assert shop.ask("cancel", late)["status"] == "succeeded"
    slow = shop.charge("hosted")
    slow["reference"] = shop.ask("authorize", slow)["reference"]
    shop.act(slow["reference"], "pay_later")
    answer = shop.ask("query", slow)
    assert answer["status"] == "processing"
    shop.act(answer["reference"], "approve")
    assert shop.ask("query", slow)["status"] == "succeeded"
    assert [shop.money(c) for c in (charge, late, slow)] == [(0, 0), (1999, 0), (1999, 0)]


def test_a_hosted_page_can_promise_only(shop):
    manual = {**shop.account, "manual_capture": True}
    charge = shop.charge("hosted")
    charge["reference"] = shop.ask("authorize", charge, manual)["reference"]
    shop.act(charge["reference"], "pay")
    promised = shop.ask("query", charge, manual)
    assert promised["status"] == "authorized"
    assert shop.ask("capture", {**charge, "captures": 1999}, manual)["status"] == "succeeded"
    assert shop.money(charge) == (1999, 0)


def test_a_lost_page_is_found_again(shop, providers):  # noqa: F811
    charge = shop.charge("hosted")
    providers.faults("stripe", path="sessions", drop_after_next=50)
    assert shop.ask("authorize", charge)["status"] == "unknown"
    providers.faults("stripe", drop_after_next=0)
    assert shop.ask("query", charge)["status"] == "not_found"  # nobody was sent there yet
    assert shop.ask("authorize", charge)["status"] == "requires_action"
    assert len(shop.get("checkout/sessions")["data"]) == 1


# -- webhooks --------------------------------------------------------------------


def read(shop, headers, body, now=None, account=None):
    call = {"headers": {name.lower(): value for name, value in headers.items()}, "body": body if isinstance(body, str) else body.decode()}
    return shop.ask("read_event", shop.charge(), account, now=now or time.time(), **call)


def signature(body, secret=SECRETS[0], at=None):
    at = int(at or time.time())
    return {"Stripe-Signature": f"t={at},v1=" + hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()}


def test_webhooks_of_the_provider_are_read(shop, providers, receiver):  # noqa: F811
    providers.admin("accounts", provider="stripe", account=KEY, webhooks=[{"url": receiver.url, "secrets": [SECRETS[1]]}])
    charge = paid_charge(shop)
    shop.ask("refund", refund_of(charge, 500))
    received = receiver.wait(5)
    events = {}
    for headers, body, _, _ in received:
        event = read(shop, headers, body)
        assert event["what"] == "genuine" and event["id"].startswith("evt_")
        assert (event["order_id"], event["attempt_id"]) == (charge["order_id"], charge["attempt_id"])
        events[event["type"]] = event
    assert {"payment_intent.succeeded", "charge.succeeded", "refund.created", "charge.refunded"} <= set(events)
    headers, body, _, _ = received[0]
    assert read(shop, headers, body + b" ")["what"] == "forged"
    assert read(shop, headers, body, now=time.time() + 400)["what"] == "forged"
    assert read(shop, headers, body, now=time.time() - 400)["what"] == "forged"
    assert read(shop, headers, body, account={"secrets": {"secret_key": KEY, "webhook_secrets": ["whsec_x", ""]}})["what"] == "forged"
    assert read(shop, headers, body, account={"secrets": {"secret_key": KEY}})["what"] == "forged"
    assert read(shop, {}, body)["what"] == "forged"


def test_forged_and_stale_deliveries_are_seen_and_duplicates_have_one_id(shop, providers, receiver):  # noqa: F811
    providers.admin("accounts", provider="stripe", account=KEY,
                    webhooks=[{"url": receiver.url, "secrets": SECRETS, "events": ["payment_intent.succeeded"]}])
    receiver.answers = [400]
    providers.faults("stripe", webhook_forge_next=1)
    paid_charge(shop)
    receiver.wait(2)
    receiver.answers = [400]
    providers.faults("stripe", webhook_stale_next=1)
    paid_charge(shop)
    receiver.wait(4)
    providers.faults("stripe", webhook_duplicate_next=1)
    paid_charge(shop)
    events = [read(shop, headers, body) for headers, body, _, _ in receiver.wait(6)]
    assert [e["what"] for e in events] == ["forged", "genuine"] * 2 + ["genuine", "genuine"]
    assert events[4]["id"] == events[5]["id"]


def test_a_signed_event_that_is_none_is_unreadable(shop):
    for body in ("{}", "nonsense", '{"id":"evt_1","type":"x","data":7}'):
        assert read(shop, signature(body), body)["what"] == "unreadable"
    strange = json.dumps({"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}})
    event = read(shop, signature(strange), strange)
    assert (event["what"], event["order_id"]) == ("genuine", "")
    other = json.dumps({"id": "evt_2", "type": "payment_intent.succeeded",
                        "data": {"object": {"metadata": {"order_id": ulid(), "attempt_id": ulid(), "store_id": ulid()}}}})
    assert read(shop, signature(other), other)["order_id"] == ""  # of another store with the same account


# -- the books -------------------------------------------------------------------


def test_the_books_agree_with_the_ledger(shop, providers):  # noqa: F811
    began = time.time() - 1
    charges = [paid_charge(shop) for _ in range(105)]
    for charge in charges[:3]:
        shop.ask("refund", refund_of(charge, 500))
    books = shop.ask("entries", shop.charge(), **{"from": began, "to": time.time() + 2})
    assert books["complete"]
    ours = sorted((e["refund_reference"] if e["refund"] else e["reference"], e["amount"], e["order_id"], e["currency"])
                  for e in books["entries"])
    theirs = sorted((e["id"] if e["type"] == "refunded" else e["payment"], e["amount"], e["order_reference"], e["currency"].upper())
                    for e in providers.ledger())
    assert ours == theirs and len(ours) == 108
    assert shop.ask("entries", shop.charge(), **{"from": began - 100, "to": began - 50}) == {"complete": True, "entries": []}
    forgotten = shop.ask("entries", shop.charge(), **{"from": began - 31 * 24 * HOUR, "to": time.time() + 2})
    assert not forgotten["complete"] and len(forgotten["entries"]) == 108  # events older than 30 days are not there
    providers.faults("stripe", path="events", fail_before_next=3)
    assert not shop.ask("entries", shop.charge(), **{"from": began, "to": time.time() + 2})["complete"]
