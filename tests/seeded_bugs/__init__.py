"""Deliberate faults, each of which some test must find."""
