-- Two roles without log-in: every connection of souk takes one of them (SET ROLE), so that row-level security holds even
-- when the log-in role owns the tables. Roles belong to the whole cluster: another database may have made them already.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['souk_reader', 'souk_writer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
          RAISE EXCEPTION 'role % is missing and % may not create roles', wanted, current_user
            USING HINT = format('as an administrator: CREATE ROLE %I NOLOGIN; GRANT %I TO %I;', wanted, wanted, current_user);
      END;
    END IF;
    IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO %I', wanted, current_user);
    END IF;
  END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO souk_reader, souk_writer;

-- The shard that an id carries: its seventh byte.
CREATE FUNCTION shard_of(id uuid) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT get_byte(uuid_send(id), 6) $$;

-- An id as the API shows it: 26 Crockford base32 characters. For people who read psql's output.
CREATE FUNCTION ulid(id uuid) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$
    SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substring(bits FROM i * 5 + 1 FOR 5)::int + 1, 1), '' ORDER BY i)
    FROM (SELECT B'00' || ('x' || encode(uuid_send(id), 'hex'))::bit(128) AS bits) b, generate_series(0, 25) i
  $$;

-- The way back, so that one can paste an id from the API into a query.
CREATE FUNCTION from_ulid(shown text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$
    SELECT string_agg(to_hex(substring(bits FROM i * 4 + 1 FOR 4)::int), '' ORDER BY i)::uuid
    FROM (SELECT substring(string_agg((position(c IN '0123456789ABCDEFGHJKMNPQRSTVWXYZ') - 1)::bit(5)::text, '' ORDER BY n)
                           FROM 3)::varbit AS bits
          FROM regexp_split_to_table(translate(upper(shown), 'ILO', '110'), '') WITH ORDINALITY t(c, n)) b,
         generate_series(0, 31) i
  $$;

-- What a set-based statement of the journal must have touched: one row less means that a version was stale or a row missing
-- or another store's, and the whole transaction fails. SQLSTATE SK002.
CREATE FUNCTION souk_expect(touched bigint, expected bigint, what text) RETURNS void LANGUAGE plpgsql
  AS $$
  BEGIN
    IF touched <> expected THEN
      RAISE EXCEPTION '%: % of % rows are there in the expected version and store', what, touched, expected
        USING ERRCODE = 'SK002';
    END IF;
  END $$;
