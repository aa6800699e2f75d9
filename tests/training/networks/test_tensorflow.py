import subprocess
import sys


def test_tensorflow_is_imported_without_a_word() -> None:
    code = "from training.networks.tensorflow import import_quietly; import_quietly(); "
    code += "import keras; print(keras.backend.backend())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")
