"""Django's PostgreSQL, with a pool whose connections may all die at once."""
