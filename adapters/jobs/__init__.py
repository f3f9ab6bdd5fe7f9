"""Jobs that run elsewhere: items of the table first, so that there is one under a key, whoever runs it."""
