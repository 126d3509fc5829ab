-- The fence: the first statement of every journal transaction. It advances seq of every shard in the batch where the writer is
-- right about epoch and seq, and keeps those rows locked until the commit, so a take-over either comes first (and the writer is
-- refused here) or waits for this transaction. SQLSTATE SK001, the lost shards as a comma-separated DETAIL.
-- The writer gives its shards in shard order, and the planner settings leave only the plan that visits (and so locks) them in
-- that order: two batches that share shards cannot deadlock.
CREATE FUNCTION souk_fence(shards_in int2[], epochs_in int8[], seqs_in int8[]) RETURNS void LANGUAGE plpgsql
  SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off
  AS $$
  DECLARE
    advanced bigint;
  BEGIN
    UPDATE shards s SET seq = s.seq + 1
      FROM unnest(shards_in, epochs_in, seqs_in) x(shard, epoch, seq)
      WHERE s.shard = x.shard AND s.epoch = x.epoch AND s.seq = x.seq;
    GET DIAGNOSTICS advanced = ROW_COUNT;
    IF advanced <> cardinality(shards_in) THEN
      RAISE EXCEPTION 'fenced' USING ERRCODE = 'SK001', DETAIL = (
        SELECT string_agg(x.shard::text, ',' ORDER BY x.shard)
        FROM unnest(shards_in, epochs_in, seqs_in) x(shard, epoch, seq)
        WHERE NOT EXISTS (SELECT FROM shards s WHERE s.shard = x.shard AND s.xmin = pg_current_xact_id()::xid));
    END IF;
  END $$;

-- Settles a commit whose answer was lost. Locking each row waits for the old transaction; the new epoch makes sure that it can
-- never land afterwards. The token recognises a re-take whose own answer was lost.
CREATE FUNCTION souk_retake(shards_in int2[], epochs_in int8[], token uuid)
  RETURNS TABLE (shard int2, ours boolean, epoch int8, seq int8) LANGUAGE plpgsql
  AS $$
  #variable_conflict use_column
  DECLARE
    s record;
  BEGIN
    FOR i IN 1 .. cardinality(shards_in) LOOP
      SELECT t.epoch, t.seq, t.settle_token INTO s FROM shards t WHERE t.shard = shards_in[i] FOR NO KEY UPDATE;
      shard := shards_in[i];
      seq := s.seq;
      ours := s.epoch = epochs_in[i] OR coalesce(s.settle_token = token, false);
      epoch := s.epoch;
      IF ours THEN
        UPDATE shards t SET epoch = t.epoch + 1, settle_token = token WHERE t.shard = shards_in[i] RETURNING t.epoch INTO epoch;
      END IF;
      RETURN NEXT;
    END LOOP;
  END $$;

-- Takes the shards that are free, our name's, or a silent node's. Only those are locked: a take-over never waits for a healthy
-- owner. What is true before the lock is asked again under it.
CREATE FUNCTION souk_acquire(self uuid, self_name text, wanted int2[], stale_after interval)
  RETURNS TABLE (shard int2, epoch int8, seq int8) LANGUAGE plpgsql
  AS $$
  #variable_conflict use_column
  DECLARE
    candidate record;
    locked record;
  BEGIN
    FOR candidate IN
      SELECT s.shard, s.owner, s.epoch FROM shards s LEFT JOIN nodes o ON o.incarnation = s.owner
        WHERE s.shard = ANY (wanted)
          AND (s.owner IS NULL OR s.owner = self OR s.owner_name = self_name OR o.incarnation IS NULL
               OR o.heartbeat_at < clock_timestamp() - stale_after)
        ORDER BY s.shard
    LOOP
      SELECT s.owner, s.epoch INTO locked FROM shards s WHERE s.shard = candidate.shard FOR NO KEY UPDATE;
      CONTINUE WHEN locked.owner IS DISTINCT FROM candidate.owner
                    AND NOT EXISTS (SELECT FROM shards s WHERE s.shard = candidate.shard AND s.owner IS NULL);
      -- It may have come back while we waited for the lock.
      CONTINUE WHEN EXISTS (SELECT FROM nodes o WHERE o.incarnation = locked.owner AND o.incarnation <> self
                            AND o.name <> self_name AND o.heartbeat_at >= clock_timestamp() - stale_after);
      UPDATE shards s SET epoch = s.epoch + 1, owner = self, owner_name = self_name, settle_token = NULL
        WHERE s.shard = candidate.shard RETURNING s.shard, s.epoch, s.seq INTO shard, epoch, seq;
      RETURN NEXT;
    END LOOP;
    -- Whoever lost its shards hears it with its next heartbeat.
    DELETE FROM nodes o WHERE o.incarnation <> self
      AND (o.name = self_name OR o.heartbeat_at < clock_timestamp() - stale_after)
      AND NOT EXISTS (SELECT FROM shards s WHERE s.owner = o.incarnation);
  END $$;
