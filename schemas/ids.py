"""Identities, and the keys made of them (domain [40])."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import StringConstraints

__all__ = ["ALL", "ID_LENGTH_MAX", "Id", "decision_id", "join_key", "split_decision_id", "split_key"]

ID_LENGTH_MAX: Final = 128
"""Characters in an identity (contract, 2)."""

ALL: Final = "*"
"""As strategy_id: the cap over all strategies of a shop. As shop_id of a buyer list: every shop (contract, 2)."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH_MAX)]


def join_key(*parts: str) -> bytes:
    """One key of several identities, `a|b|c`; different parts never give the same key, whatever they contain."""
    joined = "|".join(parts)
    if "%" in joined or joined.count("|") != len(parts) - 1:
        joined = "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)
    return joined.encode()


def split_key(key: bytes) -> tuple[str, ...]:
    """The inverse of `join_key`."""
    return tuple(part.replace("%7C", "|").replace("%25", "%") for part in key.decode().split("|"))


def decision_id(request_id: str, request_version: int) -> str:
    """`<request_id>:<request_version>` (contract, 3)."""
    return f"{request_id}:{request_version}"


def split_decision_id(text: str) -> tuple[str, int] | None:
    """The request and its version; None where `text` is no decision's id."""
    request_id, colon, version = text.rpartition(":")
    if not (colon and request_id and version.isascii() and version.isdigit()) or str(int(version)) != version:
        return None
    return request_id, int(version)
