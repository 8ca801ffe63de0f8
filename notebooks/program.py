"""Finds warpshare and runs it, for the notebooks of this folder."""

import shutil
import subprocess
from pathlib import Path


def _root():
    here = Path.cwd()
    for folder in [here, *here.parents]:
        if (folder / 'scenarios' / 'quickstart.toml').is_file():
            return folder
    raise FileNotFoundError('open the notebook inside the repository: it needs the folder `scenarios`')


# The root of the repository, from wherever in it the notebook was opened.
root = _root()


def warpshare(*arguments):
    """Runs the program in the root of the repository, without its tables (the folder has them in
    `summary.txt`). If it fails, its own message is the error."""
    program = shutil.which('warpshare') or shutil.which(root / 'target' / 'release' / 'warpshare')
    if program is None:
        raise FileNotFoundError(
            'warpshare is neither on PATH nor in target/release: `cargo build --release` makes it'
        )
    done = subprocess.run(
        [program, *map(str, arguments), '--quiet'],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding='utf-8',
    )
    if done.returncode != 0:
        raise RuntimeError(f'warpshare ended with {done.returncode}\n{done.stderr}')
