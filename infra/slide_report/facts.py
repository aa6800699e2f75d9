"""What a report is about, beside the results themselves."""

from dataclasses import dataclass
from datetime import date, datetime

from infra.review.policy import ModelView
from infra.slide_report.promise_state import PromiseState


@dataclass(frozen=True)
class ReportFacts:
    """What a report is about.

    Attributes:
        source: name of the deployment, or the folder.
        prefix: beginning of the images' keys; empty for all images.
        since: the results were written since then; None for any time.
        day: the images were scored on this day in UTC; None for any day.
        made_at: when the report was made, in UTC.
        view: the model of the deployment, and its thresholds.
        promise: whether the promised error rates hold; None if that was not tested.
    """

    source: str
    prefix: str
    since: datetime | None
    day: date | None
    made_at: datetime
    view: ModelView
    promise: PromiseState | None = None
