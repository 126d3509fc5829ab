-- Text search within a store. The 'simple' configuration neither stems nor drops words: shops speak any language.
ALTER TABLE products ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
  setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', vendor || ' ' || category), 'B')
  || setweight(jsonb_to_tsvector('simple', tags, '["string"]'), 'B')
  || setweight(to_tsvector('simple', left(description, 100000)), 'C')) STORED;

-- A word is common in a million shops, so each index starts with the store (btree_gin). Trigrams find misspelt words and the
-- middle of one. Both extensions are trusted: whoever may create in the database may add them. Without them a search reads the
-- store's own products only, which is right for all but the largest.
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;
  CREATE INDEX products_search ON products USING gin (store_id, search);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
  RAISE WARNING 'btree_gin is not available (%): product search has no index of its own', SQLERRM;
END $$;
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
  CREATE INDEX products_title_trigrams ON products USING gin (store_id, title gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
  RAISE WARNING 'pg_trgm is not available (%): search finds whole words and their beginnings only', SQLERRM;
END $$;

-- Row-level security evaluates a store's policy before any operator that is not leakproof, and text search is not: under the
-- reader's role an index on `search` can never be used. So the search itself runs as the writer, bound to the same setting that
-- the policy reads, and the reader joins its own rows to the ids.
-- `words` is for to_tsquery ("'blue':* & 'mug':*"); `plain` is what the shopper typed, for trigrams and SKUs.
CREATE FUNCTION souk_search(words text, plain text) RETURNS TABLE (product_id uuid, rank real) LANGUAGE plpgsql STABLE
  SECURITY DEFINER SET search_path = public, pg_temp
  AS $$
  DECLARE
    store uuid := souk_current_store();
    fuzzy text := '';
  BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
      fuzzy := 'UNION ALL SELECT p.id, (word_similarity($3, p.title) / 2)::real FROM products p
                WHERE p.store_id = $1 AND $3 <% p.title';
    END IF;
    RETURN QUERY EXECUTE
      'SELECT id, max(rank)::real FROM (
         SELECT p.id, (1 + ts_rank(p.search, to_tsquery(''simple'', $2)))::real AS rank FROM products p
           WHERE p.store_id = $1 AND p.search @@ to_tsquery(''simple'', $2)
         UNION ALL SELECT v.product_id, 3::real FROM product_variants v
           WHERE v.store_id = $1 AND v.sku <> '''' AND NOT v.removed AND (v.sku = $3 OR v.sku = upper($3))
         ' || fuzzy || ') hits GROUP BY id'
      USING store, words, plain;
  END $$;
REVOKE ALL ON FUNCTION souk_search(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION souk_search(text, text) TO souk_reader, souk_writer;

-- A function changes hands only to a role that may create in its schema; once is enough.
GRANT CREATE ON SCHEMA public TO souk_writer;
ALTER FUNCTION souk_search(text, text) OWNER TO souk_writer;
REVOKE CREATE ON SCHEMA public FROM souk_writer;

-- Which store a product belongs to is asked before the store is known.
CREATE FUNCTION souk_store_of_product(product uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp AS $$ SELECT store_id FROM products WHERE id = product $$;
REVOKE ALL ON FUNCTION souk_store_of_product(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION souk_store_of_product(uuid) TO souk_reader, souk_writer;
GRANT CREATE ON SCHEMA public TO souk_writer;
ALTER FUNCTION souk_store_of_product(uuid) OWNER TO souk_writer;
REVOKE CREATE ON SCHEMA public FROM souk_writer;
