"""Runs a notebook with the kernel that it names; prints what each of its cells printed, as JSON."""
import json
import os
import sys

import nbformat
from nbclient import NotebookClient

path = sys.argv[1]
notebook = nbformat.read(path, 4)
nbformat.validate(notebook)
resources = {"metadata": {"path": os.path.dirname(path)}}
NotebookClient(notebook, timeout=300, resources=resources).execute()
print(json.dumps(["".join(o.get("text", "") for o in c.get("outputs", [])) for c in notebook.cells]))
