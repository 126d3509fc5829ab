"""Stripe's own SDK drives the sandbox, so that it agrees with more than our reading of the contract."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from providers import ROOT, providers, receiver  # noqa: F401 (fixtures)

SDK = "stripe@23.1.0"

SCRIPT = r"""
const Stripe = require('stripe');
const assert = require('assert');
const {URL} = require('url');
const at = new URL(process.argv[2]);

// The SDK has no base path: what it sends gets the sandbox's in front.
class BasedClient extends Stripe.HttpClient {
  constructor() { super(); this.inner = Stripe.createNodeHttpClient(); }
  getClientName() { return 'based'; }
  makeRequest(host, port, path, ...rest) { return this.inner.makeRequest(host, port, '/stripe' + path, ...rest); }
}
const stripe = new Stripe('sk_test_sdk', {
  host: at.hostname, port: at.port, protocol: 'http', httpClient: new BasedClient(), maxNetworkRetries: 2, telemetry: false});

const basics = {amount: 2000, currency: 'eur', metadata: {order_id: 'order-sdk'},
  automatic_payment_methods: {enabled: true, allow_redirects: 'never'}};

async function main() {
  const created = await stripe.paymentIntents.create({...basics, capture_method: 'manual'}, {idempotencyKey: 'sdk-1'});
  assert.equal(created.status, 'requires_payment_method');
  const held = await stripe.paymentIntents.confirm(created.id, {payment_method: 'pm_card_visa'});
  assert.equal(held.status, 'requires_capture');
  const captured = await stripe.paymentIntents.capture(created.id, {amount_to_capture: 1500});
  assert.equal(captured.amount_received, 1500);
  const refund = await stripe.refunds.create({payment_intent: created.id, amount: 500});
  assert.equal(refund.status, 'succeeded');

  const again = await stripe.paymentIntents.create({...basics, capture_method: 'manual'}, {idempotencyKey: 'sdk-1'});
  assert.equal(again.id, created.id);
  await assert.rejects(stripe.paymentIntents.create({...basics, amount: 1}),
    Stripe.errors.StripeInvalidRequestError);
  await assert.rejects(stripe.paymentIntents.create({...basics, amount: 2001}, {idempotencyKey: 'sdk-1'}),
    Stripe.errors.StripeIdempotencyError);

  const gone = await stripe.paymentIntents.create(basics);
  assert.equal((await stripe.paymentIntents.cancel(gone.id, {cancellation_reason: 'abandoned'})).status, 'canceled');
  await assert.rejects(stripe.paymentIntents.create({...basics, confirm: true, payment_method: 'pm_card_chargeDeclined'}),
    error => error instanceof Stripe.errors.StripeCardError && error.decline_code === 'generic_decline'
      && error.payment_intent.status === 'requires_payment_method');
  const asked = await stripe.paymentIntents.create({...basics, confirm: true, payment_method: 'pm_card_authenticationRequired',
    return_url: 'http://shop.test/'});
  assert.equal(asked.next_action.type, 'redirect_to_url');
  const expanded = await stripe.paymentIntents.retrieve(created.id, {expand: ['latest_charge']});
  assert.equal(expanded.latest_charge.amount_captured, 1500);

  const ids = [];
  for await (const intent of stripe.paymentIntents.list({limit: 2})) ids.push(intent.id);
  assert.equal(ids.length, 4);
  assert.equal(ids[3], created.id);
  const types = [];
  for await (const event of stripe.events.list({limit: 3, types: ['charge.refunded', 'payment_intent.canceled']})) types.push(event.type);
  assert.deepEqual(types, ['payment_intent.canceled', 'charge.refunded']);
  const session = await stripe.checkout.sessions.create({mode: 'payment', success_url: 'http://shop.test/ok',
    line_items: [{price_data: {currency: 'eur', unit_amount: 900, product_data: {name: 'Tea'}}, quantity: 2}]});
  assert.equal(session.amount_total, 1800);
  assert.equal((await stripe.checkout.sessions.expire(session.id)).status, 'expired');
  await assert.rejects(new Stripe('sk_test_bad', {host: at.hostname, port: at.port, protocol: 'http', httpClient: new BasedClient()})
    .paymentIntents.list(), Stripe.errors.StripeAuthenticationError);

  const hooks = JSON.parse(require('fs').readFileSync(0, 'utf8') || '[]');
  for (const hook of hooks) {
    assert.equal(stripe.webhooks.constructEvent(hook.body, hook.signature, 'whsec_sdk').object, 'event');
    assert.throws(() => stripe.webhooks.constructEvent(hook.body + ' ', hook.signature, 'whsec_sdk'));
  }
  console.log(JSON.stringify({created: created.id, verified: hooks.length}));
}
main().catch(error => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="session")
def sdk():
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm and node are not installed, and Stripe's SDK for Node is what this test drives")
    folder = pathlib.Path(os.environ.get("SOUK_VAR", ROOT / "var")) / "stripe-sdk"
    if not (folder / "node_modules" / "stripe").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        install = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", SDK], cwd=folder,
                                 capture_output=True, text=True, timeout=180)
        if install.returncode != 0:
            pytest.skip(f"npm cannot install {SDK}: {install.stderr.strip()[-200:]}")
    return folder


