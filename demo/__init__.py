"""The demo: a book of deals read from files and played from quote to cash over HTTP."""
