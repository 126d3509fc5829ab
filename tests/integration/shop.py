"""A shop to test: started as anybody would start it, spoken to over HTTP."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4LB",
    "country": "GB",
}
ZONES = [{"name": "Everywhere", "countries": ["*"], "rates": [{"name": "Standard", "price": "4.90"}]}]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Shop:
    """`./souk up --detach` in a folder of its own."""

    def __init__(self, **settings):
        self.var = Path(tempfile.mkdtemp(prefix="souk-test-", dir="/tmp"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {f"SOUK_{k.upper()}": str(v) for k, v in settings.items()}

    def souk(self, *words, check=True, timeout=900):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SOUK_") or k == "SOUK_BUILD_DIR"}
        environment.update(self.settings)
        done = subprocess.run(
            [str(ROOT / "souk"), words[0], "--var", str(self.var), *words[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"souk {' '.join(words)} failed:\n{done.stdout[-4000:]}")
        return done

    def up(self, demo=False):
        self.souk("up", "--detach", "--port", str(self.port), *([] if demo else ["--no-demo"]))
        return self

    def down(self):
        self.souk("down", check=False)

    def remove(self):
        self.down()
        shutil.rmtree(self.var, ignore_errors=True)

    def pid(self, name):
        return int((self.var / "run" / f"{name}.pid").read_text())

    def doctor(self):
        """The invariants hold on the live database."""
        done = self.souk("doctor", check=False)
        assert done.returncode == 0, done.stdout[-6000:]

    def wait_until_ready(self, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if requests.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError("the shop did not become ready again")

    # -- people ---------------------------------------------------------------

    def guest(self):
        return Person(self, ok(requests.post(self.url + "/guests", json={}, timeout=10), 201))

    def customer(self, name="Grace Hopper"):
        email = f"{uuid.uuid4().hex}@example.com"
        body = {"email": email, "password": "correct horse battery", "name": name}
        person = Person(self, ok(requests.post(self.url + "/users", json=body, timeout=20), 201))
        person.email = email
        return person

    def merchant(self, currency="EUR", tax_rate="0", zones=None):
        """A merchant with a store of his own."""
        person = self.customer("Mary Merchant")
        body = {
            "store_name": "Test store",
            "slug": "s-" + uuid.uuid4().hex[:20],
            "currency": currency,
            "tax_rate": tax_rate,
            "shipping_zones": ZONES if zones is None else zones,
        }
        person.store = ok(person.post("/stores", body), 201)["store_id"]
        person.slug = body["slug"]
        return person


class Person:
    """Somebody with a token."""

    def __init__(self, shop, who):
        self.shop = shop
        self.id = who["user_id"]
        self.token = who["token"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer " + self.token
        self.store = None

    def request(self, method, path, body=None, timeout=15, **kwargs):
        return self.session.request(method, self.shop.url + path, json=body, timeout=timeout, **kwargs)

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def patch(self, path, body=None, **kwargs):
        return self.request("PATCH", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.request("DELETE", path, **kwargs)

    def product(self, stock=10, price="19.99", title="Teapot", **more):
        """Puts a product on sale. Returns (product_id, variant_id)."""
        body = {
            "name": title,
            "description": "For tea.",
            "price": price,
            "category": "Kitchen",
            "variants": [{"sku": "SKU-" + uuid.uuid4().hex[:12], "price": price, "attributes": {}, "stock": stock}],
        }
        body.update(more)
        made = ok(self.post(f"/stores/{self.store}/products", body), 201)
        page = ok(self.get(f"/products/{made['product_id']}"))
        return made["product_id"], page["variants"][0]["variant_id"]

    def stock_of(self, variant):
        page = ok(self.get(f"/stores/{self.store}/inventory?limit=250"))
        return next(x for x in page["levels"] if x["variant_id"] == variant)

    def order_body(self, store, product, variant, quantity=1, token="tok_ok"):
        return {
            "user_id": self.id,
            "store_id": store,
            "items": [{"product_id": product, "variant_id": variant, "quantity": quantity}],
            "shipping_address": ADDRESS,
            "payment_method": {"type": "sandbox", "token": token},
        }

    def order(self, store, product, variant, quantity=1, token="tok_ok", key=None, timeout=15):
        headers = {"Idempotency-Key": key} if key else {}
        return self.post("/orders", self.order_body(store, product, variant, quantity, token), headers=headers,
                         timeout=timeout)


def ok(answer, status=200):
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:2000]}"
    return answer.json() if answer.text else None


def refused(answer, status, code):
    """A clear refusal: the status, the stable code, and text for people."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:2000]}"
    error = answer.json()["error"]
    assert error["code"] == code, error
    assert error["message"]
    return error


class Shoppers:
    """Threads that order until told to stop, and write down what was acknowledged. Every order has a key, and one whose answer was
    lost is asked again under it, as a good client would."""

    def __init__(self, shop, store, goods, count=8):
        self.shop, self.store, self.goods = shop, store, goods
        self.acknowledged, self.refused, self.lost = {}, 0, 0
        self.stopping = threading.Event()
        self.guard = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(count)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), "a shopper hangs"

    def run(self, number):
        person = self.shop.guest()
        n = number
        while not self.stopping.is_set():
            product, variant = self.goods[n % len(self.goods)]
            n += 1
            key = uuid.uuid4().hex
            for _ in range(60):
                try:
                    answer = person.order(self.store, product, variant, key=key, timeout=10)
                except requests.RequestException:
                    answer = None
                if answer is not None and answer.status_code == 201:
                    with self.guard:
                        self.acknowledged[answer.json()["order_id"]] = (person, key)
                    break
                if answer is not None and answer.status_code == 409 and answer.json()["error"]["code"] == "out_of_stock":
                    with self.guard:
                        self.refused += 1
                    break
                with self.guard:
                    self.lost += 1
                time.sleep(0.2)

    def check(self):
        """Every acknowledged order is there, under its key, once."""
        for order, (person, _) in self.acknowledged.items():
            seen = ok(person.get(f"/orders/{order}"))
            assert seen["status"] in ("paid", "pending"), seen
