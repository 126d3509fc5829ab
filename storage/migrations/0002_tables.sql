-- Ids are ULIDs in their 16 bytes (uuid), money is minor units of the store's currency (bigint), nested lists are jsonb. Small
-- numbers in *status and *state columns are the enums of storage/rows; the CHECKs are the second line behind the actors.
-- Tables that a checkout writes have as few indexes as their readers allow, and room in their pages so that updates stay in the
-- page (HOT): no index there names a column that changes, except where the comment says so.

-- ownership ------------------------------------------------------------------------------------------------------------------

CREATE TABLE shards (
  shard        int2 PRIMARY KEY CHECK (shard BETWEEN 0 AND 255),
  epoch        int8 NOT NULL DEFAULT 0,
  seq          int8 NOT NULL DEFAULT 0,
  owner        uuid,             -- incarnation of a node
  owner_name   text,
  settle_token uuid              -- of the writer that re-took the shard to settle a commit whose answer was lost
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
INSERT INTO shards (shard) SELECT generate_series(0, 255);

CREATE TABLE nodes (
  incarnation  uuid PRIMARY KEY,
  name         text NOT NULL,
  address      text NOT NULL,
  started_at   timestamptz NOT NULL,
  heartbeat_at timestamptz NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE directory_names (
  kind       int2 NOT NULL CHECK (kind BETWEEN 1 AND 2),
  name       text NOT NULL,
  id         uuid NOT NULL,
  confirmed  boolean NOT NULL DEFAULT false,
  claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (kind, name)
);
CREATE INDEX directory_names_pending ON directory_names (claimed_at) WHERE NOT confirmed;

-- users ------------------------------------------------------------------------------------------------------------------------

CREATE TABLE users (
  id            uuid PRIMARY KEY,
  kind          int2 NOT NULL CHECK (kind BETWEEN 1 AND 2),
  email         text NOT NULL,
  name          text NOT NULL,
  password_hash text NOT NULL,
  version       int8 NOT NULL CHECK (version >= 1),
  created_at    timestamptz NOT NULL
);

CREATE TABLE sessions (
  hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  user_id    uuid NOT NULL REFERENCES users (id),
  kind       int2 NOT NULL CHECK (kind BETWEEN 1 AND 3),
  store_id   uuid, -- an API token reaches only this store
  label      text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);

-- The user's index of what lies in stores' shards. No foreign keys: it is written from the outbox, for every order.
CREATE TABLE user_carts (
  user_id    uuid NOT NULL,
  store_id   uuid NOT NULL,
  cart_id    uuid NOT NULL,
  touched_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, store_id)
) WITH (fillfactor = 80);

CREATE TABLE user_orders (
  user_id   uuid NOT NULL,
  order_id  uuid NOT NULL,
  store_id  uuid NOT NULL,
  placed_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, order_id)
);

-- stores and catalog -------------------------------------------------------------------------------------------------------------

CREATE TABLE stores (
  id             uuid PRIMARY KEY,
  owner_id       uuid NOT NULL,
  name           text NOT NULL,
  slug           text NOT NULL,
  currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  tax_rate_ppm   int4 NOT NULL CHECK (tax_rate_ppm >= 0),
  tax_inclusive  boolean NOT NULL,
  shipping_zones jsonb NOT NULL,
  logo_url       text NOT NULL,
  description    text NOT NULL,
  status         int2 NOT NULL CHECK (status BETWEEN 1 AND 2),
  version        int8 NOT NULL CHECK (version >= 1),
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL
);
CREATE INDEX stores_of_owner ON stores (owner_id);

CREATE TABLE store_counters (
  store_id          uuid PRIMARY KEY REFERENCES stores (id),
  next_order_number int8 NOT NULL DEFAULT 1001 CHECK (next_order_number >= 1001)
) WITH (fillfactor = 20);

CREATE TABLE products (
  id              uuid PRIMARY KEY,
  store_id        uuid NOT NULL REFERENCES stores (id),
  handle          text NOT NULL,
  title           text NOT NULL,
  description     text NOT NULL,
  vendor          text NOT NULL,
  category        text NOT NULL,
  product_type    text NOT NULL,
  tags            jsonb NOT NULL,
  status          int2 NOT NULL CHECK (status BETWEEN 1 AND 3),
  options         jsonb NOT NULL CHECK (jsonb_array_length(options) <= 3),
  images          jsonb NOT NULL,
  seo_title       text NOT NULL,
  seo_description text NOT NULL,
  version         int8 NOT NULL CHECK (version >= 1),
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  CONSTRAINT products_in_store UNIQUE (store_id, id),
  CONSTRAINT products_handle UNIQUE (store_id, handle)
);
CREATE INDEX products_in_category ON products (store_id, category, id);

