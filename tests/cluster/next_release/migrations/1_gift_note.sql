-- A column that programs of before do not know and need not fill.
ALTER TABLE orders ADD COLUMN gift_note text;
