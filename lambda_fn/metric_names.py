"""Names of metrics in CloudWatch; the alarms and the dashboard read them.

The stack reads this module too, so it imports the standard library alone.
"""

from collections.abc import Mapping
from typing import Final

from lambda_fn.decisions import Decision

NAMESPACE: Final = "cellflag"
# Dimensions of every metric: the name of the deployment and the version of the model.
SERVICE_DIMENSION: Final = "service"
MODEL_DIMENSION: Final = "model"
# ``IMAGES`` and ``MESSAGES_FAILED`` of batches from the queue are counted a second time, by deployment and version of
# the function. A release is judged by the new version alone, which gets a tenth of the batches.
VERSION_DIMENSION: Final = "version"

IMAGES: Final = "Images"
REJECTED: Final = "Rejected"
DECIDED_ALL: Final = "DecidedALL"
DECIDED_NORMAL: Final = "DecidedNormal"
REVIEW: Final = "Review"
MESSAGES_FAILED: Final = "MessagesFailed"
# Of the two promised error rates, the number that is broken and the number that holds. ``cellflag promise`` and the
# review page send them, not the function, for a model and the thresholds that decided.
PROMISES_BROKEN: Final = "PromisesBroken"
PROMISES_HELD: Final = "PromisesHeld"
THRESHOLDS_DIMENSION: Final = "thresholds"
# Seconds from the earliest upload of a batch to its result.
UPLOAD_TO_RESULT: Final = "UploadToResult"

# The metric that counts each decision.
OF_DECISION: Final[Mapping[Decision, str]] = {"ALL": DECIDED_ALL, "normal": DECIDED_NORMAL, "review": REVIEW}
