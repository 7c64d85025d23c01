"""When and whether: deterministic, on temporalio and domain alone."""
