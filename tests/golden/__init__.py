"""What a release wrote, kept as it was: see README.md."""
