"""Records for tests, made up by Faker: the same seed gives the same records, byte for byte.

>>> from convex_mastra_emulator import Emulator
>>> factory = MastraFactory(Emulator(), seed="test_search")
>>> factory.thread(title="Weather").title
'Weather'
>>> factory.fill(threads=2, messages=100).counts
{'threads': 2, 'messages': 100}
"""

from pytest_mastra_convex.factories.factory import Filled, MastraFactory
from pytest_mastra_convex.factories.provider import CacheEntry, MastraProvider, VectorEntry

__all__ = ["CacheEntry", "Filled", "MastraFactory", "MastraProvider", "VectorEntry"]
