"""Where rows come from: files, tables and commands as streams of batches; ids, times, labels and scores joined; windows."""
