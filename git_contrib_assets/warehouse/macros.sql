-- Rules that Python knows too, as macros: storage/warehouse.py fills in what stands once, in Python.

-- Addresses and names are compared trimmed and lower-cased (docs/definitions.md); what is trimmed is WHITESPACE in
-- storage/landed/addresses.py.
create or replace macro typed.normalised(written) as lower(trim(written, {whitespace}));
