"""What a page asks before anybody has logged in."""

from __future__ import annotations

from taskyard.api import login as api
from taskyard.api.wire import Empty
from taskyard.server.call import Call, serves, writes
from taskyard.server.services.auth import end_session
from taskyard.server.store.database.engine import Tx


@serves(api.SupportedModes)
async def supported_modes(call: Call, request: api.SupportedModes) -> api.SupportedModesResponse:
    return api.SupportedModesResponse(
        authenticated=bool(call.user),
        basic=api.Basic(enabled=True, guest=api.Guest(enabled=False)),
        sso={},
        sso_providers=[],
        server_errors=api.ServerErrors(missed_es_upgrade=False, es_connection_error=False),
    )


@writes(api.Logout)
def logout(tx: Tx, call: Call, request: api.Logout) -> Empty:
    end_session(tx, call)
    return Empty()
