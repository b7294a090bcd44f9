"""Tests of the plugins package."""
