"""The number of decided cells that an audited one stands for, from the results of a deployment or a folder."""

import json
from concurrent.futures import ThreadPoolExecutor

from lambda_fn.keys import RESULTS
from training.data.locations import list_files, read_bytes
from training.errors import DatasetError

# Results are read over the network, each for some milliseconds.
PARALLEL_READS = 32


def weight_of_audits(results: str, audits: int) -> float:
    """Decided cells by audits: audits are drawn by chance, each decided cell as likely as any other.

    Args:
        results: folder or ``s3://<bucket>`` that holds ``results/``.
        audits: number of audits that count, 1 or more.

    Returns:
        1 or more; 1 if there are no results.

    Raises:
        DatasetError: a result cannot be read.
    """
    try:
        locations = [location for location, key in list_files(results, RESULTS) if key.endswith(".json")]
    except OSError as error:
        raise DatasetError(f"{results} cannot be listed: {error.strerror}.") from error
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return max(1.0, sum(pool.map(_is_decided, locations)) / audits)


def _is_decided(location: str) -> bool:
    try:
        return json.loads(read_bytes(location))["decision"] in ("ALL", "normal")
    except OSError as error:
        raise DatasetError(f"{location} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{location} is no result: it needs a JSON object with a decision.") from error
