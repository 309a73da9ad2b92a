"""Tests of the package `data`: nothing here reaches beyond the loopback."""
