"""What a stack consists of: `spec.py` says it, `aws/` makes it."""
