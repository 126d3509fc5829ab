-- Many nodes, several databases. Everything here is an addition with a default: nodes of the release before go on
-- reading and writing the columns that they know. `shards` is locked before `nodes`, as a take-over does.

-- Where the shard's rows are: 1 here, 2 in another database, 3 frozen here while it is copied away, 4 quarantined.
-- souk_fence and souk_retake do not look at it: they rely on the epoch, which moves with it, so that from then on no
-- commit and no settlement of the owner before can land. souk_acquire gives a shard to nobody unless it is here.
ALTER TABLE shards ADD COLUMN residence int2 NOT NULL DEFAULT 1 CHECK (residence BETWEEN 1 AND 4);

-- Whoever changes the residence raises the epoch, even by hand in psql. Of a shard that nobody ever took (epoch 0)
-- there is nobody to fence.
CREATE FUNCTION souk_residence_raises_epoch() RETURNS trigger LANGUAGE plpgsql
  AS $$
  BEGIN
    NEW.epoch := greatest(NEW.epoch, OLD.epoch + 1);
    NEW.settle_token := NULL;
    RETURN NEW;
  END $$;
CREATE TRIGGER residence_raises_epoch BEFORE UPDATE OF residence ON shards FOR EACH ROW
  WHEN (OLD.residence <> NEW.residence AND OLD.epoch > 0) EXECUTE FUNCTION souk_residence_raises_epoch();

ALTER TABLE nodes
  ADD COLUMN cluster        text NOT NULL DEFAULT '', -- empty: a release that did not say
  ADD COLUMN wire           int4 NOT NULL DEFAULT 0,
  ADD COLUMN draining       boolean NOT NULL DEFAULT false, -- it says so itself
  ADD COLUMN asked_to_drain boolean NOT NULL DEFAULT false, -- an operator says so
  ADD COLUMN unreachable    uuid[] NOT NULL DEFAULT '{}';

-- Who is in: one row, replaced where its version is still the one that was read.
CREATE TABLE cluster_view (
  one     boolean PRIMARY KEY DEFAULT true CHECK (one),
  version int8 NOT NULL DEFAULT 0,
  members uuid[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 20);
INSERT INTO cluster_view DEFAULT VALUES;
GRANT SELECT, UPDATE ON cluster_view TO souk_writer;

-- As before, for shards that live here only. A heartbeat exactly as old as the limit is no longer fresh. Of two processes of one name
-- the earlier one takes nothing from the later: incarnations are drawn in time order.
CREATE OR REPLACE FUNCTION souk_acquire(self uuid, self_name text, wanted int2[], stale_after interval)
  RETURNS TABLE (shard int2, epoch int8, seq int8) LANGUAGE plpgsql
  AS $$
  #variable_conflict use_column
  DECLARE
    candidate record;
    locked record;
  BEGIN
    FOR candidate IN
      SELECT s.shard, s.owner FROM shards s LEFT JOIN nodes o ON o.incarnation = s.owner
        WHERE s.shard = ANY (wanted) AND s.residence = 1
          AND (s.owner IS NULL OR s.owner = self OR (s.owner_name = self_name AND s.owner < self) OR o.incarnation IS NULL
               OR o.heartbeat_at <= clock_timestamp() - stale_after)
        ORDER BY s.shard
    LOOP
      SELECT s.owner, s.residence INTO locked FROM shards s WHERE s.shard = candidate.shard FOR NO KEY UPDATE;
      CONTINUE WHEN locked.residence <> 1;
      CONTINUE WHEN locked.owner IS NOT NULL AND locked.owner IS DISTINCT FROM candidate.owner;
      -- It may have come back while we waited for the lock.
      CONTINUE WHEN EXISTS (SELECT FROM nodes o WHERE o.incarnation = locked.owner AND o.incarnation <> self
                            AND NOT (o.name = self_name AND o.incarnation < self) AND o.heartbeat_at > clock_timestamp() - stale_after);
      UPDATE shards s SET epoch = s.epoch + 1, owner = self, owner_name = self_name, settle_token = NULL
        WHERE s.shard = candidate.shard RETURNING s.shard, s.epoch, s.seq INTO shard, epoch, seq;
      RETURN NEXT;
    END LOOP;
    -- Whoever lost its shards hears it with its next heartbeat.
    DELETE FROM nodes o WHERE o.incarnation <> self
      AND ((o.name = self_name AND o.incarnation < self) OR o.heartbeat_at <= clock_timestamp() - stale_after)
      AND NOT EXISTS (SELECT FROM shards s WHERE s.owner = o.incarnation);
  END $$;
