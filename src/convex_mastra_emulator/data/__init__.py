"""Data in and out: a deployment's export ZIP, and tables as JSON lines, JSON arrays and CSV.

:class:`~convex_mastra_emulator.Emulator` has the methods; what they raise and return is named here.
"""

from convex_mastra_emulator.data.refusals import BadRow, ImportRefused
from convex_mastra_emulator.data.rows import Progress
from convex_mastra_emulator.data.table_import import ImportOptions, ImportResult
from convex_mastra_emulator.data.table_numbers import ImportMode

__all__ = ["BadRow", "ImportMode", "ImportOptions", "ImportRefused", "ImportResult", "Progress"]
