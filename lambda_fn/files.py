"""Write files whole or not at all.

All three packages read this module, so it imports the standard library alone.
"""

import secrets
from pathlib import Path


def write_whole(path: Path, body: bytes) -> None:
    """Write a file, and make its folder if there is none.

    The bytes go to a file beside it, which is then renamed. So a full disk leaves what was there before, and no reader
    sees half a file.

    Raises:
        OSError: the file cannot be written. The error names ``path``.
    """
    # The name is short, because the file's own name may be as long as the file system allows.
    aside = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as file:
                file.write(body)
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
