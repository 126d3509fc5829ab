"""Shops for a cluster to run: many stores, so that every node and every database has some."""

import uuid
from dataclasses import dataclass

from integration import ADDRESS, ZONES, ok

PLENTY = 1_000_000
FEW = 40  # sold out before long: a fault may not make more of them
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def shard_of(ulid):
    """The eight bits after the 48 of the time."""
    number = 0
    for letter in ulid:
        number = number * 32 + ALPHABET.index(letter)
    return number >> 72 & 255


def as_uuid(ulid):
    """An id as PostgreSQL shows it."""
    number = 0
    for letter in ulid:
        number = number * 32 + ALPHABET.index(letter)
    return str(uuid.UUID(int=number))


@dataclass
class Goods:
    product: str
    variant: str
    stock: int


@dataclass
class Store:
    id: str
    plenty: Goods
    scarce: Goods

    @property
    def shard(self):
        return shard_of(self.id)

    @property
    def goods(self):
        return (self.plenty, self.scarce)


class Market:
    """The stores of one merchant, each with a product that lasts and one that is soon sold out."""

    def __init__(self, shop, count=24):
        self.merchant = shop.customer("Mary Merchant")
        self.stores = [self.open_store(n) for n in range(count)]

    def open_store(self, number):
        body = {
            "store_name": f"Store {number}",
            "slug": "s-" + uuid.uuid4().hex[:20],
            "currency": "EUR",
            "tax_rate": "0",
            "shipping_zones": ZONES,
        }
        self.merchant.store = ok(self.merchant.post("/stores", body), 201)["store_id"]
        return Store(self.merchant.store, self.put_on_sale("Cup", PLENTY), self.put_on_sale("Vase", FEW))

    def put_on_sale(self, title, stock):
        product, variant = self.merchant.product(stock=stock, title=title)
        return Goods(product, variant, stock)

    def levels(self, store):
        """Stock by variant, as the merchant sees it."""
        page = ok(self.merchant.get(f"/stores/{store.id}/inventory?limit=250"))
        return {x["variant_id"]: x for x in page["levels"]}


def order_body(user, store, goods, token):
    return {
        "user_id": user,
        "store_id": store.id,
        "items": [{"product_id": goods.product, "variant_id": goods.variant, "quantity": 1}],
        "shipping_address": ADDRESS,
        "payment_method": {"type": "sandbox", "token": token},
    }
