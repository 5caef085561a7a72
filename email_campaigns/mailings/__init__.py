"""Mailings: a letter to an audience at a time, planned before it starts and explained afterwards."""
