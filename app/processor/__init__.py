"""The processor, sans-I/O: see `app.processor.processor`."""

from __future__ import annotations

from app.processor.batch import Rules
from app.processor.processor import Processor, processor_factory

__all__ = ["Processor", "Rules", "processor_factory"]
