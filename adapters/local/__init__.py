"""The provider for one machine: files, SQLite and Delta Lake under one folder."""
