"""Mailers and logs of tasks that are wrong in one way each. The contracts must notice them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import datetime
from email.message import EmailMessage

import attrs

from broken_stores import time_to_be_overtaken
from shoppego_orders.adapters.memory import MemoryTaskLog, RecordingMailer
from shoppego_orders.errors import MailNotSent, Retry, TaskNotClaimed, TaskSettled
from shoppego_orders.ports import Outcome, Task


class ClaimsAgainAfterTheEnd(MemoryTaskLog):
    def claim(self, key: str, at: datetime) -> bool:
        task = self._tasks.get(key)
        if task is not None and task.outcome is Outcome.FAILED:
            del self._tasks[key]
        return super().claim(key, at)


class FoldsKeys(MemoryTaskLog):
    def claim(self, key: str, at: datetime) -> bool:
        return super().claim(key.lower(), at)


class LooksBeforeItClaims(MemoryTaskLog):
    def claim(self, key: str, at: datetime) -> bool:
        if key in self._tasks:
            return False
        time_to_be_overtaken()
        super().claim(key, at)
        return True


class SettlesWhatNobodyClaimed(MemoryTaskLog):
    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        try:
            super().settle(key, outcome, at, note)
        except TaskNotClaimed:
            self.claim(key, at)


class KeepsTheLastOutcome(MemoryTaskLog):
    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        try:
            super().settle(key, outcome, at, note)
        except TaskSettled:
            self._tasks[key] = attrs.evolve(self._tasks[key], outcome=outcome)


class LooksBeforeItSettles(MemoryTaskLog):
    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        task = self._tasks.get(key)
        if task is not None and task.outcome is None:
            time_to_be_overtaken()
            self._tasks[key] = task
        super().settle(key, outcome, at, note)


class ReadsPrefixesAsPatterns(MemoryTaskLog):
    def tasks(self, prefix: str = "") -> Iterator[Task]:
        return super().tasks(prefix.rstrip("%"))


class HidesWhatNeverEnded(MemoryTaskLog):
    def tasks(self, prefix: str = "") -> Iterator[Task]:
        return (task for task in super().tasks(prefix) if task.outcome is not None)


class DropsMicroseconds(MemoryTaskLog):
    def claim(self, key: str, at: datetime) -> bool:
        return super().claim(key, at.replace(microsecond=0))


class TakesNaiveTimes(MemoryTaskLog):
    def claim(self, key: str, at: datetime) -> bool:
        return super().claim(key, at.astimezone())


class CutsNotes(MemoryTaskLog):
    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        super().settle(key, outcome, at, note[:255])


BROKEN_TASK_LOGS = [
    (ClaimsAgainAfterTheEnd, "test_a_task_is_claimed_once"),
    (FoldsKeys, "test_a_task_is_claimed_once"),
    (LooksBeforeItClaims, "test_of_several_threads_that_claim_one_wins"),
    (SettlesWhatNobodyClaimed, "test_an_outcome_is_told_once"),
    (KeepsTheLastOutcome, "test_an_outcome_is_told_once"),
    (LooksBeforeItSettles, "test_of_several_threads_that_settle_one_wins"),
    (ReadsPrefixesAsPatterns, "test_tasks_come_by_key"),
    (HidesWhatNeverEnded, "test_tasks_come_by_key"),
    (DropsMicroseconds, "test_times_are_instants"),
    (TakesNaiveTimes, "test_times_are_instants"),
    (CutsNotes, "test_any_note_is_kept"),
]


class KeepsTheCallersMessage(RecordingMailer):
    def send(self, message: EmailMessage) -> None:
        super().send(message)
        self.messages[-1] = message


class SendsToNobody(RecordingMailer):
    def send(self, message: EmailMessage) -> None:
        self.messages.append(message)


class SaysToTryAgain(RecordingMailer):
    def send(self, message: EmailMessage) -> None:
        try:
            super().send(message)
        except MailNotSent as refused:
            raise MailNotSent((), refused.problem, Retry.AGAIN) from None


class SendsTwice(RecordingMailer):
    def send(self, message: EmailMessage) -> None:
        super().send(message)
        super().send(message)


class LosesTheAttachment(RecordingMailer):
    def send(self, message: EmailMessage) -> None:
        bare = copy(message)
        body = message.get_body()
        assert body is not None
        bare.set_payload([body] if message.is_multipart() else message.get_payload())
        super().send(bare)


class KeepsOneRecipient(RecordingMailer):
    def send(self, message: EmailMessage) -> None:
        super().send(message)
        sent = self.messages[-1]
        sent.replace_header("To", str(sent["To"]).partition(",")[0])


BROKEN_MAILERS = [
    (KeepsTheCallersMessage, "test_messages_arrive_once_each"),
    (SendsToNobody, "test_a_message_to_nobody_is_not_sent"),
    (SaysToTryAgain, "test_a_message_to_nobody_is_not_sent"),
    (SendsTwice, "test_messages_arrive_once_each"),
    (LosesTheAttachment, "test_a_message_arrives_whole"),
    (KeepsOneRecipient, "test_a_message_arrives_whole"),
]
