"""Tests of actor/transitions/."""
