"""Set-up: everything between a fresh clone and a program that starts. Needs Python 3.11+ and nothing else.

    python3 tools/setup.py run    .venv with the locked packages, browser parts, translations
    python3 tools/setup.py dev    the same and what tests, linters and the lock need
    python3 tools/setup.py test   the same and Chromium with Chinese fonts

Each step leaves a stamp with the digest of its inputs and is skipped while they stay the same, so a
second call takes a fraction of a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(goal: str) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 (whoever starts this may have any Python)
        raise SystemExit(f"Anju needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    virtual_environment()
    lock = "requirements.lock" if goal == "run" else "requirements-dev.lock"
    if has_npm():
        with ThreadPoolExecutor() as pool:  # both wait for the network and the disk, side by side
            modules = pool.submit(node_modules)
            packages(lock)
            modules.result()
    else:
        packages(lock)
        packages("requirements-node.lock")
        node_modules()
    run("node", "tools/vendor.mjs", env=with_tools())  # stamps itself
    translations()
    if goal == "test":
        browser()


def virtual_environment() -> None:
    if not (BIN / "python").exists():
        say("making .venv")
        run(sys.executable, "-m", "venv", VENV)


def packages(lock: str) -> None:
    """Install exactly what ``lock`` names, checked by hash; the dev lock includes the other one."""
    text = (ROOT / lock).read_bytes()
    stamp = VENV / f".{lock}.stamp"
    everything = VENV / ".requirements-dev.lock.stamp"
    current = digest(text)
    if fresh(stamp, current) or (
        lock == "requirements.lock"
        and fresh(everything, digest((ROOT / "requirements-dev.lock").read_bytes()))
    ):
        return
    say(f"installing {lock}")
    pip = [BIN / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run(*pip, "--no-deps", "--require-hashes", "-r", ROOT / lock)
    stamp.write_text(current)


def with_tools() -> dict[str, str]:
    """The environment in which what .venv brings is found too: Node.js, where the machine has none."""
    return dict(os.environ, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")


def has_npm() -> bool:
    return shutil.which("npm", path=with_tools()["PATH"]) is not None


def node_modules() -> None:
    """The npm packages that browsers need, by their lock."""
    modules = ROOT / "node_modules"
    stamp = modules / ".anju-lock.stamp"
    current = digest((ROOT / "package-lock.json").read_bytes())
    if fresh(stamp, current) or modules.is_symlink():  # npm ci would empty what others share
        return
    say("installing package-lock.json")
    run("npm", "ci", "--silent", "--ignore-scripts", env=with_tools())
    stamp.write_text(current)


def translations() -> None:
    """Compile each catalogue whose source is newer; whoever reads meanwhile finds a whole one."""
    for source in ROOT.glob("translations/*/LC_MESSAGES/messages.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        language = source.parent.parent.name
        made = target.with_suffix(f".{os.getpid()}")
        run(BIN / "pybabel", "--quiet", "compile", "-i", source, "-o", made, "-l", language)
        made.replace(target)


def browser() -> None:
    """A Chromium and Chinese fonts for the browser tests: the system's, else Debian's, else Playwright's."""
    if any(map(shutil.which, BROWSERS)) and chinese_fonts():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        say("installing chromium and fonts-noto-cjk")
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        run("apt-get", "-qq", "update", env=environment)
        needed = ["chromium", "fonts-noto-cjk", "fontconfig"]
        run("apt-get", "-qq", "install", "-y", "--no-install-recommends", *needed, env=environment)
    elif not any(map(shutil.which, BROWSERS)):
        run(BIN / "playwright", "install", "chromium")


def chinese_fonts() -> bool:
    if not shutil.which("fc-list"):
        return sys.platform == "darwin"
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fresh(stamp: Path, current: str) -> bool:
    return stamp.exists() and stamp.read_text() == current


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def run(*command: object, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(part) for part in command], cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    if sys.argv[1:] not in (["run"], ["dev"], ["test"]):
        raise SystemExit(__doc__)
    with (ROOT / "tools" / "setup.py").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once would install into each other
        try:
            main(sys.argv[1])
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"set-up failed at: {' '.join(error.cmd)}") from None
