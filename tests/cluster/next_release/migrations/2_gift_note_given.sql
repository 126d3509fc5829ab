-- oldest program: @previous@
-- From here on every program writes the column.
ALTER TABLE orders ALTER COLUMN gift_note SET DEFAULT '';
