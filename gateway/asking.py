"""Asking: a question on the terminal, before something is done that cannot be taken back."""

import signal

import typer


def is_agreed(question: str) -> bool | None:
    """Ask; None: nobody answered, or they broke off.

    asyncio makes a cancellation of the first Ctrl-C, of which nobody hears who waits here for a line: so meanwhile it
    is an interruption.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo(err=True)
        return None
    finally:
        signal.signal(signal.SIGINT, before)
