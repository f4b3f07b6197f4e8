"""What every room stands on: nouns, errors, clock, text, files, processes, git, HTTP."""
