"""``python -m lowrot``: the command line."""

from lowrot.diagnosis._command import main

if __name__ == "__main__":
    raise SystemExit(main())
