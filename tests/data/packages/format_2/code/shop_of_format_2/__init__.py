"""The project of this package."""
