"""Importing this registers every job, duty and beat of web capture; the worker does so once."""

from web_capture import resolve
from web_capture.carts import abandonment

__all__ = ["abandonment", "resolve"]
