-- What is deleted by age is found by age. Rows arrive in the order of their times, so a block range index of a few kilobytes does;
-- a B-tree would cost every checkout.
CREATE INDEX outbox_age ON outbox USING brin (at) WITH (pages_per_range = 32);
CREATE INDEX idempotency_keys_age ON idempotency_keys USING brin (at) WITH (pages_per_range = 32);
CREATE INDEX sessions_expiry ON sessions (expires_at);
