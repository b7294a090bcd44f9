"""A unified diff of two texts."""

from __future__ import annotations

from lix_vtab.errors import InvalidValueError

__all__ = ["text_diff"]


def text_diff(
    before: object,
    after: object,
    context: object = 3,
    before_name: object = "before",
    after_name: object = "after",
) -> str:
    r"""Return the unified diff from one text to another, '' when they are equal.

    Texts may be blobs of UTF-8; NULL is the empty text, as of a file that does not exist, whose
    name NULL is shown as git shows it. A last line without a newline is marked as `diff` marks it.

    >>> print(text_diff("one\ntwo\n", "one\n2\n"), end="")
    --- before
    +++ after
    @@ -1,2 +1,2 @@
     one
    -two
    +2
    """
    if not isinstance(context, int) or context < 0:
        raise InvalidValueError(
            f"lix_text_diff: context must be a number of lines, got {context!r}",
            hint="how many unchanged lines to show around each change",
        )
    old, new = _text(before, "before"), _text(after, "after")
    if old == new:
        return ""
    from difflib import unified_diff  # reading needs no part of it

    names = ["/dev/null" if name is None else str(name) for name in (before_name, after_name)]
    lines = unified_diff(_lines(old), _lines(new), names[0], names[1], n=context, lineterm="\n")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    """Split at newlines only: other characters Python splits at are part of a line."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise InvalidValueError(
                f"lix_text_diff: {name} is not UTF-8 text: {error}",
                hint="compare the hashes of binary files instead",
            ) from error
    if isinstance(value, str):
        return value
    raise InvalidValueError(
        f"lix_text_diff: {name} must be a text or a blob, got {value!r}",
        hint="CAST the value AS TEXT",
    )
