"""Files in object stores and on other servers, named by URLs and read through fsspec."""
