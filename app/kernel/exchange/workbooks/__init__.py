"""Workbooks as they lie in files: xlsx and xls, read in bounded time and memory."""
