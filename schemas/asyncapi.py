"""`python -m schemas.asyncapi [--check]`: who writes and reads which topic, as an AsyncAPI 3 document, schemas/asyncapi.json.

Made from the catalogue of topics, the models and the samples; golden, as the JSON Schemas are that it points to. It tells what
others need: inputs and outputs. Changelogs and the internal topic are nobody's business but the workers'.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from schemas.export import EVENTS
from schemas.topics import DEAD_LETTER, INPUTS, TOPICS, Role, Topic

__all__ = ["FILE", "document", "main", "text"]

FILE: Final = Path(__file__).parent / "asyncapi.json"
SAMPLES: Final = Path(__file__).parent / "samples"
BINDING_VERSION: Final = "0.5.0"
JSON_SCHEMA: Final = "application/schema+json;version=draft-2020-12"
BYTES: Final = "application/octet-stream"
TOLD: Final = (*INPUTS, *(topic for topic in TOPICS if topic.role is Role.OUTPUT))
PARTITIONING: Final = (
    "Everything of one shop lives in one partition: murmur2 of the UTF-8 shop_id, as Kafka's Java client computes it "
    "(`(murmur2(key) & 0x7fffffff) % partitions`). Where the key is the shop_id, the default partitioner does it; where it is "
    "another, the partition is given explicitly. control, and buyer-list for every shop, are written to every partition."
)
READING: Final = (
    "Readers set isolation.level=read_committed: a decision that was not committed never happened. The same record may be "
    "handed to a reader again after the reader's own crash, so act once by decision_id (or alert_id)."
)
Json = dict[str, Any]


def document() -> Json:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "autorefund",
            "version": "1",
            "description": f"Decides small after-sale refunds of shops, each exactly once. {PARTITIONING} {READING}",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "Whatever AUTOREFUND_BROKERS names.",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOLD},
        "operations": {f"{_verb(topic)}-{topic.name}": _operation(topic) for topic in TOLD},
        "components": {"messages": {topic.name: _message(topic) for topic in TOLD}},
    }


def text() -> str:
    """What stands in the file."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def main(arguments: Sequence[str] | None = None, file: Path = FILE) -> int:
    """Write the file; with --check only compare, and return 1 where it differs."""
    parser = argparse.ArgumentParser(prog="python -m schemas.asyncapi", description="Writes the AsyncAPI document.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the file is not up to date")
    if not parser.parse_args(arguments).check:
        file.write_text(text(), "utf-8")
        return 0
    if file.exists() and file.read_text("utf-8") == text():
        return 0
    sys.stderr.write(f"not up to date: {file.name} (python -m schemas.asyncapi writes it)\n")
    return 1


def _verb(topic: Topic) -> str:
    return "receive" if topic in INPUTS else "send"


def _channel(topic: Topic) -> Json:
    config: Json = {
        name: int(value) if value.lstrip("-").isdigit() else value for name, value in topic.config().items()
    }
    return {
        "address": topic.name,
        "description": f"{topic.why[0].upper()}{topic.why[1:]}.",
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": config | {"cleanup.policy": [topic.cleanup.value]},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _operation(topic: Topic) -> Json:
    """What the worker does; its neighbours do the opposite."""
    return {
        "action": _verb(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.name}"}],
    }


def _message(topic: Topic) -> Json:
    message: Json = {
        "name": topic.name,
        "bindings": {"kafka": {"key": _key(topic), "bindingVersion": BINDING_VERSION}},
    }
    if topic is DEAD_LETTER:
        return message | {
            "summary": "A record that could not be read: the bytes as they came, and why in the headers.",
            "contentType": BYTES,
            "headers": {
                "type": "object",
                "required": ["topic", "partition", "offset", "error", "schema", "at"],
                "properties": {
                    "topic": {"type": "string", "description": "where it lay"},
                    "partition": {"type": "string"},
                    "offset": {"type": "string"},
                    "error": {"type": "string", "description": "one line"},
                    "schema": {"type": "string"},
                    "at": {"type": "string", "format": "date-time"},
                },
            },
        }
    summary = (EVENTS[topic.name].__doc__ or "").splitlines()[0]
    return message | {
        "summary": summary,
        "contentType": "application/json",
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"json/{topic.name}.json"}},
        "examples": [{"name": _example(topic).stem, "payload": json.loads(_example(topic).read_text("utf-8"))}],
    }


def _key(topic: Topic) -> Json:
    if topic.key == "none":
        return {"type": "null"}
    return {"type": "string", "description": topic.key}


def _example(topic: Topic) -> Path:
    """The sample that shows most."""
    return max((SAMPLES / topic.name / "good").glob("*.json"), key=lambda path: (path.stem == "full", path.stem))


if __name__ == "__main__":
    sys.exit(main())
