"""Approvals for people: one-click pages, what waits for whom, who stands in for whom, policies tried out, evidence."""
