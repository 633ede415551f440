"""Work in the background: the table of jobs and the worker that does them."""
