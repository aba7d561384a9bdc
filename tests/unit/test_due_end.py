"""The end of a window without its words."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import WorkingCalendar
from engine.due import end_of, window
from rules.playbook import Due, DueForm
from rules.units import MICROS, Duration, Unit

_CALENDAR = WorkingCalendar(
    timezone="Asia/Shanghai", country="CN", opens=dt.time(9), closes=dt.time(18)
)
_UNITS = st.sampled_from([Unit.HOUR, Unit.DAY, Unit.MONTH, Unit.WORKING_DAY, Unit.WORKING_HOUR])


@given(st.sampled_from([DueForm.WITHIN, DueForm.AFTER]), st.integers(0, 40), _UNITS, st.integers(0, 2 * 365 * 24 * 60))  # fmt: skip
def test_the_same_end(form: DueForm, amount: int, unit: Unit, minutes: int) -> None:
    """``end_of`` gives the ``due_by`` of ``window``, from any minute of two years."""
    span = Duration(amount, unit)
    due = Due(form, high=span) if form is DueForm.WITHIN else Due(form, low=span)
    anchor = 1_704_067_200 * MICROS + minutes * 60 * MICROS  # from 1 January 2024 on

    assert end_of(due, anchor, _CALENDAR) == window(due, anchor, _CALENDAR).due_by
