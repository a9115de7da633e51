"""Charter trains a language model to follow a written constitution, and shows its work."""

__version__ = "0.1.0"
