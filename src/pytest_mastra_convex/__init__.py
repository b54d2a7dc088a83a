"""The pytest plugin of convex-mastra-emulator."""
