"""PostgreSQL: tables, repositories and the unit of work. Rows never leave this package."""
