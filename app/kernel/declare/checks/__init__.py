"""``flask check``: the declarations are consistent. Each problem has a stable id and a test."""