CREATE TABLE product_variants (
  id                uuid PRIMARY KEY,
  store_id          uuid NOT NULL,
  product_id        uuid NOT NULL,
  position          int4 NOT NULL,
  sku               text NOT NULL,
  barcode           text NOT NULL,
  option_values     jsonb NOT NULL,
  price             int8 NOT NULL CHECK (price >= 0),
  compare_at        int8 NOT NULL CHECK (compare_at >= -1),
  grams             int8 NOT NULL CHECK (grams >= 0),
  attributes        json NOT NULL, -- json keeps the order in which the merchant wrote them
  requires_shipping boolean NOT NULL,
  taxable           boolean NOT NULL,
  removed           boolean NOT NULL,
  image_url         text NOT NULL,
  CONSTRAINT variants_in_store UNIQUE (store_id, id),
  FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
);
CREATE INDEX variants_of_product ON product_variants (product_id, position);
CREATE UNIQUE INDEX variants_sku ON product_variants (store_id, sku) WHERE sku <> '' AND NOT removed;

-- stock --------------------------------------------------------------------------------------------------------------------------

CREATE TABLE inventory_levels (
  variant_id          uuid PRIMARY KEY,
  store_id            uuid NOT NULL,
  on_hand             int8 NOT NULL DEFAULT 0,
  reserved            int8 NOT NULL DEFAULT 0,
  backorder           boolean NOT NULL,
  low_stock_threshold int8 NOT NULL,
  CONSTRAINT levels_in_store UNIQUE (store_id, variant_id),
  FOREIGN KEY (store_id, variant_id) REFERENCES product_variants (store_id, id),
  CONSTRAINT reserved_not_negative CHECK (reserved >= 0),
  CONSTRAINT never_oversold CHECK (backorder OR reserved <= on_hand),
  CONSTRAINT on_hand_not_negative CHECK (backorder OR on_hand >= 0)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05);

-- Every change of stock, in commit order: (seq, n) is the shard's. The figures after each line are running sums on read.
CREATE TABLE inventory_history (
  variant_id     uuid NOT NULL,
  seq            int8 NOT NULL,
  n              int4 NOT NULL,
  store_id       uuid NOT NULL,
  on_hand_delta  int8 NOT NULL,
  reserved_delta int8 NOT NULL,
  reason         text NOT NULL,
  order_id       uuid,
  by_user        uuid,
  note           text NOT NULL,
  at             timestamptz NOT NULL,
  PRIMARY KEY (variant_id, seq, n)
);

