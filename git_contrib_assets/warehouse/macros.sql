-- Rules that Python knows too, as macros: storage/warehouse.py fills in what stands once, in Python.

-- Addresses and names are compared trimmed and lower-cased (docs/definitions.md); what is trimmed is WHITESPACE in
-- storage/landed/addresses.py.
create or replace macro typed.normalised(written) as lower(trim(written, {whitespace}));

-- A date, or null if it is not plausible (docs/definitions.md): the DOS epoch, 1 January 1980, is not in any time zone.
create or replace macro typed.plausible(moment) as case when moment >= timestamp '1980-01-02' then moment end;

-- The login in an address that GitHub gives to a bot, else an empty text; the pattern is BOT_ADDRESS in
-- storage/landed/addresses.py.
create or replace macro typed.bot_login(email) as regexp_extract(email, '^(?:{bot_address})$', 1);

-- What stands for an address or a name wherever it may be read: a hash that nobody can make without the key.
create or replace macro typed.opaque(key, written) as left(sha256(key || sha256(key || written)), 32);

-- How old an answer about an account may be: OLDEST_ANSWER in storage/landed/accounts.py.
create or replace macro typed.oldest_answer() as interval {oldest_answer_days} day;
