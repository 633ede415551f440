"""The pages and exports of the audit log."""
