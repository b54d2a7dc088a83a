"""``python -m convex_mastra_emulator``."""

from convex_mastra_emulator.cli import main

if __name__ == "__main__":
    main()
