"""The formats that rows come in, each as typed batches."""
