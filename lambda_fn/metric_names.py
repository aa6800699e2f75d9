"""Names of the function's metrics in CloudWatch; the alarms and the dashboard read them.

The stack reads this module too, so it imports the standard library alone.
"""

from collections.abc import Mapping
from typing import Final

from lambda_fn.decisions import Decision

NAMESPACE: Final = "cellflag"
# Dimensions of every metric: the name of the deployment and the version of the model.
SERVICE_DIMENSION: Final = "service"
MODEL_DIMENSION: Final = "model"

IMAGES: Final = "Images"
REJECTED: Final = "Rejected"
DECIDED_ALL: Final = "DecidedALL"
DECIDED_NORMAL: Final = "DecidedNormal"
REVIEW: Final = "Review"
MESSAGES_FAILED: Final = "MessagesFailed"
# Seconds from the earliest upload of a batch to its result.
UPLOAD_TO_RESULT: Final = "UploadToResult"

# The metric that counts each decision.
OF_DECISION: Final[Mapping[Decision, str]] = {"ALL": DECIDED_ALL, "normal": DECIDED_NORMAL, "review": REVIEW}
