"""For tests of what uses lix: a pytest plugin, and a conformance check for authors of plugins.

Installing lix_vtab is enough to have the fixtures of `lix_vtab.testing.plugin`.
"""
