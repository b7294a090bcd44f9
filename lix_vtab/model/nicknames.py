"""Names people can tell apart, for things nobody has named yet."""

from __future__ import annotations

__all__ = ["nickname"]

_ADJECTIVES = """
amber brave bright calm clever copper coral crisp deep eager early fair fleet gentle golden green
happy honest jade keen kind lively lucky mellow merry misty noble olive patient plain proud quick
quiet ruby sandy sharp silent silver smooth snowy solid steady sunny swift tidy tender vivid warm
wild wise
"""

_NOUNS = """
acorn badger beaver birch brook cedar cliff crane creek delta dove eagle falcon fern finch fox
garden glade grove harbor hare hawk heron hill island lark leaf lily lynx maple marsh meadow mole
moss oak otter owl pebble pine plover pond raven reed river robin sparrow stone swan thistle willow
wren
"""


def nickname() -> str:
    """Return a random name such as `quiet-heron-417`."""
    from random import SystemRandom  # nobody who only reads needs it

    random = SystemRandom()
    words = (random.choice(listed.split()) for listed in (_ADJECTIVES, _NOUNS))
    return f"{'-'.join(words)}-{random.randrange(100, 1000)}"
