-- Several databases make one deployment. Each knows which one it is in and its place in the settings; the first holds the directory.
CREATE TABLE deployment (
  one           boolean PRIMARY KEY DEFAULT true CHECK (one),
  id            uuid NOT NULL,                                   -- of the deployment, drawn with its first database
  database      uuid NOT NULL,                                   -- of this database, drawn once
  number        int2 NOT NULL CHECK (number BETWEEN 1 AND 255),  -- its place in the settings
  shards_placed boolean NOT NULL DEFAULT false                   -- in number 1: every shard has been given to a database
);

-- A shard that is frozen here (residence 3) on its way to another database. It may be unfrozen, or sent to a third one, only after
-- the destination can no longer become its home.
CREATE TABLE shard_moves (
  shard       int2 PRIMARY KEY REFERENCES shards (shard),
  destination uuid NOT NULL, -- deployment.database
  began_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON deployment, shard_moves TO souk_writer;

-- A database that was never used offers no shard: whether it is a deployment's first one, of which all shards are, or one added
-- later, of which none is, `migrate` says when it has seen the others.
UPDATE shards SET residence = 2 WHERE NOT EXISTS (SELECT FROM shards s WHERE s.epoch > 0 OR s.seq > 0);
