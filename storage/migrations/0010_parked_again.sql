-- When an operator asked for a parked event to be delivered once more; a node does so, and deletes the row when it was taken.
ALTER TABLE outbox_parked ADD COLUMN again_at timestamptz;
