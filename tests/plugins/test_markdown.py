"""plugin_md: blocks that keep their identity, and every byte between them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.plugins import EntityChange, File, PluginInvalidInput, plugin_md
from lix_vtab.plugins.markdown.blocks import cut
from tests.plugins.world import World, ids_of

BLOCK, DOCUMENT = "markdown_block", "markdown_document"


def world(text: str | bytes) -> World:
    return World(plugin_md, "/notes.md", text if isinstance(text, bytes) else text.encode())


def order(made: World) -> list[str]:
    """Return the ids of the blocks in file order."""
    return sorted(made.ids(BLOCK), key=lambda id: (made.snapshot(BLOCK, id)["order"], id))


def texts(made: World) -> list[str]:
    return [made.snapshot(BLOCK, id)["markdown"] for id in order(made)]


def counts(before: str, after: str) -> tuple[int, int]:
    """Return how many blocks an edit tombstones and how many it writes."""
    found = ids_of(world(before).write(after.encode()))
    gone = sum(id.startswith("-") for id in found)
    return gone, len(found) - gone


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.type, text[block.start : block.end]) for block in cut(text)]


PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "b ",
            "\n",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "# ",
            "- ",
            "1. ",
            "> ",
            "    ",
            "\t",
            "```",
            "~~~",
            "---",
            "===",
            "|",
            "|-|",
            "$$",
            "<div>",
            "<!--",
            "-->",
            "[^1]: ",
            "[a]: b",
            "\ufeff",
            "é",
            "+++",
        ]
    ),
    max_size=24,
).map(lambda pieces: "".join(pieces).encode())


@given(st.lists(PIECES, min_size=1, max_size=5))
def test_any_text_and_any_sequence_of_edits(steps: list[bytes]) -> None:
    made = world(steps[0])
    for data in steps[1:]:
        made.write(data)
        assert made.detect(data) == []


@given(PIECES)
def test_blocks_cover_everything_but_space(data: bytes) -> None:
    text = data.decode()
    at = 0
    for block in cut(text):
        assert text[at : block.start].strip("\ufeff \t\r\n") == ""
        assert at <= block.start < block.end
        at = block.end
    assert text[at:].strip("\ufeff \t\r\n") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\nb\nc\n\nd", [("heading", "# A"), ("paragraph", "b\nc"), ("paragraph", "d")]),
        (
            "A\n===\nB\n---\n---\n",
            [("heading", "A\n==="), ("heading", "B\n---"), ("thematicBreak", "---")],
        ),
        ("***\n- - -\n", [("thematicBreak", "***"), ("thematicBreak", "- - -")]),
        ("#no\n#", [("paragraph", "#no"), ("heading", "#")]),
        ("```py\na\n\n# b\n```\nc", [("code", "```py\na\n\n# b\n```"), ("paragraph", "c")]),
        ("````\n```\n````", [("code", "````\n```\n````")]),
        ("~~~ `x`\n~~~\n", [("code", "~~~ `x`\n~~~")]),
        ("``` a`b\nc", [("paragraph", "``` a`b\nc")]),
        ("```\nnever closed\n\n", [("code", "```\nnever closed")]),
        ("    a\n\n    b\nc", [("code", "    a\n\n    b"), ("paragraph", "c")]),
        ("a\n    still a", [("paragraph", "a\n    still a")]),
        ("> a\nlazy\n> b\n\nc", [("blockquote", "> a\nlazy\n> b"), ("paragraph", "c")]),
        ("> a\n# b", [("blockquote", "> a"), ("heading", "# b")]),
        ("- a\n- b\n\n  c\n\n- d\n\ne", [("list", "- a\n- b\n\n  c\n\n- d"), ("paragraph", "e")]),
        ("- a\n* b", [("list", "- a"), ("list", "* b")]),
        ("1. a\n2. b\n3) c", [("list", "1. a\n2. b"), ("list", "3) c")]),
        ("- a\nlazy\n- ```\n\n  x\n  ```\n", [("list", "- a\nlazy\n- ```\n\n  x\n  ```")]),
        ("- a\n# b", [("list", "- a"), ("heading", "# b")]),
        ("- a\n\n\n- b\n", [("list", "- a\n\n\n- b")]),
        ("- [ ] a\n- [x] b", [("list", "- [ ] a\n- [x] b")]),
        ("a\n2. b", [("paragraph", "a\n2. b")]),
        ("a\n1. b", [("paragraph", "a"), ("list", "1. b")]),
        (
            "| a | b |\n|---|:-:|\n| 1 | 2 |\nx\n\ny",
            [("table", "| a | b |\n|---|:-:|\n| 1 | 2 |\nx"), ("paragraph", "y")],
        ),
        ("p\n| a |\n|---|\n", [("paragraph", "p"), ("table", "| a |\n|---|")]),
        ("a | b\n--- | --- | ---\n", [("paragraph", "a | b\n--- | --- | ---")]),
        ("<div>\n# x\n\ny", [("html", "<div>\n# x"), ("paragraph", "y")]),
        ("<!-- a\n\nb -->\nc", [("html", "<!-- a\n\nb -->"), ("paragraph", "c")]),
        ("<Note kind='x'>\nhi\n</Note>\n", [("html", "<Note kind='x'>\nhi\n</Note>")]),
        ("<script>\n\nx\n</script>\ny", [("html", "<script>\n\nx\n</script>"), ("paragraph", "y")]),
        ("<b>bold</b> text", [("paragraph", "<b>bold</b> text")]),
        ("a < b\n", [("paragraph", "a < b")]),
        ("---\nt: 1\n---\n# A", [("yaml", "---\nt: 1\n---"), ("heading", "# A")]),
        ("+++\nt = 1\n+++\n", [("toml", "+++\nt = 1\n+++")]),
        ("---\nno end", [("thematicBreak", "---"), ("paragraph", "no end")]),
        ("$$\nx\n\ny\n$$\nz", [("math", "$$\nx\n\ny\n$$"), ("paragraph", "z")]),
        ("$$x$$ inline", [("paragraph", "$$x$$ inline")]),
        (
            "[a]: /x\n[b]: /y 'T'\nc",
            [("definition", "[a]: /x"), ("definition", "[b]: /y 'T'"), ("paragraph", "c")],
        ),
        (
            "[^1]: note\n    more\n\n    deep\nx\n\ny",
            [("footnoteDefinition", "[^1]: note\n    more\n\n    deep\nx"), ("paragraph", "y")],
        ),
        (
            "[^1]: a\n[^2]: b",
            [("footnoteDefinition", "[^1]: a"), ("footnoteDefinition", "[^2]: b")],
        ),
        ("a\r\nb\r\n\r\nc\r\n", [("paragraph", "a\r\nb"), ("paragraph", "c")]),
        ("", []),
        ("\n \n\t\n", []),
        ("\ufeff# A", [("heading", "# A")]),
    ],
)
def test_how_text_is_cut(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("before", "after", "gone", "written"),
    [
        ("A\n\nB\n", "A\n\nB\n", 0, 0),
        ("", "", 0, 0),
        ("First\n\nSecond\n", "Second\n\nFirst\n", 0, 1),
        ("# A\n\na\n\n# B\n\nb\n", "# B\n\nb\n\n# A\n\na\n", 0, 2),
        ("Hello\n", "# Hello\n", 1, 1),
        ("```\nx\n```\n", "x\n", 1, 1),
        ("Hello\n", "> Hello\n", 1, 1),
        ("Same\n\nSame\n", "Same\n\nSame\n", 0, 0),
        ("Same\n\nOther\n", "Same\n\nSame\n\nOther\n", 0, 1),
        ("A\n\nC\n", "A\n\nB\n\nC\n", 0, 1),
        ("A\n\nB\n", "A\n", 1, 0),
        ("Alpha\n\nBeta\n", "Beta plus\n\nAlpha\n", 0, 1),
        ("Same\n\nSame\n", "Same\n\nSame updated\n", 0, 1),
        ("A\n\nB\n\nC\n", "A\n\nB!\n\nC\n", 0, 1),
        ("- a\n- b\n- c\n", "- c\n- a\n- b\n", 0, 1),
        ("- a\n- b\n", "- a\n- b\n- c\n", 0, 1),
        ("- a\n- b\n- c\n", "- a\n- c\n", 0, 1),
        ("|a|\n|-|\n|1|\n", "|a|\n|-|\n|1|\n|2|\n", 0, 1),
        ("|a|\n|-|\n|1|\n|2|\n", "|a|\n|-|\n|2|\n|1|\n", 0, 1),
        ("|a|\n|-|\n|1|\n|2|\n", "|a|\n|-|\n|2|\n", 0, 1),
        ("a  \r\nb\r\n", "a\\\r\nb\r\n", 0, 1),
        ("```\nx\n```\n", "````\nx\n````\n", 0, 1),
        ("`a` b\n", "`a`<br>`b`\n", 0, 1),
        ("# Title\n\ntext\n", "# Other\n\ntext\n", 0, 1),
        ("```js\na\n```\n", "```ts\na\n```\n", 0, 1),
        ("see [a](x)\n", "see [a](y)\n", 0, 1),
        ("AB\n", "A\n\nB\n", 0, 2),
        ("A\n\nB\n", "AB\n", 1, 1),
        ("e\u0301\n", "\u00e9\n", 0, 1),
        ("A\n\nB\n", "A\n\n\nB\n", 0, 1),
        ("A\n\nB\n", "\nA\n\nB\n", 0, 1),
        ("A\n\nB\n", "A\n\nB", 0, 1),
        ("A\n\nB\n", "A\r\n\r\nB\r\n", 0, 1),
        ("A\nb\n\nC\nd\n", "A\r\nb\r\n\r\nC\r\nd\r\n", 0, 1),
        ("A\n\nB\n", "", 3, 0),
    ],
)
def test_what_an_edit_touches(before: str, after: str, gone: int, written: int) -> None:
    assert counts(before, after) == (gone, written)


def test_identities() -> None:
    made = world("First\n\nSecond\n")
    first, second = order(made)
    made.write(b"First\n\nNew\n\nSecond\n")
    assert [order(made)[0], order(made)[2]] == [first, second]
    new = order(made)[1]
    made.write(b"Second\n\nFirst\n\nNew one\n")
    assert order(made) == [second, first, new]
    assert texts(made) == ["Second", "First", "New one"]
    made.write(b"Second, First\n\nNew one\n")
    assert order(made)[1] == new


def test_splitting_keeps_the_first_and_joining_keeps_the_first() -> None:
    made = world("One and two\n")
    (id,) = order(made)
    made.write(b"One and\n\ntwo\n")
    assert order(made)[0] == id
    made = world("One and\n\ntwo\n")
    first, second = order(made)
    assert set(ids_of(made.write(b"One and two\n"))) == {first, f"-{second}"}


def paragraphs(*numbers: int) -> str:
    return "\n\n".join(f"Paragraph {number} says {number * number}." for number in numbers) + "\n"


def test_a_long_file() -> None:
    numbers = list(range(500))
    made = world(paragraphs(*numbers))
    ids = order(made)
    made.write(paragraphs(*numbers[123:], *numbers[:123]).encode())
    assert order(made) == ids[123:] + ids[:123]
    shuffled = list(numbers)
    random.Random(3).shuffle(shuffled)
    made.write(paragraphs(*shuffled).encode())
    assert order(made) == [ids[number] for number in shuffled]
    made.write(paragraphs(*numbers).encode())
    text = paragraphs(*numbers)
    for number in (10, 111, 222, 333, 444):
        text = text.replace(f"says {number * number}.", f"says {number * number}. x")
    assert set(ids_of(made.write(text.encode()))) == {ids[n] for n in (10, 111, 222, 333, 444)}


def test_moving_inserting_and_deleting_at_once() -> None:
    numbers = list(range(500))
    made = world(paragraphs(*numbers))
    ids = order(made)
    after = [*numbers[450:460], *numbers[:300], 1000, *numbers[300:450], *numbers[460:499]]
    changes = ids_of(made.write(paragraphs(*after).encode()))
    assert len(changes) <= 12
    assert order(made)[:10] == ids[450:460]
    assert len(order(made)) == 500


def test_one_of_many_equal_paragraphs() -> None:
    same = ["Same"] * 500
    made = world("\n\n".join(same) + "\n")
    ids = order(made)
    same[349] = "Same, but edited"
    assert ids_of(made.write(("\n\n".join(same) + "\n").encode())) == [ids[349]]


@pytest.mark.parametrize(
    "text",
    [
        "\n\n# A\n\n\n\nb",
        "a\n# b\n",
        "  # h\ntext\n",
        "<!-- c -->\npara\n",
        "- a\n* b\n",
        "\n \n",
        "\ufeff",
        "a  \nb\t\n",
        "a\r\n\r\nb\n\nc\r\n",
        "    code\n\n\n",
        "```\n\n\n",
        "a\n\n \t\nb",
        "x\ry\n\nz\r",
        "a\r\nb\n\r\nc\n",
        "\r\n\r\na\r\n",
        "a\n\n\r\nb\r\n\r\n",
    ],
)
def test_space_and_line_endings_come_back(text: str) -> None:
    made = world(text)
    assert made.data == text.encode()
    made.write(text.encode() + b"\n\nmore\n")
    made.write(text.replace("\n", "\r\n").encode())
    made.write(text.encode())


def test_edits_by_hand() -> None:
    made = world("# Title\r\n\r\none\r\ntwo\r\n\r\n\r\nthree")
    title, middle, last = order(made)
    assert made.snapshot(BLOCK, middle)["markdown"] == "one\ntwo"
    made.edit(BLOCK, middle, {**made.snapshot(BLOCK, middle), "markdown": "1\n2\n3"})
    assert made.data == b"# Title\r\n\r\n1\r\n2\r\n3\r\n\r\n\r\nthree"
    made.edit(BLOCK, "x", {"id": "x", "order": "z" * 27, "type": "paragraph", "markdown": "end\n"})
    assert made.data == b"# Title\r\n\r\n1\r\n2\r\n3\r\n\r\n\r\nthree\r\n\r\nend"
    made.edit(BLOCK, title, None)
    assert made.data == b"1\r\n2\r\n3\r\n\r\n\r\nthree\r\n\r\nend"
    made.edit(BLOCK, last, {**made.snapshot(BLOCK, last), "markdown": ""})
    assert made.data == b"1\r\n2\r\n3\r\n\r\nend"
    made.write(b"1\r\n2\r\n3\r\n\r\nend\r\n\r\nagain")
    made.edit(DOCUMENT, "root", {"id": "root", "newline": "\n"})
    assert made.data == b"1\n2\n3\n\nend\n\nagain\n"
    made.edit(BLOCK, "y", {"id": "y", "type": "paragraph", "markdown": "two\n\nparagraphs"})
    assert len(made.write((made.data or b"") + b"\nlast\n")) <= 3


def rows(*pairs: tuple[str, Any]) -> list[EntityChange]:
    return [EntityChange(id, DOCUMENT if id == "root" else BLOCK, row) for id, row in pairs]


def block(id: str, markdown: str, place: str = "a0", **more: Any) -> tuple[str, Any]:
    return id, {"id": id, "type": "paragraph", "order": place, "markdown": markdown, **more}


FILE = File("f", "/notes.md", b"base")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            rows(block("b2", "Second paragraph.", "a1"), block("b1", "# Title")),
            "# Title\n\nSecond paragraph.\n",
        ),
        (rows(("root", None)), ""),
        (rows(), ""),
        (rows(block("b", "text"), block("a", "none", "")), "text\n\nnone\n"),
        (rows(block("a", "\n# Title\n"), block("b", "\n\nText\n\n", "a1")), "# Title\n\nText\n"),
        (rows(block("a", "A"), ("b", None)), "A\n"),
        ([EntityChange("a", "other", {}, "999"), *rows(block("a", "A"))], "A\n"),
        (rows(("root", {"id": "root", "newline": "\r\n"}), block("a", "A\nB")), "A\r\nB\r\n"),
    ],
)
def test_sets_that_are_a_document(changes: list[EntityChange], text: str) -> None:
    assert plugin_md.apply_changes(FILE, changes) == text.encode()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (rows(("root", {"id": "root"}), ("root", {"id": "root"})), "duplicate entity_id 'root'"),
        (rows(block("a", "A"), block("a", "B")), "duplicate entity_id 'a'"),
        ([EntityChange("other", DOCUMENT, {"id": "other"})], "must be 'root'"),
        ([EntityChange("a", BLOCK, block("a", "A")[1], "2")], "unsupported schema_version '2'"),
        (rows(("a", "text")), "must be an object"),
        (rows(("root", [])), "must be an object"),
        (rows(("a", block("b", "B")[1])), "the id in the snapshot of block 'a' differs"),
        (rows(("root", {"id": "other"})), "must be 'root'"),
        (rows(block("a", 1)), "'markdown' must be a string"),  # type: ignore[arg-type]
        (rows(block("a", "A"), block("b", "B", "a1", before="x")), "is more than space"),
        (
            rows(("root", {"id": "root", "lead": "x"}), block("a", "A")),
            "line endings and space only",
        ),
        (
            rows(("root", {"id": "root", "newline": "\r"}), block("a", "A")),
            "line endings and space",
        ),
        (rows(block("a", "\ud800")), "written as UTF-8"),
    ],
)
def test_sets_that_are_no_document(changes: list[EntityChange], text: str) -> None:
    with pytest.raises(PluginInvalidInput, match=text):
        plugin_md.apply_changes(FILE, changes)


def test_what_is_no_text_is_refused() -> None:
    bad = File("f", "/notes.md", b"\xff\xfe\xfd")
    with pytest.raises(PluginInvalidInput, match="is no UTF-8 text"):
        list(plugin_md.detect_changes(None, bad, None))
    changes = list(plugin_md.detect_changes(bad, File("f", "/notes.md", b"A"), None))
    assert len(changes) == 2


def test_two_versions_edit_different_blocks() -> None:
    start = "# T\n\nA\n\nB\n"
    left, right = world(start), world(start)
    left.write(b"# T\n\nA, left\n\nnew\n\nB\n")
    right.write(b"# T\n\nA\n\nB, right\n\nend\n")
    merged = {**right.entities, **left.entities}
    merged[BLOCK, order(right)[2]] = right.entities[BLOCK, order(right)[2]]
    assert left.render(merged) == b"# T\n\nA, left\n\nnew\n\nB, right\n\nend\n"


def test_the_schemas() -> None:
    assert [schema["x-lix-key"] for schema in plugin_md.schemas] == [BLOCK, DOCUMENT]
    assert all(schema["x-lix-primary-key"] == ["/id"] for schema in plugin_md.schemas)
