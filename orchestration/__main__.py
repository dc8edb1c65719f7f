"""`python -m orchestration`: the command line under the package's name in 0.1.0, which 0.3.0 won't have."""

import sys
import warnings

from touchstone.__main__ import main

if __name__ == "__main__":
    warnings.warn("the package is now touchstone: python -m touchstone", FutureWarning, stacklevel=1)
    sys.exit(main())
