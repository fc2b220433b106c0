"""The command line: ``python -m lowrot diagnose data.csv --width 1000``."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lowrot import _interrupt
from lowrot._numbers import plain
from lowrot.diagnosis._diagnose import MOST_WIDTH, diagnose
from lowrot.diagnosis._diagnosis import Diagnosis
from lowrot.diagnosis._given import TASKS


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the line and end with status 2."""
        message = message.removeprefix("argument ")
        self.exit(2, f"{self.prog}: {message} (--help lists all options)\n")


def _whole(text: str) -> int:
    """A whole number, of which it is said that it is none."""
    try:
        return int(text)
    except ValueError:
        message = f"it is {text!r}; expected a whole number, for example 1000"
        raise argparse.ArgumentTypeError(message) from None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m lowrot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser(
        "diagnose", help="ask every theorem of the book about a file of data"
    ).add_argument
    add("data", help="the file, as lowrot.load reads it")
    most = plain(MOST_WIDTH)
    add("--width", type=_whole, default=1000, help=f"width of the starts, up to {most} (1000)")
    add("--run", action="store_true", help="follow the flows, too")
    add("--html", metavar="FILE", help="write one page that reads offline")
    add("--standardize", action="store_true", help="columns of mean 0 and mean square 1 first")
    add("--task", choices=TASKS, default="auto", help="what the labels are (auto)")
    add("--pair", nargs=2, metavar="LABEL", help="two labels of several; the first is +1")
    add("--rest", metavar="LABEL", help="the label that is +1 against all others")
    add("--positive", metavar="LABEL", help="of two labels the one that is +1")
    add("--target", metavar="COLUMN", help="the column of labels, or its position (y)")
    add(
        "--features",
        nargs="+",
        metavar="COLUMN",
        help="those of inputs, or positions (all others)",
    )
    add("--sep", help="what separates columns")
    add("--decimal", help="the decimal mark")
    add("--slope", type=float, default=0.0, help="slope of the activation (0)")
    add("--seed", type=_whole, default=0, help="seed of the starts (0)")
    return parser


def _position(name: str | None) -> str | int | None:
    """A column by name, or by position where it is a whole number."""
    if name is None:
        return None
    try:
        return int(name)
    except ValueError:
        return name


def _line(error: Exception, given: dict[str, Any]) -> str:
    """What is wrong, with options in place of arguments."""
    line = " ".join(str(error).split()).replace("net_or_width", "--width")
    line = re.sub(r"\bpair=\((.+?), (.+?)\)", r"--pair \1 \2", line)
    return re.sub(rf"\b({'|'.join(given)})=\s*", r"--\1 ", line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status, 2 where something is wrong with what was given."""
    given = vars(_parser().parse_args(arguments))
    given.pop("command")
    file, width, html = given.pop("data"), given.pop("width"), given.pop("html")
    given["target"] = _position(given["target"])
    if given["features"] is not None:
        given["features"] = [_position(name) for name in given["features"]]
    try:
        with _interrupt.raised():
            found = _diagnosed(file, width, html, given)
            return _shown(found, html)
    except KeyboardInterrupt:
        print(_interrupt.LINE, file=sys.stderr)
        return _interrupt.STATUS
    except BrokenPipeError:
        # Whoever reads the output has seen enough of it; nothing is left to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ImportError, MemoryError, TypeError, ValueError) as error:
        print(f"lowrot diagnose: {_line(error, given)}", file=sys.stderr)
        return 2


def _diagnosed(file: str, width: int, html: str | None, given: dict[str, Any]) -> Diagnosis:
    """Do the work, and write the page."""
    if html is not None and not Path(html).resolve().parent.is_dir():
        raise ValueError(f"--html is {html!r}; expected a file in a folder that exists")
    found = diagnose(width, file, progress=sys.stderr.isatty(), **given)
    if html is not None:
        found.to_html(html)
    return found


def _shown(found: Diagnosis, html: str | None) -> int:
    """Print everything; return the exit status."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 110).print(found)
    if html is not None:
        print(f"The same with figures: {html}")
    sys.stdout.flush()
    if found.unfinished:
        print(f"{_interrupt.LINE}; what was finished is above", file=sys.stderr)
        return _interrupt.STATUS
    return 0
