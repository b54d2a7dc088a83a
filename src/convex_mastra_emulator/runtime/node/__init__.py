"""The user's own TypeScript: bundled, run in Node, and answered by the same runtime that Python functions use."""
