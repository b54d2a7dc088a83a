"""The transactional database: tables, indexes, queries, writes, vector search."""
