"""All tables of the product in one metadata; importing this module is what makes it whole."""

from console import tables as console_tables
from customers import facts
from customers import tables as customer_tables
from foundation import tables as foundation_tables
from foundation.database import Base
from sync import tables as sync_tables
from web_capture import form_tables, visit_tables
from web_capture import tables as web_tables

PLACES = (
    foundation_tables,
    customer_tables,
    facts,
    sync_tables,
    web_tables,
    form_tables,
    visit_tables,
    console_tables,
)
METADATA = Base.metadata
