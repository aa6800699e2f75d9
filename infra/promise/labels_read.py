"""Reads the label documents of a deployment, or of a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.deployed_stack import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from infra.tools.objects import list_keys, read_bytes
from lambda_fn import labels
from lambda_fn.keys import LABELS, image_key
from lambda_fn.labels import LabelDocument


def read_labels(source: DeployedStack | Path, prefix: str, on_odd: Callable[[str], None]) -> dict[str, LabelDocument]:
    """The label documents by the key of their image. A label that is erased meanwhile is left out.

    Args:
        source: a deployment, or the folder that ``cellflag score`` wrote.
        prefix: the images' keys begin with it.
        on_odd: called with the key of each object that is no label document. It is left out.

    Raises:
        ClientError, OSError: S3 or the system refuses or fails.
    """
    if isinstance(source, DeployedStack):
        s3, bucket = source.s3, source.results
        keys = (key for key in list_keys(s3, bucket, f"{LABELS}{prefix}") if key.endswith(".json"))
        return _documents(keys, lambda key: read_bytes(s3, bucket, key), s3.exceptions.NoSuchKey, on_odd)
    paths = [
        Path(parent, name).relative_to(source).as_posix()
        for parent, _, names in os.walk(source / LABELS)
        for name in names
    ]
    chosen = sorted(path for path in paths if path.startswith(f"{LABELS}{prefix}") and path.endswith(".json"))
    return _documents(iter(chosen), lambda key: (source / key).read_bytes(), FileNotFoundError, on_odd)


def _documents(
    keys: Iterator[str], read: Callable[[str], bytes], gone: type[Exception], on_odd: Callable[[str], None]
) -> dict[str, LabelDocument]:
    def read_one(key: str) -> tuple[str, LabelDocument] | None:
        try:
            return image_key(key), labels.from_json(read(key))
        except gone:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            on_odd(key)
            return None

    return dict(found for found in in_parallel(read_one, keys, PARALLEL_READS) if found)
