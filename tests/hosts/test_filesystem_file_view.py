"""`tests/filesystem/test_file_view.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.filesystem.test_file_view")
