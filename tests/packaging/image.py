"""The steps of deploy/Dockerfile on this machine, without Docker: what they copy and run, below a folder that stands for /.

    python3.11 -m tests.packaging.image FOLDER

Then the image's command is run with a broker in AUTOREFUND_BROKERS, where that is set: `topics`, then the worker as user
10001 on a read-only file system (where root calls, on Linux; else as whoever calls), until the image's own health check and /readyz
are content. Without it, only `--help`. A Dockerfile that says something else than this reads is an error, so the two agree.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
DOCKERFILE: Final = PROJECT / "deploy" / "Dockerfile"
STEP_SECONDS_MAX: Final = 600
HEALTHY_SECONDS_MAX: Final = 60
STOP_SECONDS_MAX: Final = 15
READ_ONLY: Final = 'mount -o bind "$1" "$1" && mount -o remount,ro,bind / && shift && exec "$@"'
"""In a mount namespace of its own: the volume stays writable, everything else is not."""


class Image:
    """What the Dockerfile says, one instruction after the other; `folder` stands for the image's root."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._workdir = "/"
        self.environment: dict[str, str] = {}
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.health: list[str] = []
        self.user = ""

    def here(self, text: str) -> str:
        """Paths of the image as they are on this machine."""
        return re.sub(r"(?<![\w.])(?=/(?:opt|build|data|var/lib/autorefund)\b)", str(self._folder), text)

    def do(self, instruction: str, words: str) -> None:
        """One instruction. Raises SystemExit where it is none of those that are known."""
        match instruction:
            case "FROM":
                self.environment, self._workdir = {}, "/"
            case "ENV":
                self.environment |= dict(pair.split("=", 1) for pair in words.split())
            case "WORKDIR":
                self._workdir = words
                Path(self.here(words)).mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy([word for word in words.split() if not word.startswith("--chown")])
            case "RUN":
                print("+", words, flush=True)
                self.run([*json.loads(words)], cwd=self.here(self._workdir), check=True)
            case "ENTRYPOINT":
                self.entrypoint = json.loads(words)
            case "CMD":
                self.command = json.loads(words)
            case "HEALTHCHECK":
                self.health = json.loads(words.partition(" CMD ")[2])
            case "USER":
                self.user = words.partition(":")[0]
            case "LABEL" | "EXPOSE" | "STOPSIGNAL":
                pass
            case _:
                sys.exit(f"image: {instruction} is not known here: teach it, or leave it out")

    def variables(self) -> dict[str, str]:
        """The image's environment, and of ours only where the network is."""
        ours = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        ours |= {
            name: value
            for name, value in os.environ.items()
            if name.lower().endswith(("_proxy", "_url", "_cert_file", "_ca_bundle"))
        }
        found = {name: self.here(value) for name, value in self.environment.items()}
        if "PATH" in found:
            found["PATH"] = found["PATH"].replace("$PATH", ours["PATH"])
        return ours | found

    def run(self, words: list[str], *, check: bool, cwd: str | None = None, quiet: bool = False, **more: str) -> int:
        """One command in the image's environment; its exit code."""
        environment = self.variables() | more
        program = shutil.which(self.here(words[0]), path=environment["PATH"]) or self.here(words[0])
        if words[0] == "python" and not self.entrypoint and "/opt/" not in program:
            program = sys.executable  # the base image's
        done = subprocess.run(
            [program, *map(self.here, words[1:])],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if quiet else None,
            timeout=STEP_SECONDS_MAX,
            check=check,
        )
        return done.returncode

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        if sources[0].startswith("--from="):  # both stages share one folder: what is copied to its own name is there
            source, to = Path(self.here(sources[1])), Path(self.here(target))
            if source != to:
                shutil.copytree(source, to, dirs_exist_ok=True)
            return
        for source in sources:
            if not let_in(source):
                sys.exit(f"image: {source} is copied, but Dockerfile.dockerignore keeps it out")
            there = Path(self.here(self._workdir), target)
            if (PROJECT / source).is_dir():
                shutil.copytree(PROJECT / source, there, ignore=shutil.ignore_patterns(*KEPT_OUT), dirs_exist_ok=True)
            else:
                there = there / Path(source).name if target.endswith("/") else there
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / source, there)


IGNORED: Final = Path(f"{DOCKERFILE}.dockerignore").read_text().split("\n")
KEPT_OUT: Final = [line.removeprefix("**/") for line in IGNORED if line.startswith("**/")]


def let_in(path: str) -> bool:
    """Whether Dockerfile.dockerignore lets it into the build."""
    return any(fnmatch.fnmatch(path, line[1:]) for line in IGNORED if line.startswith("!"))


def instructions() -> Iterator[tuple[str, str]]:
    """(instruction, its words) of the Dockerfile."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text()))
    for line in filter(None, map(str.strip, text.split("\n"))):
        instruction, _, words = line.partition(" ")
        yield instruction, words.strip()


def confined(image: Image) -> list[str]:
    """What is put before a command to run it as the image does, as far as this machine lets us."""
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"):
        return []
    data = image.variables()["AUTOREFUND_DATA_DIR"]
    for inside in (Path(data), *Path(data).glob("**/*")):
        os.chown(inside, int(image.user), int(image.user))
    user = [
        "setpriv",
        "--reuid",
        image.user,
        "--regid",
        image.user,
        "--clear-groups",
        "--no-new-privs",
        "--bounding-set",
        "-all",
    ]
    return ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", data, *user]


def worker_is_healthy(image: Image, port: str) -> None:
    """Runs the image's command until its health check and /readyz say yes, then stops it by SIGTERM."""
    environment = image.variables() | {
        "AUTOREFUND_BROKERS": os.environ["AUTOREFUND_BROKERS"],
        "AUTOREFUND_HTTP_PORT": port,
        "AUTOREFUND_STORE": "rocksdb",  # which writes to the volume
    }
    words = [*confined(image), *image.entrypoint, *image.command]
    print("+", *words, flush=True)
    worker = subprocess.Popen(words, env=environment, cwd="/", stdin=subprocess.DEVNULL)
    try:
        until = monotonic() + HEALTHY_SECONDS_MAX
        while not (answers(port) and image.run(image.health, check=False, quiet=True, AUTOREFUND_HTTP_PORT=port) == 0):
            if worker.poll() is not None or monotonic() > until:
                sys.exit(f"image: the worker is not healthy (exit code {worker.poll()})")
            sleep(0.2)
        worker.send_signal(signal.SIGTERM)
        if worker.wait(STOP_SECONDS_MAX) not in {0, 1}:  # 1: given up in time, on a machine that is busy
            sys.exit(f"image: the signal did not reach the worker, which ended with {worker.returncode}")
        if image.run(image.health, check=False, quiet=True, AUTOREFUND_HTTP_PORT=port) == 0:
            sys.exit("image: the health check is content with a worker that is gone")
    finally:
        worker.kill()
        worker.wait()


def free_port() -> str:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def answers(port: str) -> bool:
    """Whether /readyz says yes."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(folder: Path, port: str) -> None:
    """All of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    image = Image(folder)
    for instruction, words in instructions():
        image.do(instruction, words)
    image.run([*image.entrypoint, "--help"], check=True)
    if "AUTOREFUND_BROKERS" in os.environ:
        image.run([*image.entrypoint, "topics"], check=True, AUTOREFUND_BROKERS=os.environ["AUTOREFUND_BROKERS"])
        worker_is_healthy(image, port)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), free_port())
