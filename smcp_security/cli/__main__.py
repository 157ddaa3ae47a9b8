"""`python -m smcp_security.cli`: the command line where its script is not on the path. Imports only `program`."""

from __future__ import annotations

from smcp_security.cli.program import main

if __name__ == "__main__":
    main()
