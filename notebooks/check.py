#!/usr/bin/env python3
"""Executes the notebooks of this folder and compares their text outputs with the committed ones.

    python notebooks/check.py             fails if a cell raises or an output differs, and shows it
    python notebooks/check.py --update    writes the executed notebooks back

Figures must be there, but are not compared: their bytes depend on the version of matplotlib.
Needs notebooks/requirements.txt. Nothing but the notebooks themselves is written here: they run in a
copy of this folder.
"""

import argparse
import copy
import difflib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import matplotlib.font_manager  # noqa: F401: builds the font cache, which a notebook would tell about
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('notebooks', nargs='*', type=Path, help='instead of all notebooks of this folder')
    parser.add_argument('--update', action='store_true', help='write the executed notebooks back')
    parser.add_argument(
        '--program',
        type=Path,
        default=ROOT / 'target' / 'release' / 'warpshare',
        help='a warpshare binary [default: target/release/warpshare]',
    )
    return parser.parse_args()


def prepare(program, scratch):
    """An environment in which kernels find this program, and leave no traces outside `scratch`."""
    found = shutil.which('warpshare', path=program.resolve().parent)
    if found is None or not os.path.samefile(found, program):
        sys.exit(f'{program}: no program of the name warpshare; `cargo build --release` makes it')
    os.environ['PATH'] = os.pathsep.join([str(Path(found).parent), os.environ.get('PATH', '')])
    os.environ['IPYTHONDIR'] = os.environ['JUPYTER_RUNTIME_DIR'] = str(scratch / 'jupyter')
    os.environ.pop('MPLBACKEND', None)
    shutil.copytree(HERE, scratch / 'notebooks', ignore=shutil.ignore_patterns('.*', '__pycache__'))
    shutil.copytree(ROOT / 'scenarios', scratch / 'scenarios')


def execute(committed, folder):
    """A copy of the notebook with new outputs, and nothing about the machine."""
    notebook = copy.deepcopy(committed)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name='python3',
        record_timing=False,
        coalesce_streams=True,
        # The kernel listens on this machine only; it would warn that nothing is encrypted there.
        extra_arguments=['--log-level=ERROR'],
        resources={'metadata': {'path': str(folder)}},
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(
        {
            'kernelspec': {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'},
            'language_info': {'name': 'python'},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def outputs(cell):
    """What a cell shows: (kind, text) in order; of a figure the kind alone."""
    for output in cell.get('outputs', []):
        if output.output_type == 'stream':
            yield output.name, output.text
        for kind, text in sorted(output.get('data', {}).items()):
            yield kind, text if kind.startswith('text/') else ''


def differences(committed, executed):
    """Readable lines; none if the notebooks say the same."""
    if committed.metadata != executed.metadata:
        yield f'metadata of the notebook: {dict(committed.metadata)}'
    for number, (old, new) in enumerate(zip(committed.cells, executed.cells), 1):
        if old.metadata != new.metadata:
            yield f'cell {number}: metadata {dict(old.metadata)}'
        if old.get('execution_count') != new.get('execution_count'):
            yield f'cell {number}: execution count {old.execution_count}, now {new.execution_count}'
        before, now = list(outputs(old)), list(outputs(new))
        if [kind for kind, _ in before] != [kind for kind, _ in now]:
            yield f'cell {number}: kinds of outputs'
            yield f'  committed {[kind for kind, _ in before]}'
            yield f'  now       {[kind for kind, _ in now]}'
            continue
        # A table is there as HTML and as plain text: one of them is enough to read.
        changed = [pair for pair in zip(before, now) if pair[0] != pair[1]]
        plain = [pair for pair in changed if pair[0][0] != 'text/html']
        for (kind, was), (_, is_now) in plain or changed:
            yield f'cell {number}: {kind}'
            lines = difflib.unified_diff(
                was.splitlines(), is_now.splitlines(), 'committed', 'now', lineterm='', n=1
            )
            yield from (f'  {line}' for line in lines)


def check(file, folder, update):
    """Whether all is well with one notebook."""
    committed = nbformat.read(file, as_version=4)
    try:
        executed = execute(committed, folder)
    except CellExecutionError as error:
        plain = re.sub(r'\x1b\[[0-9;]*m', '', str(error))
        print(f'{file.name}: a cell failed\n{plain}')
        return False
    nbformat.validate(executed)
    found = list(differences(committed, executed))
    if update:
        nbformat.write(executed, file)
        print(f'{file.name}: written, {"with other text" if found else "the same text"}')
        return True
    print(f'{file.name}: {"differs from what is committed" if found else "the same"}')
    for line in found:
        print(f'  {line}')
    return not found


def main():
    asked = arguments()
    files = asked.notebooks or sorted(HERE.glob('*.ipynb'))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        prepare(asked.program, scratch)
        well = [check(file, scratch / 'notebooks', asked.update) for file in files]
    if not all(well):
        sys.exit('if this is meant: python notebooks/check.py --update, and look at the figures')


if __name__ == '__main__':
    main()
