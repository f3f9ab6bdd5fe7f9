"""Serving without the web: predictions, their log, labels that come later, and their way into the lake."""
