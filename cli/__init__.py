"""The terminal's way in: what is shown and asked goes over HTTP through the API; only `up`, `down` and `audit` know the servers."""

from cli.app import main

__all__ = ["main"]
