"""Kafka as commands and the worker meet it outside of lanes: topics, rights, reading, and what is wrong with it, in words."""
