"""What people call: each module is one command of `python -m app`, its `main…` functions return the exit code."""
