"""Importing this registers every job, duty, beat and undo of web capture; the worker does so once."""

from web_capture import refusals, resolve, sites
from web_capture.carts import abandonment
from web_capture.visits import costs

__all__ = ["abandonment", "costs", "refusals", "resolve", "sites"]
