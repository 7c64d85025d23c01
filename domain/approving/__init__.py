"""The approval matrix: a policy that can be read and changed, people who may be away, decisions that stand before an auditor."""
