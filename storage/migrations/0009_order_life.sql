-- What comes after "place order": how a total came about, captures and refunds, parcels, returns, what happened when.

ALTER TABLE stores ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';

ALTER TABLE orders
  ADD COLUMN discount   int8 NOT NULL DEFAULT 0 CHECK (discount >= 0),
  ADD COLUMN gift_card  int8 NOT NULL DEFAULT 0 CHECK (gift_card >= 0),
  ADD COLUMN refunded   int8 NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  ADD COLUMN fulfilment int2 NOT NULL DEFAULT 1 CHECK (fulfilment BETWEEN 1 AND 3),
  ADD COLUMN language   text NOT NULL DEFAULT '',
  ADD COLUMN recovered  boolean NOT NULL DEFAULT false,
  ADD COLUMN pricing    json NOT NULL DEFAULT '{}',
  ADD CONSTRAINT never_refunds_more_than_it_cost CHECK (refunded <= total),
  DROP CONSTRAINT orders_payment_check,
  ADD CONSTRAINT orders_payment_check CHECK (payment BETWEEN 1 AND 6);

ALTER TABLE order_items
  ADD COLUMN discount          int8 NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND total),
  ADD COLUMN tax_rate_ppm      int4 NOT NULL DEFAULT 0 CHECK (tax_rate_ppm >= 0),
  ADD COLUMN grams             int8 NOT NULL DEFAULT 0 CHECK (grams >= 0),
  ADD COLUMN requires_shipping boolean NOT NULL DEFAULT true;

ALTER TABLE payments
  ADD COLUMN captured int8 NOT NULL DEFAULT 0 CHECK (captured BETWEEN 0 AND amount),
  ADD COLUMN refunded int8 NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
  DROP CONSTRAINT payments_state_check,
  ADD CONSTRAINT payments_state_check CHECK (state BETWEEN 1 AND 11);
-- What was paid before captures were counted was captured whole.
UPDATE payments SET captured = amount WHERE state IN (4, 8, 9);
UPDATE payments SET refunded = amount WHERE state = 9;
DROP INDEX payments_open;
CREATE INDEX payments_open ON payments (shard_of(id)) WHERE state IN (1, 2, 3, 6, 8, 11);

CREATE TABLE refunds (
  id                 uuid PRIMARY KEY,
  order_id           uuid NOT NULL,
  store_id           uuid NOT NULL,
  payment_id         uuid NOT NULL,
  amount             int8 NOT NULL CHECK (amount > 0),
  currency           text NOT NULL,
  state              int2 NOT NULL CHECK (state BETWEEN 1 AND 4),
  lines              jsonb NOT NULL,
  reason             text NOT NULL,
  note               text NOT NULL,
  provider_reference text NOT NULL,
  error_code         text NOT NULL,
  by_user            uuid,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz NOT NULL
);
CREATE INDEX refunds_of_order ON refunds (order_id);
CREATE INDEX refunds_open ON refunds (shard_of(id)) WHERE state IN (1, 2);

-- Parcels, returns and the timeline of an order, made with the first of them. They are read and written with their order and by
-- nobody else, so they are one row; the column that is looked for by itself stands apart.
CREATE TABLE order_lives (
  order_id     uuid PRIMARY KEY,
  store_id     uuid NOT NULL,
  fulfilments  jsonb NOT NULL,
  returns      jsonb NOT NULL,
  timeline     jsonb NOT NULL,
  heard        jsonb NOT NULL,
  returns_open boolean NOT NULL, -- one waits for the merchant
  version      int8 NOT NULL CHECK (version >= 1)
);
CREATE INDEX order_lives_with_returns ON order_lives (store_id, order_id) WHERE returns_open;

CREATE TABLE discounts (
  id                uuid NOT NULL,
  store_id          uuid NOT NULL REFERENCES stores (id),
  code              text NOT NULL CHECK (code <> '' AND code = upper(code)),
  active            boolean NOT NULL,
  once_per_customer boolean NOT NULL,
  usage_limit       int8 CHECK (usage_limit >= 0), -- null: no limit
  used              int8 NOT NULL DEFAULT 0 CHECK (used >= 0),
  rule              jsonb NOT NULL,
  version           int8 NOT NULL CHECK (version >= 1),
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  PRIMARY KEY (store_id, code),
  CONSTRAINT discounts_id UNIQUE (id)
) WITH (fillfactor = 60);
-- `used` may not pass the limit when it grows; a merchant may set the limit below what is used already.
CREATE FUNCTION souk_discount_within_limit() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.used > OLD.used AND NEW.used > NEW.usage_limit THEN
      RAISE EXCEPTION 'discount % of store % is used up', NEW.code, NEW.store_id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
  END $$;
CREATE TRIGGER discounts_within_limit BEFORE UPDATE OF used ON discounts
  FOR EACH ROW EXECUTE FUNCTION souk_discount_within_limit();

