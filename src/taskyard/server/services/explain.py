"""Why tasks are where they are."""

from __future__ import annotations

from taskyard.api import explain as api
from taskyard.server.call import Call, reads
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tasks import explanations, task_status


@reads(api.Explain)
def explain(tx: Tx, call: Call, request: api.Explain) -> api.Explained:
    task_status.check_visible(tx, call.company, request.task)
    return explanations.explain(tx, call.company, [request.task])[0]


@reads(api.ExplainMany)
def explain_many(tx: Tx, call: Call, request: api.ExplainMany) -> api.ExplainManyResponse:
    return api.ExplainManyResponse(explanations.explain(tx, call.company, request.ids))
