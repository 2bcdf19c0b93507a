"""Tests of `protocol.cli`."""
