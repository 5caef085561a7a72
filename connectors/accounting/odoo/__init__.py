"""Odoo 19 and later: counterparties, nomenclature, invoices and payments through its JSON-2 API."""
