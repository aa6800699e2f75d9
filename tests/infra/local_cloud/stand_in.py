"""A simple program in the place of the emulator."""

import stat
import subprocess
import sys
from pathlib import Path

# Answers as the emulator does, and starts a process of its own.
ANSWERS = """
import http.server, os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])), Healthy).serve_forever()
"""


def stand_in(folder: Path, program: str) -> Path:
    """An executable that runs ``program`` instead of the emulator, whatever its arguments."""
    (folder / "program.py").write_text(program)
    script = folder / "python"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{folder / 'program.py'}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def alive(group: int) -> bool:
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(int(line.split()[0]) == group and not line.split()[1].startswith("Z") for line in listed.splitlines())
