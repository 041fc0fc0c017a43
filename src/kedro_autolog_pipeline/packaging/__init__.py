"""From a finished run to a directory: a pair and a catalog come in, a package goes out."""
