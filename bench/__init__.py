"""Measures Raster beside the bare MCP SDK and plain views, and how it grows: ``make bench``.

Everything is measured on SQLite and PostgreSQL, in databases that are made, filled and thrown away: a million assets
take a quarter of an hour and some gigabytes in each. ``make bench ARGS='--only tools --database sqlite'`` measures
less: ``--only`` takes credentials, tools, apis, growth, search or uploads, and may be given several times, as
``--database`` may. Each comparison takes turns of ``--seconds`` with its other side, ``--rounds`` times; figures of
different runs or machines say nothing about each other.
"""
