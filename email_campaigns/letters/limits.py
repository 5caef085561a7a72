"""How much a letter may ask for, in one place: of its author when it is saved, of its making each time."""

TEMPLATE = 400_000  # characters of compiled HTML with its placeholders
FIELD = 20_000  # characters of one text
BLOCKS = 100
NESTED = 40  # brackets, loops and conditions inside each other
LANGUAGES = 30

RANGE = 1_000  # numbers of a range
STEPS = 10_000  # turns of all loops together
OUTPUT = 1_000_000  # characters of a part
TEXT = 20_000  # characters of what `*`, `+` and `~` put together
NUMBER = 10**15  # what a number may grow to
BASE, POWER = 10**6, 64
SECONDS = 1.0  # a letter takes a fraction of a millisecond
VALUE = 2_000  # characters of a customer's value that are kept
SUBJECT = 255
HEAVY = 102_400  # bytes of HTML: Gmail cuts what is longer
