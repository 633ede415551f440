"""Changes to records: permission, change, history and audit in one place each."""
