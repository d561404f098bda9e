"""The Node tools that judge the schema: graphql-eslint and graphql-inspector, from this directory's package.json."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA = ROOT / "schema.graphql"


def run_tool(script: str, *arguments: Path) -> Any:
    """Run a script of this directory and give the JSON that it prints; what it says instead is the assertion's text."""
    node = shutil.which("node")
    assert node is not None, "node is missing: make setup"
    assert (HERE / "node_modules").is_dir(), "the tools are not installed: make test-setup"
    done = subprocess.run([node, HERE / script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
