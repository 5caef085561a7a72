"""Vendure, through its Admin GraphQL API."""
