"""MoySklad (moysklad.ru): counterparties, nomenclature, invoices and payments through its JSON API 1.2."""
