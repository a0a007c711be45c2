"""Plays the story through the operations that agents and customers use, while the running system does its part."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from inquiry_service.demo.story import PREFIX, Case, Letter, Step
from inquiry_service.domain.conversation import Conversation, NewMessage, Sender
from inquiry_service.domain.drafts import SENDABLE
from inquiry_service.domain.editing import Change, Editing
from inquiry_service.domain.importing import GivenRow, Importing
from inquiry_service.domain.page_tokens import PageTokens
from inquiry_service.storage import demo, drafts, inquiries
from inquiry_service.storage.database import Database
from inquiry_service.storage.demo import Mark
from inquiry_service.storage.records import InquiryRecord
from runtime.rpc.context import Principal
from runtime.settings import Secret

ADMIN = Principal(role="admin")
MACHINE_TAKES = timedelta(seconds=3)
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.5


class StalledError(Exception):
    """The running system does not analyse what it was given."""


class Acting:
    """One performance; `marks` say when what happened is to have happened."""

    def __init__(self, database: Database, agents: Sequence[UUID], words: Mapping[str, Any]) -> None:
        self._database = database
        self._agents = [Principal(role="support", account_id=str(agent)) for agent in agents]
        self._words = words
        self._importing = Importing(database)
        self._editing = Editing(database)
        # What customers add is due at once: the sweeper rings for it.
        self._conversation = Conversation(database, PageTokens(Secret(secrets.token_hex(32))), lambda _id: None)
        self.marks: list[Mark] = []

    async def play(self, cases: Sequence[Case], tell: Callable[[int], None]) -> None:
        """Play all cases; `tell` hears how many the machine still has to do. Raises StalledError."""
        await self._send(cases)
        ids = await demo.ids(self._database, PREFIX)
        acts = [(ids[case.external_id], case, iter(case.steps)) for case in cases]
        heard = {case.external_id: case.create_time for case in cases}
        while acts:
            await self._analysed(tell)
            going_on = []
            for id_, case, steps in acts:
                await self._mark(id_, heard[case.external_id] + MACHINE_TAKES)
                if follow_up := await self._until_follow_up(id_, case.letter, steps):
                    heard[case.external_id] = follow_up
                    going_on.append((id_, case, steps))
            acts = going_on

    async def _send(self, cases: Sequence[Case]) -> None:
        rows = [
            GivenRow(
                number=number,
                external_id=case.external_id,
                customer_name=case.letter.name,
                customer_email=case.letter.email,
                subject=case.letter.subject,
                message=case.letter.message,
                create_time=case.create_time,
            )
            for number, case in enumerate(cases)
        ]
        await self._importing.store(rows, ADMIN, triage=True)
        ids = await demo.ids(self._database, PREFIX)
        self.marks += [Mark(ids[case.external_id], 1, case.create_time) for case in cases]

    async def _analysed(self, tell: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()
        least, since = None, loop.time()
        while waiting := (await demo.count(self._database, PREFIX)).waiting:
            tell(waiting)
            if least is None or waiting < least:
                least, since = waiting, loop.time()
            elif loop.time() - since > PATIENCE_SECONDS:
                raise StalledError
            await asyncio.sleep(POLL_SECONDS)
        tell(0)

    async def _until_follow_up(self, id_: UUID, letter: Letter, steps: Iterator[Step]) -> datetime | None:
        for step in steps:
            await self._do(step, await self._inquiry(id_), letter)
            await self._mark(id_, step.at)
            if step.doing == "follow_up":
                return step.at
        return None

    async def _do(self, step: Step, inquiry: InquiryRecord, letter: Letter) -> None:
        agent = self._agents[step.agent]
        match step.doing:
            case "follow_up":
                text = self._said("follow_ups", inquiry.language, step)
                customer = Sender(author="customer", channel="tracking", scope="demo")
                await self._conversation.write(inquiry.id, NewMessage(kind="follow_up", text=text), customer)
            case "note":
                text = _one(self._words["notes"][letter.category], step)
                await self._conversation.create(inquiry.id, NewMessage(kind="note", text=text), agent)
            case "reply":
                await self._conversation.create(inquiry.id, await self._reply(step, inquiry), agent)
            case "tag":
                tag = _one(self._words["tags"][letter.category], step)
                await self._editing.update(inquiry.id, Change(fields={}, add_tags=(tag,)), agent)
            case _:
                fields = {
                    "assign": {"assignee_id": agent.account_id},
                    "judge": {"category": letter.category},
                    "raise": {"priority": "urgent"},
                    "resolve": {"status": "resolved"},
                    "close": {"status": "closed"},
                    "spam": {"status": "spam"},
                }[step.doing]
                await self._editing.update(inquiry.id, Change(fields=fields), agent)

    async def _reply(self, step: Step, inquiry: InquiryRecord) -> NewMessage:
        draft = await drafts.current(self._database, inquiry.id)
        status = "open" if step.words % 4 == 0 else "pending"
        if draft is None or draft.state not in SENDABLE or step.words % 6 == 0:
            return NewMessage(kind="reply", text=self._said("replies", inquiry.language, step), status=status)
        text = draft.body
        if step.words % 2 and inquiry.language in self._words["additions"]:
            *most, farewell = text.split("\n\n")
            text = "\n\n".join([*most, self._said("additions", inquiry.language, step), farewell])
        return NewMessage(kind="reply", text=text, draft_number=draft.number, status=status)

    def _said(self, kind: str, language: str | None, step: Step) -> str:
        by_language = self._words[kind]
        return _one(by_language.get(language, by_language["en"]), step)

    async def _mark(self, id_: UUID, time: datetime) -> None:
        self.marks.append(Mark(id_, (await self._inquiry(id_)).version, time))

    async def _inquiry(self, id_: UUID) -> InquiryRecord:
        found = await inquiries.for_staff(self._database, id_)
        if found is None:
            raise LookupError("an inquiry of the demo was erased meanwhile")
        return found


def _one(choices: Sequence[str], step: Step) -> str:
    return choices[step.words % len(choices)]
