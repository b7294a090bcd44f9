"""`tests/state/test_vtable_write.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.state.test_vtable_write")
