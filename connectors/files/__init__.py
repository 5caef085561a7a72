"""Files people keep customers in: CSV and workbooks."""
