"""What the AI is asked for and has taken, as far as this service knows it."""

import msgspec

from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.settings import Settings
from inquiry_service.domain.triage import spend_left
from inquiry_service.storage import knowledge, spending
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import Usage
from runtime.rpc.context import Principal


class AiState(msgspec.Struct, frozen=True, kw_only=True):
    """At present. `examples`: human decisions that are learned from. `spend_left` is None without a cap."""

    provider: str
    knowledge_version: int
    examples: int
    today: Usage
    spend_left: int | None


class AiStates:
    """Tells staff."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def read(self, principal: Principal) -> AiState:
        """How it is now. Raises PermissionDenied."""
        require_staff(principal)
        values = await self._settings.read()
        today = await spending.today(self._database)
        return AiState(
            provider=values.ai_provider,
            knowledge_version=(await knowledge.state(self._database)).version,
            examples=await knowledge.counted(self._database),
            today=today,
            spend_left=spend_left(self._settings, today.cost_micros),
        )
