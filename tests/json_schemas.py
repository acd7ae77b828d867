"""The exported JSON Schemas as validators, and the check that every output passes before a test looks at it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator
from pydantic import BaseModel

from app.lane_job import Emit
from schemas.events import RefundAlert, RefundDecision

SCHEMAS = Path(__file__).parent.parent / "schemas" / "json"
OUTPUT_MODELS: dict[str, type[BaseModel]] = {"refund-decision": RefundDecision, "refund-alert": RefundAlert}


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a topic, or of a cell: `cells/SpendCell`."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def check_output(emit: Emit) -> None:
    """Hold a decision or an alert against its model and its JSON Schema; other topics carry what came."""
    model = OUTPUT_MODELS.get(emit.topic)
    if model is None:
        return
    value = emit.value or b""
    model.model_validate_json(value)
    validator(emit.topic).validate(json.loads(value))
