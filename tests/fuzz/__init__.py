"""Fuzz targets for every parser that takes bytes."""
