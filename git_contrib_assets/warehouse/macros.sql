-- Rules that Python knows too, as macros: storage/warehouse.py fills in what stands once, in Python.

-- Addresses and names are compared trimmed and lower-cased (docs/definitions.md); what is trimmed is WHITESPACE in
-- storage/landed/addresses.py.
create or replace macro typed.normalised(written) as lower(trim(written, {whitespace}));

-- A date, or null if it is not plausible (docs/definitions.md): the DOS epoch, 1 January 1980, is not in any time zone.
create or replace macro typed.plausible(moment) as case when moment >= timestamp '1980-01-02' then moment end;
