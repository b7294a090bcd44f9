"""`tests/state/test_by_version.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.state.test_by_version")
