"""`tests/versions/test_commits.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.versions.test_commits")
