"""Lighthouse over the pages people see first: `make lighthouse`."""
