"""The entry of the command `timeloom`: imports everything else, without looking for garbage meanwhile.

Nothing of what importing makes is garbage, and looking for it took a seventh of each start.
"""

import gc
from importlib import import_module


def main() -> None:
    """Run the command line (gateway/cli.py)."""
    gc.disable()
    command_line = import_module("gateway.cli")
    gc.freeze()
    gc.enable()
    command_line.main()