CREATE TABLE reservations (
  order_id   uuid NOT NULL,
  variant_id uuid NOT NULL,
  store_id   uuid NOT NULL,
  quantity   int8 NOT NULL CHECK (quantity > 0),
  state      int2 NOT NULL CHECK (state BETWEEN 1 AND 4),
  deadline   timestamptz NOT NULL,
  PRIMARY KEY (order_id, variant_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- Names a column that changes (state), once per reservation: neither a shard's recovery nor a variant that is loaded may read
-- every order ever placed.
CREATE INDEX reservations_open ON reservations (shard_of(order_id), variant_id) WHERE state < 3;

-- carts and orders ---------------------------------------------------------------------------------------------------------------

CREATE TABLE carts (
  id          uuid PRIMARY KEY,
  store_id    uuid NOT NULL,
  user_id     uuid NOT NULL,
  lines       jsonb NOT NULL,
  version     int8 NOT NULL CHECK (version >= 1),
  updated_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  expires_day date NOT NULL, -- of expires_at in UTC; indexed instead of it because it changes once a day, not with every line
  CONSTRAINT cart_of_user UNIQUE (store_id, user_id)
) WITH (fillfactor = 60);
CREATE INDEX carts_expiring ON carts (shard_of(id), expires_day);

CREATE TABLE orders (
  id              uuid PRIMARY KEY,
  store_id        uuid NOT NULL,
  user_id         uuid NOT NULL,
  number          int8 NOT NULL,
  status          int2 NOT NULL CHECK (status BETWEEN 1 AND 6),
  payment         int2 NOT NULL CHECK (payment BETWEEN 1 AND 4),
  currency        text NOT NULL,
  subtotal        int8 NOT NULL CHECK (subtotal >= 0),
  shipping        int8 NOT NULL CHECK (shipping >= 0),
  tax             int8 NOT NULL CHECK (tax >= 0),
  total           int8 NOT NULL CHECK (total >= 0),
  address         json NOT NULL,
  shipping_method text NOT NULL,
  email           text NOT NULL,
  note            text NOT NULL,
  carrier         text NOT NULL DEFAULT '',
  tracking_number text NOT NULL DEFAULT '',
  tracking_url    text NOT NULL DEFAULT '',
  version         int8 NOT NULL CHECK (version >= 1),
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  CONSTRAINT orders_number UNIQUE (store_id, number) -- also the merchant's list: numbers rise with time
) WITH (fillfactor = 70);
CREATE INDEX orders_of_user ON orders (user_id);

CREATE TABLE order_items (
  order_id      uuid NOT NULL,
  line          int4 NOT NULL,
  store_id      uuid NOT NULL,
  product_id    uuid NOT NULL,
  variant_id    uuid NOT NULL,
  sku           text NOT NULL,
  title         text NOT NULL,
  variant_title text NOT NULL,
  quantity      int8 NOT NULL CHECK (quantity > 0),
  unit_price    int8 NOT NULL CHECK (unit_price >= 0),
  tax           int8 NOT NULL CHECK (tax >= 0),
  total         int8 NOT NULL CHECK (total >= 0),
  PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
  id                 uuid PRIMARY KEY,
  order_id           uuid NOT NULL,
  store_id           uuid NOT NULL,
  provider           text NOT NULL,
  method_token       text NOT NULL,
  amount             int8 NOT NULL CHECK (amount >= 0),
  currency           text NOT NULL,
  state              int2 NOT NULL CHECK (state BETWEEN 1 AND 9),
  provider_reference text NOT NULL,
  error_code         text NOT NULL,
  action_url         text NOT NULL,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX payments_of_order ON payments (order_id);
CREATE INDEX payments_open ON payments (shard_of(id)) WHERE state IN (1, 2, 3, 6, 8);

CREATE TABLE idempotency_keys (
  store_id  uuid NOT NULL,
  caller    uuid NOT NULL,
  key       text NOT NULL,
  body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
  order_id  uuid NOT NULL,
  at        timestamptz NOT NULL,
  PRIMARY KEY (store_id, caller, key)
);

-- reviews ------------------------------------------------------------------------------------------------------------------------

CREATE TABLE reviews (
  id         uuid PRIMARY KEY,
  product_id uuid NOT NULL,
  store_id   uuid NOT NULL,
  user_id    uuid NOT NULL,
  author     text NOT NULL,
  rating     int4 NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment    text NOT NULL,
  verified   boolean NOT NULL,
  helpful    int8 NOT NULL CHECK (helpful >= 0),
  created_at timestamptz NOT NULL,
  CONSTRAINT reviews_in_store UNIQUE (store_id, id),
  CONSTRAINT one_review_per_user UNIQUE (product_id, user_id),
  FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
);
CREATE INDEX reviews_recent ON reviews (product_id, id DESC);
CREATE INDEX reviews_helpful ON reviews (product_id, helpful DESC, id DESC);

CREATE TABLE review_votes (
  review_id  uuid NOT NULL,
  user_id    uuid NOT NULL,
  store_id   uuid NOT NULL,
  product_id uuid NOT NULL,
  PRIMARY KEY (review_id, user_id),
  FOREIGN KEY (store_id, review_id) REFERENCES reviews (store_id, id)
);

CREATE TABLE product_ratings (
  product_id uuid PRIMARY KEY,
  store_id   uuid NOT NULL,
  count      int8 NOT NULL CHECK (count >= 0),
  sum        int8 NOT NULL CHECK (sum BETWEEN count AND 5 * count),
  FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id)
) WITH (fillfactor = 80);

-- imports and events -----------------------------------------------------------------------------------------------------------------

CREATE TABLE imports (
  id         uuid PRIMARY KEY,
  store_id   uuid NOT NULL REFERENCES stores (id),
  status     int2 NOT NULL CHECK (status BETWEEN 1 AND 3),
  products   int8 NOT NULL,
  variants   int8 NOT NULL,
  errors     jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE outbox (
  shard    int2 NOT NULL,
  seq      int8 NOT NULL,
  n        int4 NOT NULL,
  store_id uuid, -- null for a user's events
  topic    text NOT NULL,
  subject  uuid NOT NULL,
  payload  json NOT NULL,
  at       timestamptz NOT NULL,
  PRIMARY KEY (shard, seq, n)
) WITH (autovacuum_vacuum_scale_factor = 0.1);

CREATE TABLE outbox_cursors (
  consumer text NOT NULL,
  shard    int2 NOT NULL,
  seq      int8 NOT NULL,
  n        int4 NOT NULL,
  PRIMARY KEY (consumer, shard)
) WITH (fillfactor = 20);

CREATE TABLE outbox_parked (
  consumer  text NOT NULL,
  shard     int2 NOT NULL,
  seq       int8 NOT NULL,
  n         int4 NOT NULL,
  store_id  uuid,
  topic     text NOT NULL,
  subject   uuid NOT NULL,
  payload   json NOT NULL,
  at        timestamptz NOT NULL,
  error     text NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, shard, seq, n)
);
