"""The version of the package."""

__version__: str
__version__ = "0.2.0"
