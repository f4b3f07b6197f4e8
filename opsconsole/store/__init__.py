"""The one SQLite database: connection, migrations, typed records and the queries on them, one module a noun."""
