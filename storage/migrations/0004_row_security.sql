-- Readers see one store (or one user) per query, set in the same round trip; writers see all rows, because a journal batch
-- spans stores and its tenants are checked by the actors and set-wise by its statements. FORCE: the tables' owner is not exempt.
CREATE FUNCTION souk_current_store() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('souk.store_id', true), '')::uuid $$;
CREATE FUNCTION souk_current_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('souk.user_id', true), '')::uuid $$;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['store_counters', 'products', 'product_variants', 'inventory_levels', 'inventory_history',
                           'reservations', 'carts', 'orders', 'order_items', 'payments', 'idempotency_keys', 'reviews',
                           'review_votes', 'product_ratings', 'imports'] LOOP
    EXECUTE format('CREATE POLICY of_store ON %I FOR SELECT TO souk_reader USING (store_id = souk_current_store())', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['sessions', 'user_carts', 'user_orders'] LOOP
    EXECUTE format('CREATE POLICY of_user ON %I FOR SELECT TO souk_reader USING (user_id = souk_current_user())', t);
  END LOOP;
  CREATE POLICY of_user ON users FOR SELECT TO souk_reader USING (id = souk_current_user());
  CREATE POLICY of_store ON stores FOR SELECT TO souk_reader USING (id = souk_current_store());
  CREATE POLICY of_owner ON stores FOR SELECT TO souk_reader USING (owner_id = souk_current_user());

  FOREACH t IN ARRAY ARRAY['store_counters', 'products', 'product_variants', 'inventory_levels', 'inventory_history',
                           'reservations', 'carts', 'orders', 'order_items', 'payments', 'idempotency_keys', 'reviews',
                           'review_votes', 'product_ratings', 'imports', 'sessions', 'user_carts', 'user_orders', 'users',
                           'stores'] LOOP
    EXECUTE format('CREATE POLICY all_rows ON %I TO souk_writer USING (true) WITH CHECK (true)', t);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT ON %I TO souk_reader', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO souk_writer', t);
  END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON shards, nodes, directory_names, outbox, outbox_cursors, outbox_parked TO souk_writer;
