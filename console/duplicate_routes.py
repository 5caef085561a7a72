"""The pages of duplicates: the queue, many at once, runs of matching and its model."""

from starlette.routing import BaseRoute

from console.pages import duplicates, duplicates_many, matching, matching_export, matching_runs
from console.roles import ADMINISTER, CHANGE, READ
from console.serving import get, post

ROUTES: list[BaseRoute] = [
    get("/duplicates", duplicates.show, READ),
    get("/duplicates/many", duplicates_many.show, READ),
    post("/duplicates/many", duplicates_many.begin, CHANGE),
    get("/duplicates/matching", matching.show, READ),
    post("/duplicates/matching", matching.save, ADMINISTER),
    post("/duplicates/matching/arrivals", matching.arriving, ADMINISTER),
    post("/duplicates/matching/train", matching.train, ADMINISTER),
    post("/duplicates/matching/use", matching.use, ADMINISTER),
    get("/duplicates/runs", matching_runs.listing, READ),
    post("/duplicates/runs", matching_runs.plan, CHANGE),
    get("/duplicates/runs/{id}", matching_runs.show, READ),
    get("/duplicates/runs/{id}/pairs.csv", matching_export.pairs, READ),
    post("/duplicates/runs/{id}", matching_runs.start, CHANGE),
    post("/duplicates/runs/{id}/cancel", matching_runs.cancel, CHANGE),
    post("/duplicates/{id}", duplicates.decide, CHANGE),
]
