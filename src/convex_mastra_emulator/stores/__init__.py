"""Mastra's Convex stores in Python: the same requests as `@mastra/convex` 1.5.2, on any deployment.

``get_store("observability")`` of :class:`ConvexStore` is None, as in TypeScript: `@mastra/convex` 1.5.2 has no
observability domain.
"""
