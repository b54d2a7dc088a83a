"""Functions: how they are named, found, called and nested, and how their failures are told."""
