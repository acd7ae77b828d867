"""Brokers for integration tests."""

from tests.kafka_broker import breakable_kafka, kafka

__all__ = ["breakable_kafka", "kafka"]
