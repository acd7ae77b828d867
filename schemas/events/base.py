"""What all events have in common: strict about types, indifferent to fields that upstream may add (contract, 1)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt

__all__ = ["COUNT_MAX", "SCHEMA_VERSION", "TEXT_LENGTH_MAX", "Count", "Event", "Int64", "SchemaVersion", "Text"]

SCHEMA_VERSION: Final = 1
"""The highest schema_version that this release knows; a higher one is an invalid record (contract, 1)."""
TEXT_LENGTH_MAX: Final = 4096
"""Characters in a free text (a reason, a name). The contract sets no bound; memory does."""
COUNT_MAX: Final = 2**63 - 1

SchemaVersion = Annotated[StrictInt, Field(ge=1, le=SCHEMA_VERSION)]
Int64 = Annotated[StrictInt, Field(ge=-COUNT_MAX - 1, le=COUNT_MAX)]
Count = Annotated[StrictInt, Field(ge=0, le=COUNT_MAX)]
Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX)]


class Event(BaseModel):
    """A frozen event. Integers are never made of strings, floats or bools; unknown fields are ignored.

    Long lists of small things end at their first error (`FailFast`): each error costs a kilobyte, and a record may have room
    for half a million of them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
