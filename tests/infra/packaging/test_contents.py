import subprocess
import sys
from pathlib import Path

from infra.packaging.contents import NEVER_LOADED
from training.synthetic.samples import write_samples

# Scores images, explained and measured, in a process that cannot import what the zip leaves out.
_SCORE = """
import sys
from pathlib import Path

left_out = sys.argv[2].split(",")


class Missing:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in left_out):
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Missing())
from lambda_fn.decisions import Policy
from lambda_fn.images import StoredImage
from lambda_fn.model import Model
from lambda_fn.scoring import score

model = Model()
for path in sorted(Path(sys.argv[1]).glob("*.bmp")):
    data = path.read_bytes()
    image = StoredImage(None, path.name, None, None, "", len(data), data, 0.0)
    document = score(model, image, Policy(model.manifest.thresholds, explain="all", um_per_px=0.1))
    print(document["status"], document["explanation"] is not None, document["morphology"] is not None)
"""


def test_an_image_is_scored_explained_and_measured_without_the_modules_that_the_zip_leaves_out(tmp_path: Path) -> None:
    write_samples(tmp_path / "cells", 6, seed=5)
    modules = [name.replace("/", ".") for name in NEVER_LOADED if name.startswith("numpy/") and "*" not in name]
    assert "numpy.polynomial" in modules
    command = [sys.executable, "-c", _SCORE, str(tmp_path / "cells"), ",".join(modules)]
    scored = subprocess.run(command, capture_output=True, text=True, check=False)
    assert scored.stdout.splitlines() == ["scored True True"] * 6, scored.stderr
