"""A Hypothesis state machine that plays one random program on two deployments and compares them after every step.

>>> from contextlib import contextmanager
>>> from convex_mastra_emulator import Emulator
>>> from convex_mastra_emulator.schema import define_schema, define_table, v
>>> from pytest_mastra_convex.probe import FUNCTIONS
>>> schema = define_schema({"notes": define_table({"text": v.string()}).index("by_text", ["text"])})
>>> def new_emulator():
...     emulator = Emulator(schema)
...     for path, function in FUNCTIONS.items():
...         emulator.define(path, function)
...     return emulator
>>> @contextmanager
... def open_pair():
...     with new_emulator() as first, new_emulator() as second:
...         yield first, second
>>> machine = deployment_machine(open_pair, schema, mastra=False)
>>> run_steps(machine, 100, seed=1) >= 100
True
"""

from pytest_mastra_convex.machine.rules import DeploymentMachine, OpenPair, deployment_machine, run_steps

__all__ = ["DeploymentMachine", "OpenPair", "deployment_machine", "run_steps"]
