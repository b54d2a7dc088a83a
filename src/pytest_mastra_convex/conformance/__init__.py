"""The conformance suite: what a deployment does, as tests that run on every target.

    pytest --pyargs pytest_mastra_convex.conformance --convex-target=emulator --convex-target=oracle

Database semantics are tested through the probe, an interpreter that is deployed next to Mastra's functions.
"""
