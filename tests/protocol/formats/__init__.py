"""Tests of the files that tasks come from and go into."""
