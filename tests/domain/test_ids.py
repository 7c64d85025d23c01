"""Ids: the same facts, the same id."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import deal_workflow_id, derived, operation_key, statement_workflow_id


def test_a_derived_id_never_changes() -> None:
    """These ids are in databases: the way they are made is for ever."""
    assert derived("inv", "con_7", 1, 3) == "inv_eoqhlba74w7z37p7flqx4ambtu"


@given(st.text(max_size=20), st.integers(0, 99))
def test_a_derived_id_is_26_signs_of_base32(part: str, number: int) -> None:
    found = derived("inv", part, number)
    assert re.fullmatch(r"inv_[a-z2-7]{26}", found)
    assert found == derived("inv", part, str(number))
    assert found != derived("inv", part, number + 1)


def test_keys_and_workflow_ids_are_spelled_here() -> None:
    assert operation_key("d_1", "charge", "inv_9", 2) == "d_1/charge/inv_9/2"
    assert deal_workflow_id("d_1") == "deal-d_1"
    assert statement_workflow_id("st_1") == "statement-st_1"
