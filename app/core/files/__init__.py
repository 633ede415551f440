"""Files: where they are stored, and what of an upload is stored."""
