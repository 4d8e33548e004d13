"""The packages of a release, each kind in a module of its own; `packaging/pack` is their command line."""
