"""Tests of files and directories."""
