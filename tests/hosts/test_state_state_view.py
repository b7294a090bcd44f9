"""`tests/state/test_state_view.py` through every kind of host."""

from tests.hosts.adoption import adopt

adopt(globals(), "tests.state.test_state_view")
