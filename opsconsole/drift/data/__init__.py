"""Where rows come from: files, tables and commands as streams of batches, and what is wrong with them said by name."""
