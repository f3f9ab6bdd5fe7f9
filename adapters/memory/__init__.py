"""The provider that keeps everything in memory: for tests, and the reference for the others."""
