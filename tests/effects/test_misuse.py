"""What streams, callbacks and the outbox say when they are asked for what makes no sense."""

from __future__ import annotations

import datetime
import math

import pytest

from lix_vtab import LixError


@pytest.mark.parametrize(
    "payload",
    [object(), math.nan, [math.inf], datetime.date(2026, 1, 1), {"a": {1}}, "\ud800", b"x"],
    ids=repr,
)
def test_a_payload_is_json(lix, payload):
    with pytest.raises(LixError, match="the payload of an effect must be a JSON value") as caught:
        lix.emit("kind", payload)
    assert caught.value.code == "LIX_INVALID_PARAM"
    assert lix.execute("SELECT * FROM lix_effect").rows == []


@pytest.mark.parametrize("payload", [None, True, 0, 2**70, 0.1, "", [], {"a": [{}]}], ids=repr)
def test_any_json_is_a_payload(lix, payload):
    seen = []
    lix.on_effect("kind", lambda effect: seen.append(effect.payload))
    lix._effects.clock = lambda: 10**10
    lix.emit("kind", payload)
    assert lix.run_effects().done == 1
    assert seen == [payload]
    assert type(seen[0]) is type(payload)


@pytest.mark.parametrize(
    "options",
    [{"queue": 0}, {"queue": -1}, {"schema_keys": 1}, {"entity_ids": [None]}, {"file_ids": [b"a"]}],
    ids=repr,
)
def test_streams_refuse_conditions_that_mean_nothing(lix, options):
    with pytest.raises(LixError) as caught:
        lix.commits(**options)
    assert caught.value.code == "LIX_INVALID_PARAM"


def test_a_single_text_is_a_list_of_one(lix):
    stream = lix.commits(schema_keys="lix_key_value")
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)")
    assert len(stream.try_next().changes) == 1


def test_callbacks_and_handlers_are_callable(lix):
    with pytest.raises(TypeError, match="callable"):
        lix.on_commit(3)
    with pytest.raises(TypeError, match="callable"):
        lix.on_effect("kind", None)
    with pytest.raises(TypeError, match="'schemas' is no condition; there are schema_keys"):
        lix.on_commit(print, schemas=["a"])
    with pytest.raises(ValueError, match="backoff"):
        lix.on_effect("kind", print, backoff=-1)
    assert lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)").changes == 1
