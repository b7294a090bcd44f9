"""`tests/filesystem/test_directories.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.filesystem.test_directories")
