"""All tables of the product in one metadata; importing this module is what makes it whole."""

from console import tables as console_tables
from customers import facts, passes
from customers import tables as customer_tables
from customers.mail import tables as letter_tables
from customers.segments import tables as segment_tables
from email_campaigns import tables as mail_tables
from email_campaigns.doors import tables as door_tables
from email_campaigns.journeys import tables as journey_tables
from foundation import tables as foundation_tables
from foundation.database import Base
from sync import tables as sync_tables
from sync.dedupe import kept_tables
from sync.dedupe import tables as dedupe_tables
from sync.directories import tables as directory_tables
from sync.exchange import tables as exchange_tables
from web_capture import tables as web_tables
from web_capture.forms import tables as form_tables
from web_capture.visits import tables as visit_tables

PLACES = (
    foundation_tables,
    customer_tables,
    facts,
    passes,
    letter_tables,
    segment_tables,
    sync_tables,
    dedupe_tables,
    kept_tables,
    directory_tables,
    exchange_tables,
    web_tables,
    form_tables,
    visit_tables,
    mail_tables,
    door_tables,
    journey_tables,
    console_tables,
)
METADATA = Base.metadata
