"""Work that nobody waits for: a queue in the database, behind the interface of Django's tasks."""
