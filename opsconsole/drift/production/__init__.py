"""Production rows, however many: ids, times, labels and scores joined by id, sorted by time, cut into windows."""
