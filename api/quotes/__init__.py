"""Quotes over HTTP: a draft checked and previewed, its versions shown, compared, cloned."""
