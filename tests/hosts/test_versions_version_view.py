"""`tests/versions/test_version_view.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.versions.test_version_view")
