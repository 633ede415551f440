"""Pages of files in and out: exports, imports, jobs."""
