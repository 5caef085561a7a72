"""Tryton, through its JSON-RPC or, with an application's key, its REST interface."""
