"""What JSON texts are taken, and that nothing taken is stored as something else."""

from __future__ import annotations

import pytest

from lix_vtab.model.json import canonical_json, parse_json


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400 + ".5"])
@pytest.mark.parametrize("text", ["{}", '{{"a":{}}}', "[[{}]]", "[123456789012345678901,{}]"])
def test_numbers_beyond_every_double_are_refused(text, number):
    with pytest.raises(ValueError, match="too large"):
        parse_json(text.format(number))


@pytest.mark.parametrize(
    "text",
    ['{"n":123456789012345678901234567890}', '{"n":1.0}', '{"n":1e+300}'],
)
def test_what_is_taken_is_kept(text):
    value = parse_json(text)
    assert parse_json(canonical_json(value)) == value


def test_a_lone_surrogate_is_refused():
    with pytest.raises(ValueError, match="surrogate"):
        parse_json('{"a": "\\ud800"}')


def test_a_surrogate_pair_is_one_character():
    assert parse_json('"\\ud83d\\ude00"') == "😀"