def test_the_official_sdk_agrees(sdk, providers, receiver):  # noqa: F811
    import requests
    providers.admin("accounts", provider="stripe", account="sk_test_hooks",
                    webhooks=[{"url": receiver.url, "secrets": ["whsec_old", "whsec_sdk"]}])
    requests.post(f"{providers.url}/stripe/v1/payment_intents", headers={"Authorization": "Bearer sk_test_hooks"}, timeout=10,
                  data={"amount": 700, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa", "payment_method_types[]": "card"})
    hooks = [{"body": body.decode(), "signature": headers["Stripe-Signature"]} for headers, body, _, _ in receiver.wait(3)]
    (sdk / "drive.js").write_text(SCRIPT)
    done = subprocess.run(["node", "drive.js", providers.url], cwd=sdk, input=json.dumps(hooks), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verified"] == 3
    assert [(e["type"], e["amount"]) for e in providers.ledger() if e["payment"] == said["created"]] == [("captured", 1500), ("refunded", 500)]


SIGN = r"""
const Stripe = require('stripe');
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const at = timestamp => Stripe.webhooks.generateTestHeaderString({payload: asked.payload, secret: asked.secret, timestamp});
const now = Math.floor(Date.now() / 1000);
console.log(JSON.stringify({now: at(now), old: at(now - 3600)}));
"""


def test_the_shop_believes_what_the_official_sdk_signs(sdk, shop):
    """An event of the sandbox's account, signed by Stripe's SDK as Stripe signs: the order is paid by it, and by nothing less."""
    import requests
    from shop import ok, refused
    from test_order_life import HOOK, Outside, buy, status_is, with_stripe

    outside, merchant, person = Outside(shop), shop.merchant(), shop.guest()
    key = with_stripe(outside, merchant)
    outside.admin("faults", provider="stripe", webhook_drop_next=20)  # none but ours
    try:
        goods = merchant.product(stock=3)
        order = ok(buy(person, merchant, goods, {"type": "stripe", "token": "pm_card_authenticationRequired"}), 201)
        intent = ok(merchant.get(f"/orders/{order['order_id']}"))["payments"][0]["reference"]
        outside.admin("stripe/act", account=key, id=intent, action="approve")
        about = requests.get(f"{outside.url}/stripe/v1/payment_intents/{intent}", auth=(key, ""), timeout=10).json()
        event = {"id": "evt_sdk", "object": "event", "api_version": "2025-01-01", "created": 1, "livemode": False, "pending_webhooks": 1,
                 "request": None, "type": "payment_intent.succeeded", "data": {"object": about}}  # fmt: skip
        payload = json.dumps(event, indent=2)
        (sdk / "sign.js").write_text(SIGN)
        done = subprocess.run(["node", "sign.js"], cwd=sdk, input=json.dumps({"payload": payload, "secret": HOOK}), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        signed = json.loads(done.stdout)
        url = f"{shop.url}/webhooks/stripe/{merchant.store}"
        for header, body in ((signed["old"], payload), (signed["now"], payload + " "), (signed["now"].replace("v1=", "v0="), payload)):
            refused(requests.post(url, data=body, headers={"Stripe-Signature": header}, timeout=10), 400, "bad_signature")
        assert ok(person.get(f"/orders/{order['order_id']}"))["status"] == "pending"
        assert ok(requests.post(url, data=payload, headers={"Stripe-Signature": signed["now"]}, timeout=10)) == {"received": True}
        status_is(person, order["order_id"], "paid", seconds=3)
    finally:
        outside.admin("faults", provider="stripe", webhook_drop_next=0)