CREATE TABLE discount_uses (
  store_id   uuid NOT NULL,
  code       text NOT NULL,
  order_id   uuid NOT NULL,
  customer   text NOT NULL,
  once       boolean NOT NULL, -- the code could be used once by each customer
  given_back boolean NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (order_id, code),
  FOREIGN KEY (store_id, code) REFERENCES discounts (store_id, code)
);
CREATE INDEX discount_uses_of_customer ON discount_uses (store_id, code, customer) WHERE NOT given_back;
CREATE UNIQUE INDEX discount_uses_once ON discount_uses (store_id, code, customer) WHERE once AND NOT given_back;

CREATE TABLE gift_cards (
  id              uuid PRIMARY KEY,
  store_id        uuid NOT NULL REFERENCES stores (id),
  code_hash       text NOT NULL,
  last_characters text NOT NULL,
  currency        text NOT NULL,
  initial         int8 NOT NULL CHECK (initial > 0),
  balance         int8 NOT NULL CHECK (balance BETWEEN 0 AND initial),
  active          boolean NOT NULL,
  expires_at      timestamptz,
  note            text NOT NULL,
  version         int8 NOT NULL CHECK (version >= 1),
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  CONSTRAINT gift_cards_code UNIQUE (store_id, code_hash)
) WITH (fillfactor = 60);

CREATE TABLE gift_card_history (
  card_id  uuid NOT NULL REFERENCES gift_cards (id),
  seq      int8 NOT NULL, -- the shard's, as in inventory_history
  n        int4 NOT NULL,
  store_id uuid NOT NULL,
  order_id uuid,
  delta    int8 NOT NULL,
  reason   text NOT NULL,
  at       timestamptz NOT NULL,
  PRIMARY KEY (card_id, seq, n)
);

CREATE TABLE webhooks (
  id            uuid PRIMARY KEY,
  store_id      uuid NOT NULL REFERENCES stores (id),
  address       text NOT NULL,
  topics        jsonb NOT NULL,
  sealed_secret text NOT NULL,
  state         int2 NOT NULL CHECK (state BETWEEN 1 AND 3),
  failing_since timestamptz,
  version       int8 NOT NULL CHECK (version >= 1),
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL
);
CREATE INDEX webhooks_of_store ON webhooks (store_id);

CREATE TABLE webhook_deliveries (
  id         uuid PRIMARY KEY,
  webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  store_id   uuid NOT NULL,
  event_id   text NOT NULL,
  topic      text NOT NULL,
  payload    text NOT NULL, -- the bytes that were signed
  state      int2 NOT NULL CHECK (state BETWEEN 1 AND 3),
  attempts   int4 NOT NULL CHECK (attempts >= 0),
  next_at    timestamptz NOT NULL,
  status     int4 NOT NULL,
  error      text NOT NULL,
  took_ms    int8 NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (shard_of(id), store_id) WHERE state = 1;
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (webhook_id, id DESC);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries USING brin (created_at) WITH (pages_per_range = 32);

CREATE TABLE mail_templates (
  store_id   uuid NOT NULL REFERENCES stores (id),
  name       text NOT NULL,
  language   text NOT NULL,
  subject    text NOT NULL,
  html       text NOT NULL,
  text       text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, name, language)
);

CREATE TABLE mail_suppressions (
  store_id uuid NOT NULL,
  email    text NOT NULL,
  reason   int2 NOT NULL CHECK (reason BETWEEN 1 AND 3),
  at       timestamptz NOT NULL,
  PRIMARY KEY (store_id, email)
);

CREATE TABLE mails (
  id                 uuid PRIMARY KEY,
  store_id           uuid NOT NULL,
  event_id           text NOT NULL,
  name               text NOT NULL,
  email              text NOT NULL,
  subject_id         uuid NOT NULL,
  state              int2 NOT NULL CHECK (state BETWEEN 1 AND 4),
  provider_reference text NOT NULL,
  error              text NOT NULL,
  at                 timestamptz NOT NULL
);
CREATE INDEX mails_of_store ON mails (store_id, id DESC);
CREATE INDEX mails_age ON mails USING brin (at) WITH (pages_per_range = 32);

ALTER TABLE carts ADD COLUMN reminded_at timestamptz;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['refunds', 'order_lives', 'discounts', 'discount_uses', 'gift_cards', 'gift_card_history', 'webhooks',
                           'webhook_deliveries', 'mail_templates', 'mail_suppressions', 'mails'] LOOP
    EXECUTE format('CREATE POLICY of_store ON %I FOR SELECT TO souk_reader USING (store_id = souk_current_store())', t);
    EXECUTE format('CREATE POLICY all_rows ON %I TO souk_writer USING (true) WITH CHECK (true)', t);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT ON %I TO souk_reader', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO souk_writer', t);
  END LOOP;
END $$;
