"""Importing this registers every job, duty and beat of web capture; the worker does so once."""

from web_capture import abandonment, resolve

__all__ = ["abandonment", "resolve"]
