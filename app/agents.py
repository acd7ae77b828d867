"""The Faust agents: they hand what the consumer fetched to the lanes, and know nothing else."""

from __future__ import annotations

from typing import Any

from aiokafka import TopicPartition

from app.exactly_once.lane_app import LaneApp

__all__ = ["declare_agents"]


def declare_agents(app: LaneApp) -> None:
    """One agent over all inputs: what is fetched keeps its order across topics, which the control plane needs."""
    settings = app.lanes.settings
    inputs = app.topic(
        *settings.input_topics, key_serializer="raw", value_serializer="raw", partitions=settings.partitions
    )

    @app.agent(inputs, name="lanes")
    async def feed_lanes(batches: Any) -> None:
        # No ack: Faust commits nothing here. Nothing is awaited either, so a full lane holds up no other one.
        async for event in batches.noack().events():
            message = event.message
            fetched = message.value
            app.lanes.offer(fetched.epoch, TopicPartition(message.topic, message.partition), fetched.records)
