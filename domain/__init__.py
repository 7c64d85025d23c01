"""Pure rules of quote to cash: standard library only, no clock, no I/O."""
