"""Crumbs."""
