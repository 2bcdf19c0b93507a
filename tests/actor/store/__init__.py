"""Tests of actor/store/."""
