"""Tests of engine.review."""
