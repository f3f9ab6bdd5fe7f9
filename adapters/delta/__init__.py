"""A lake of Delta tables, written once; where its files lie is a `Storage`, one a provider."""
