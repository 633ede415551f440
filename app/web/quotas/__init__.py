"""任务管理: what a division gives those below it to do, seen, set, out and in as Excel."""
