"""The pages that every register has: form, record, review, files."""
