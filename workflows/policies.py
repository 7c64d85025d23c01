"""How activities are run: the few configurations, each named once. No time-out is written anywhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy

GATEWAY_ATTEMPTS = 5
BOOKS_AWAY = "BooksAway"  # the type of an activity's error when our own database did not answer

# a transaction of milliseconds, beside the workflow task: one try, then PATIENT
DATABASE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=2),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}

# between two rounds at a gateway while our own database is away
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)

# the same step and turn as a regular activity: a database that is down must not hold workflow tasks
PATIENT: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=250), maximum_interval=timedelta(seconds=10)),
}

# outside parties: the same key five times within about a minute; waiting longer is a step of the agenda
GATEWAY: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=15),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=300),
        backoff_coefficient=3,
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=GATEWAY_ATTEMPTS,
    ),
}

ANSWER_WITHIN = timedelta(seconds=3)
MOST_WAITING = 20  # messages that nobody has taken in yet; with so many, commands are refused
MOST_FACTS = 200  # messages, with the facts among them, that a state has room for; the relay tells the rest later
LONGEST_ID = 200  # characters
LARGEST_MESSAGE = 5_000  # characters; twenty of them, with all the facts, and the state still starts its next run
MOST_STEPS_OF_A_RUN = 150
MOST_EVENTS_OF_A_RUN = 2_000
