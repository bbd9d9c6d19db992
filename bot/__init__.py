"""Crumbs: tells two fandoms the moment their idols meet."""

from importlib.metadata import version

__version__ = version("crumbs")
