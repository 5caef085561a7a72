"""Services that take letters over HTTP, one a file, and the tokens of big mailboxes."""
