"""Plays a stock 1C against a site's exchange: uploads goods, fetches orders, sends them back, judges."""
