"""From a request to its reply: the pipeline and its stages."""
