"""What all kinds of landed records share."""

import orjson


def test_rejected_records_are_kept_with_their_reason(landing):
    landing.files.reject("repository", [(b'{"id":null}', "id is none"), (b"\xff\xfe", "no text")])
    landing.files.reject("event", [(b"[]", "x")])
    landing.files.reject("event", [])
    lines = [orjson.loads(line) for line in (landing.folder / "rejected.ndjson").read_bytes().splitlines()]
    assert [(line["subject"], line["reason"], line["record"]) for line in lines] == [
        ("repository", "id is none", '{"id":null}'),
        ("repository", "no text", "\ufffd\ufffd"),
        ("event", "x", "[]"),
    ]
    assert all(line["at"] for line in lines)
