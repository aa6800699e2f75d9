from pathlib import Path

import pytest

from lambda_fn.errors import ModelError
from training.shipping.model_folder import write_files


def test_a_manifest_that_the_function_cannot_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        write_files(tmp_path / "model", b"graph", {"version": "1"})
    assert not (tmp_path / "model").exists()
