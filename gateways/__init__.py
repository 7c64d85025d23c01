"""Adapters to the parties outside, one file per vendor behind the words of `ports.py`."""
