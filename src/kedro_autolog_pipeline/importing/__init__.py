"""Import the code of packages, apart from other modules of the same names."""
