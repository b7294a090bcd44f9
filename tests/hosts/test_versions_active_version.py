"""`tests/versions/test_active_version.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.versions.test_active_version")
