import { defineConfig } from "vitest/config";

// The files of one deployment run one after the other.
export default defineConfig({ test: { include: ["tests/**/*.test.ts"], fileParallelism: false, watch: false } });
