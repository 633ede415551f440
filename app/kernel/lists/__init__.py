"""Lists of records: what is asked, columns, pages, saved filters, searches."""
