"""Letters exchanged with customers: what came into a mailbox, what was answered, the threads they form."""
