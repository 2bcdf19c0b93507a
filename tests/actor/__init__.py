"""Tests of actor/."""
