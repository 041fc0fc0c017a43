"""A fresh process proves a package: a directory and a sample come in, a proof or an error goes out."""
