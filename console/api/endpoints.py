"""Every endpoint of the API on one screen."""

from console.api import conflicts, directories, lists, money, reads, segments, writes
from console.api.asking import PAGING, Endpoint, Param
from console.api.shapes import (
    Card,
    Connection,
    Counts,
    Customer,
    Event,
    List,
    Operation,
    Order,
    Problem,
    Run,
    WholeOrder,
)
from customers import listing

STATES = ("cart", "open", "paid", "shipped", "completed", "cancelled", "refunded", "failed")
OF_CONNECTION = Param("connection", "id", "Only of this connection.")
ORDERS = (
    Param("customer", "id", "Only of this card."),
    OF_CONNECTION,
    Param("state", "choice", "Only in this state.", STATES),
    Param("number", "text", "Only with this number."),
    Param("placed_since", "time", "Only placed at or after this instant."),
    *PAGING,
)
CUSTOMERS = (
    Param(
        "q",
        "text",
        "Words, part of an e-mail, a phone, an order, invoice or tax number; the search of the console.",
    ),
    Param("city", "text", "Only in this city."),
    Param("country", "text", "Only in this country (ISO 3166, two letters)."),
    Param("kind", "choice", "Only people or only companies.", ("person", "company")),
    Param("tag", "text", "Only with this tag."),
    Param("sort", "choice", "What comes first; newest when not given.", listing.SORTS),
    *PAGING,
)
PROBLEMS = (
    Param(
        "state",
        "choice",
        "Only in this state; open when not given.",
        ("open", "retrying", "solved", "ignored"),
    ),
    OF_CONNECTION,
    *PAGING,
)

ENDPOINTS = (
    Endpoint("GET", "/counts", reads.counts, "read", Counts),
    Endpoint("GET", "/customers", reads.customers, "read", List[Customer], CUSTOMERS),
    Endpoint("POST", "/customers/merge", writes.merge, "write", Operation, body=writes.Merge),
    Endpoint("GET", "/customers/{id}", reads.customer, "read", Card),
    Endpoint("GET", "/customers/{id}/timeline", reads.timeline, "read", List[Event],
             (Param("kind", "text", "Only of this kind, e.g. order.placed."), *PAGING)),
    Endpoint("GET", "/orders", reads.orders, "read", List[Order], ORDERS),
    Endpoint("GET", "/orders/{id}", reads.order, "read", WholeOrder),
    Endpoint("GET", "/invoices", money.invoices, "read", List[money.Invoice], money.INVOICES),
    Endpoint("GET", "/invoices/{id}", money.invoice, "read", money.WholeInvoice),
    Endpoint("GET", "/payments", money.payments, "read", List[money.Payment], money.PAYMENTS),
    Endpoint("GET", "/segments", segments.everything, "read", List[segments.Segment]),
    Endpoint("POST", "/segments", segments.create, "write", segments.Segment, body=segments.NewSegment,
             status=201),
    Endpoint("POST", "/segments/count", segments.count, "write", segments.Counted, body=segments.Conditions),
    Endpoint("GET", "/segments/{id}", segments.show, "read", segments.Segment),
    Endpoint("POST", "/segments/{id}", segments.change, "write", segments.Segment, body=segments.Conditions),
    Endpoint("GET", "/segments/{id}/members", segments.members, "read", List[segments.Member], PAGING),
    Endpoint("GET", "/segments/{id}/members/{customer}", segments.standing, "read", segments.Standing),
    Endpoint("POST", "/segments/{id}/entries", segments.put, "write", Operation, body=segments.Entries),
    Endpoint("GET", "/problems", lists.problems, "read", List[Problem], PROBLEMS),
    Endpoint("POST", "/problems/{id}/retry", writes.retry_problem, "write", Problem),
    Endpoint("GET", "/connections", lists.connections, "read", List[Connection]),
    Endpoint("GET", "/connections/{id}", lists.connection, "read", Connection),
    Endpoint("POST", "/connections/{id}/pull", writes.start_pull, "write", Run, body=writes.Pull, status=202),
    Endpoint("POST", "/connections/{id}/plans", directories.make_plan, "write", directories.Plan, status=201),
    Endpoint("GET", "/directories", directories.directories, "read", List[directories.Directory]),
    Endpoint("GET", "/directories/{id}", directories.directory, "read", directories.Directory),
    Endpoint("GET", "/directories/{id}/pairs", directories.directory_pairs, "read", List[directories.Pair],
             directories.PAIRS),
    Endpoint("GET", "/plans", directories.directory_plans, "read", List[directories.Plan], directories.PLANS),
    Endpoint("GET", "/plans/{id}", directories.plan, "read", directories.Plan),
    Endpoint("GET", "/plans/{id}/changes", directories.plan_changes, "read", List[directories.Change],
             PAGING),
    Endpoint("POST", "/plans/{id}/apply", directories.apply_plan, "write", Run, body=directories.Apply,
             status=202),
    Endpoint("GET", "/conflicts", conflicts.waiting_conflicts, "read", List[conflicts.Conflict],
             conflicts.CONFLICTS),
    Endpoint("POST", "/conflicts/decide", conflicts.decide_conflicts, "write", conflicts.Decision,
             body=conflicts.Decide),
    Endpoint("GET", "/doubtful-pairs", conflicts.doubtful_pairs, "read", List[conflicts.Doubt], PAGING),
    Endpoint("POST", "/doubtful-pairs/{id}", conflicts.settle_pair, "write", conflicts.Decision,
             body=conflicts.Verdict),
    Endpoint("GET", "/runs", lists.runs, "read", List[Run], (OF_CONNECTION, *PAGING)),
    Endpoint("GET", "/runs/{id}", lists.run, "read", Run),
    Endpoint("GET", "/operations", lists.operations, "read", List[Operation], PAGING),
    Endpoint("GET", "/operations/{id}", lists.operation, "read", Operation),
    Endpoint("GET", "/operations/{id}/overwritten", directories.overwritten, "read",
             List[directories.Overwritten], PAGING),
    Endpoint("POST", "/operations/{id}/undo", writes.undo_operation, "write", Operation, status=202),
)  # fmt: skip
