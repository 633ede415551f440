"""The frame of every page: shell, errors, search, help, what is kept offline."""
