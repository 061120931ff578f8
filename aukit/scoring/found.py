"""Finds the tables at a path: a file, or those in a folder."""

from __future__ import annotations

from pathlib import Path

from aukit.errors import DataError

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")


def table_files(path: Path) -> tuple[list[Path], list[str]]:
    """The tables at a path, a file or a folder, and notes on what was left out.

    Raises:
        DataError: the path does not exist, or has no tables.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if not path.is_dir():
        if not path.is_file():
            raise DataError(f"{path} is not a regular file", "write the table to a file first")
        return [path], []
    named = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    files = [file for file in named if file.is_file() and not file.name.startswith(".")]
    if not files:
        raise DataError(f"folder {path} contains no CSV or Parquet files")
    left = [file.name for file in named if file not in files]
    why = "hidden or not regular files"
    return files, [f"left out of folder {path.name}, {why}: {', '.join(left)}"] if left else []
