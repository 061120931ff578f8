"""`python -m aukit`."""

from aukit.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
