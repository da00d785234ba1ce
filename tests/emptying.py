"""Empties the test database after a test that committed.

Django's way makes all permissions anew each time, which costs more than most tests, and has PostgreSQL make every table
anew.
"""

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase

#: What a migrated database holds, and no test changes.
KEPT = frozenset({ContentType._meta.db_table, Permission._meta.db_table})
#: From so many rows in a table on, truncating is faster than deleting.
MANY = 500


def empty_database(case: TransactionTestCase) -> None:
    """Remove all rows, in place of ``TransactionTestCase._fixture_teardown``."""
    names = sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)
    tables = [connection.ops.quote_name(name) for name in names]
    if connection.vendor != "postgresql":
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), names))
        return
    with transaction.atomic(), connection.cursor() as cursor:
        # What a server still writes is waited for, as truncating would.
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        counts = ", ".join(f"(SELECT count(*) FROM (SELECT FROM {table} LIMIT {MANY}) AS few)" for table in tables)
        cursor.execute(f"SELECT {counts}")
        rows = dict(zip(tables, cursor.fetchone(), strict=True))
        if max(rows.values()) >= MANY:
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            return
        for table, count in rows.items():  # foreign keys are looked at when the transaction ends
            if count:
                cursor.execute(f"DELETE FROM {table}")
